"""What a text is found by: its terms, made the same way for a stored text and for a question."""

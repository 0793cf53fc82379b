"""Text: its terms, tokens, speakers, excerpts and harmless forms; imports no other package."""

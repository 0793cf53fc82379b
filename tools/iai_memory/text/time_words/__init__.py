"""The words of each language for times, and those that ask without a topic."""

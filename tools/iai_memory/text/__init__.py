"""Text: terms, tokens, speakers, excerpts, and what makes a text inert. Knows no store."""

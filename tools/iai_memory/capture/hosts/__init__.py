"""The hosts' transcripts: their folders, parsers of their lines, and texts that nobody said."""

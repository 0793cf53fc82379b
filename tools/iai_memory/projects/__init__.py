"""Projects: which one a folder belongs to, and how its name becomes a file name."""

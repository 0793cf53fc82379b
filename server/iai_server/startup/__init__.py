"""What a server runs before its first heavy import: the standard library and nothing else."""

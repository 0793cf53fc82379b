"""The hosts' transcripts: where they lie, how their lines are read, what in them was never said."""

"""The hosts that can be connected: the files they read, and the entries and hooks in them."""

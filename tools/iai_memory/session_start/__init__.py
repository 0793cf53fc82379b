"""The session-start payload: rendered, cached, and provably fresh."""

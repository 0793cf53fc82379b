"""Checks of an installation: each link is used; a broken one names the command that mends it."""

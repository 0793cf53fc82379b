"""Maintenance of a whole store: sleep, scrub, status."""

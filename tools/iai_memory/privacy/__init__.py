"""Secrets in a text: found, and replaced before the text is stored."""

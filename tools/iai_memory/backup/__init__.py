"""Copies of a store's memories by themselves: taken once a day, kept for weeks, read back."""

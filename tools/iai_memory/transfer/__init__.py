"""Whole memories into and out of a store."""

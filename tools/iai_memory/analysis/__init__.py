"""Computed over many memories, and droppable: topics, contradictions."""

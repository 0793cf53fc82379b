"""Topics and contradictions: computed over many memories, and droppable."""

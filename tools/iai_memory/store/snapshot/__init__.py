"""The table in memory: derived, droppable, and brought to the latest version before it answers."""

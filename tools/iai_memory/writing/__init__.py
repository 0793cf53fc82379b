"""Everything that changes the store: ingest, supersede, forget, restore, pin, late vectors."""

"""All changes of the store: ingest, supersede, forget, restore, pin, late vectors."""

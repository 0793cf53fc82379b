"""A personal memory for AI assistants: verbatim, local, and honest about itself."""

__version__ = "0.1.0"

"""A personal memory for AI assistants: verbatim, local, and honest about itself.

    from iai_memory import Memory

    memory = Memory(store="my-memory")
    memory.ingest("The staging database listens on port 5544.")
    memory.recall("which port is staging on?").hits[0].text
"""

from .errors import MemoryFault
from .memory import Memory
from .records import Record
from .settings import Settings, load_settings
from .version import __version__


__all__ = ["Memory", "MemoryFault", "Record", "Settings", "__version__", "load_settings"]

"""A personal memory for AI assistants: verbatim, local, and honest about itself.

    from iai_memory import Memory

    memory = Memory(store="my-memory")
    memory.ingest("The staging database listens on port 5544.")
    memory.recall("which port is staging on?").hits[0].text

`Memory` and `Record` are loaded at their first use: they bring LanceDB, and a server must be able
to answer its handshake before it loads that.
"""

from typing import TYPE_CHECKING, Any

from .errors import MemoryFault
from .settings import Settings, load_settings
from .version import __version__

if TYPE_CHECKING:
    from .memory import Memory
    from .records import Record

__all__ = ["Memory", "MemoryFault", "Record", "Settings", "__version__", "load_settings"]


def __getattr__(name: str) -> Any:
    if name == "Memory":
        from .memory import Memory

        return Memory
    if name == "Record":
        from .records import Record

        return Record
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""A personal memory for AI assistants: verbatim, local, and honest about itself.

    from iai_memory import Memory

    memory = Memory(store="my-memory")
    memory.ingest("The staging database listens on port 5544.")
    memory.recall("which port is staging on?").hits[0].text

`Memory`, `Record` and the settings are loaded at their first use: they bring LanceDB and pydantic,
and a server must be able to answer its handshake before it loads those.
"""

from .errors import MemoryFault
from .version import __version__

TYPE_CHECKING = False  # typing itself costs 5 ms of the handshake
if TYPE_CHECKING:
    from typing import Any

    from .memory import Memory
    from .settings import Settings, load_settings
    from .store.record import Record

__all__ = ["Memory", "MemoryFault", "Record", "Settings", "__version__", "load_settings"]


def __getattr__(name: str) -> "Any":
    if name == "Memory":
        from .memory import Memory

        return Memory
    if name == "Record":
        from .store.record import Record

        return Record
    if name == "Settings":
        from .settings import Settings

        return Settings
    if name == "load_settings":
        from .settings import load_settings

        return load_settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Which record of the handshake may be trusted: the packaged one, or the one of this machine.

The packaged record was made with the versions of the lock file. Where others are installed, the
real server answers the first time and leaves a record of its own in the store folder. Standard
library only, and little of it.
"""

# pathlib takes a fifth of the time that the whole handshake may take.
# ruff: noqa: PTH111, PTH112, PTH118, PTH120, PTH123

from __future__ import annotations

import json
import os
import sys

from iai_memory.base.json_file import read_object
from iai_memory.base.version import __version__

TYPE_CHECKING = False  # typing itself costs 5 ms of the handshake
if TYPE_CHECKING:
    from typing import Any

PACKAGED = os.path.join(os.path.dirname(__file__), "handshake_data.json")
NAME = "handshake.json"
_DEFAULT_STORE = "~/.iai-mcp"
_MAX_BYTES = 4 << 20


def packaged_record() -> dict[str, Any] | None:
    """The record that came with this version; None if other dependencies are installed."""
    with open(PACKAGED, encoding="utf-8") as file:
        return _current(json.load(file))


def own_record() -> dict[str, Any] | None:
    """The record in the store folder; None if there is none for what is installed.

    Tools are described from it, so a file that somebody else could have written is not read.
    """
    store = os.path.expanduser(os.environ.get("IAI_MCP_STORE") or _DEFAULT_STORE)
    record = read_object(os.path.join(store, NAME), _MAX_BYTES, unwritable_by_others=True)
    # Without one, the real server answers, and writes a new one.
    return None if record is None else _current(record)


def _current(record: dict[str, Any]) -> dict[str, Any] | None:
    needed = record.get("needs")
    if not isinstance(needed, dict) or record.get("version") != __version__:
        return None
    return record if all(_is_installed(*each) for each in needed.items()) else None


def _is_installed(distribution: str, version: str) -> bool:
    # importlib.metadata says the same and takes longer than everything here together.
    folder = f"{distribution.replace('-', '_')}-{version}.dist-info"
    return any(os.path.isdir(os.path.join(place, folder)) for place in sys.path)

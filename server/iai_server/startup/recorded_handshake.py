"""The recorded handshake that matches the installed versions, if there is one.

The packaged record was made with the versions of the lock file. Where others are installed, the
real server answers the first start and leaves a record of its own in the store's folder.
"""

# pathlib takes a fifth of the time that the whole handshake may take.
# ruff: noqa: PTH111, PTH112, PTH118, PTH120, PTH123

from __future__ import annotations

import json
import os
import sys

from iai_memory.base.json_file import read_object
from iai_memory.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PACKAGED = os.path.join(os.path.dirname(__file__), "handshake_data.json")
NAME = "handshake.json"
_DEFAULT_STORE = "~/.iai-mcp"
_MAX_BYTES = 1 << 20


def packaged_handshake() -> dict[str, Any] | None:
    """Return the record that came with this version; None if other dependencies are installed."""
    with open(PACKAGED, encoding="utf-8") as file:
        return _if_current(json.load(file))


def own_handshake() -> dict[str, Any] | None:
    """Return the record in the store's folder; None if it is missing, damaged or outdated.

    It is not read if somebody else could have written it, because it describes the tools to a
    model.
    """
    store = os.path.expanduser(os.environ.get("IAI_MCP_STORE") or _DEFAULT_STORE)
    path = os.path.join(store, NAME)
    # Missing or damaged: the real server answers, and writes a new one.
    record = read_object(path, _MAX_BYTES, unwritable_by_others=True)
    return record and _if_current(record)


def _if_current(record: dict[str, Any]) -> dict[str, Any] | None:
    needed = record.get("needs")
    if record.get("version") != __version__ or not isinstance(needed, dict):
        return None
    return record if all(_is_installed(*each) for each in needed.items()) else None


def _is_installed(distribution: str, version: str) -> bool:
    # importlib.metadata says the same and takes longer than everything here together.
    folder = f"{distribution.replace('-', '_')}-{version}.dist-info"
    return any(os.path.isdir(os.path.join(place, folder)) for place in sys.path)

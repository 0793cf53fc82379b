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

from iai_memory.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PACKAGED = os.path.join(os.path.dirname(__file__), "handshake_data.json")
NAME = "handshake.json"
_DEFAULT_STORE = "~/.iai-mcp"


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
    try:
        with open(os.path.join(store, NAME), encoding="utf-8") as file:
            about = os.fstat(file.fileno())
            if about.st_uid != os.geteuid() or about.st_mode & 0o022:
                return None
            return _if_current(json.load(file))
    except (OSError, ValueError):
        # Missing or damaged: the real server answers, and writes a new one.
        return None


def _if_current(record: dict[str, Any]) -> dict[str, Any] | None:
    needed: dict[str, str] = record["needs"]
    same = record["version"] == __version__ and all(_is_installed(*each) for each in needed.items())
    return record if same else None


def _is_installed(distribution: str, version: str) -> bool:
    # importlib.metadata says the same and takes longer than everything here together.
    folder = f"{distribution.replace('-', '_')}-{version}.dist-info"
    return any(os.path.isdir(os.path.join(place, folder)) for place in sys.path)

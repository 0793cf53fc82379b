"""The doctor's look at the small files of a store: is each a file that can be read?

None of them is needed: what cannot be read counts as missing, and is made again.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from iai_memory import Memory
from iai_memory.base.ledger import MAX_BYTES

from .check import BrokenLink, WeakLink

_STATE_FILES: Final = (
    "maintenance.json",
    "sleep.json",
    "topics.json",
    "imported.json",
    "handshake.json",
    "prompt-outcomes.json",
    "spool/sessions.json",
    "spool/offsets.json",
)


def check_state_files(memory: Memory) -> str:
    """Return that each file is one.

    Raises:
        BrokenLink: Something else stands in the place of one.
        WeakLink: The ledger has grown beyond what is read of it.
    """
    paths = memory.paths
    logs = (*_ledgers(memory), *sorted(paths.logs.glob("*.log")))
    names = [*_STATE_FILES, *(f"{place.parent.name}/{place.name}" for place in logs)]
    odd = [name for name in names if _is_odd(paths.root / name)]
    if odd:
        raise BrokenLink(
            f"{', '.join(odd)} in {paths.root}: no file that can be used, so move it away; it is "
            f"made again"
        )
    large = [place for place in _ledgers(memory) if place.exists() and _is_large(place)]
    if large:
        raise WeakLink(
            f"{large[0]} has {large[0].stat().st_size >> 20} MiB, and only its end is read: remove "
            f"it if nobody needs it"
        )
    return "each is a file of yours"


def _ledgers(memory: Memory) -> tuple[Path, Path]:
    return memory.ledger.current, memory.ledger.previous


def _is_odd(path: Path) -> bool:
    try:
        about = path.lstat()
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(about.st_mode) or not os.access(path, os.R_OK)


def _is_large(path: Path) -> bool:
    return path.stat().st_size > 2 * MAX_BYTES

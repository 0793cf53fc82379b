"""Temporary folders in memory, where the system has room for them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM = 2 << 30


def choose_quick_folders() -> None:
    """Make temporary folders in memory, here and in children; what TMPDIR names goes first.

    A store waits for the disk at each commit, and a run of all tests commits thousands of times:
    on a disk that takes 5 ms for it, half of the run was waiting. Kills and races are the same in
    memory: what a process has written outlives it there, too.
    """
    if "TMPDIR" not in os.environ and _holds_stores(MEMORY):
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # pytest has asked before, so Python would not look again


def _holds_stores(folder: Path) -> bool:
    # A container's own is often 64 MB, and runs no programs.
    if not os.access(folder, os.W_OK):
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize >= ROOM and not found.f_flag & os.ST_NOEXEC

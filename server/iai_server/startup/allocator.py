"""Settings of the C allocator, against memory that it holds and nobody uses.

Only glibc's holds any; elsewhere (macOS, musl) these functions do nothing.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache

_ARENA_MAX = -8  # M_ARENA_MAX of mallopt(3)
_ARROW_POOL = "ARROW_DEFAULT_MEMORY_POOL"


def use_one_heap() -> None:
    """Let all threads and libraries share one heap; call it before threads and pyarrow start.

    glibc gives threads up to eight heaps a core, and each keeps the largest size that it ever had.
    LanceDB scans with dozens of threads: 200 recalls in 31,000 records leave 1,065 MiB, and 473 MiB
    with one heap, in the same processor time. Arrow brings an allocator of its own, which keeps 10
    to 16 MiB of an emptied pool.
    """
    os.environ.setdefault(_ARROW_POOL, "system")
    if library := _glibc():
        library.mallopt(_ARENA_MAX, 1)


def return_free_memory() -> None:
    """Return free memory to the system; takes at most some milliseconds.

    glibc by itself returns the free end of a heap, never free blocks in its middle: a scan of
    100,000 records for the session-start page leaves 20 MiB there, and 90 with two dozen recalls
    in between.
    """
    if library := _glibc():
        library.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") else None

"""What running servers hold in memory after an erasure, and whether they dropped it."""

from __future__ import annotations

import os
import sys
import time
from typing import Final

from ..base.paths import StorePaths
from ..base.presence import Server, alive_servers

WAIT_SEC: Final = 10.0
_POLL_SEC: Final = 0.1
_PACKAGE: Final = __name__.partition(".")[0]


def servers_that_remember(
    paths: StorePaths, number: int, wait_sec: float = WAIT_SEC
) -> list[Server]:
    """Return the servers that have not dropped what they held before an erasure.

    Args:
        paths: Of their store.
        number: Of the erasure, as `Erasures.erased` returned it.
        wait_sec: How long to wait for them; each looks twice a second.
    """
    ends = time.monotonic() + wait_sec
    while True:
        late = [
            one for one in alive_servers(paths) if one.forgot < number and one.pid != os.getpid()
        ]
        if not late or time.monotonic() >= ends:
            return late
        time.sleep(_POLL_SEC)


def clear_caches() -> None:
    """Empty every `functools` cache of this package, which hold words of texts; they fill again."""
    for name, module in sys.modules.copy().items():
        if name == _PACKAGE or name.startswith(f"{_PACKAGE}."):
            for value in vars(module).copy().values():
                clear = getattr(value, "cache_clear", None)
                if clear is not None:
                    clear()

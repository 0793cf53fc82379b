"""OS file locks between threads and processes; the death of a holder releases them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import StoreBusy, StoreUnavailable
from .files import PRIVATE_FILE, make_private_folder


@contextmanager
def held(path: Path, *, timeout: float) -> Generator[None]:
    """Hold the lock for the block.

    Args:
        path: The lock file; it stays, only the lock on it comes and goes.
        timeout: Seconds to wait; 0 tries once.

    Raises:
        StoreBusy: Another holder kept it for longer than `timeout`.
        StoreUnavailable: The lock file cannot be made.
    """
    make_private_folder(path.parent)
    lock = FileLock(path, timeout=timeout, mode=PRIVATE_FILE, thread_local=False)
    try:
        lock.acquire()
    except Timeout as exc:
        raise StoreBusy(
            f"{path.name} is held by another process for more than {timeout:g} s: try again, or "
            f"see who runs with `iai-mcp status`"
        ) from exc
    except OSError as exc:
        raise StoreUnavailable(
            f"{path} cannot be locked ({exc.strerror}): run `iai-mcp doctor`"
        ) from exc
    try:
        yield
    finally:
        lock.release()

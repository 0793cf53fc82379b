"""The mark that a store has what its cached session-start pages lack: `.page-behind`.

Whoever commits such a change sets it before the change counts as done; while it stands, the recall
hook renders the page anew. A refresh reads the mark before its watermark and takes it away after
the last page is written, but only the very one that it read: a later one stands for a change that
may have come after the watermark.
"""

from __future__ import annotations

import os

from ..errors import StoreBusy, StoreUnavailable
from .files import replace_file
from .json_file import read_own_file
from .locks import held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .paths import StorePaths

NAME = ".page-behind"
_WAIT_SEC = 5.0


def set_page_mark(paths: StorePaths) -> None:
    """Set the mark, or replace it by a new one; it is on the disk when this returns.

    Raises:
        StoreUnavailable: The store's folder cannot be written.
        StoreBusy: Another process kept the lock of the mark for 5 s.
    """
    with held(paths.lock("page-mark"), timeout=_WAIT_SEC):
        try:
            replace_file(paths.root / NAME, os.urandom(16).hex().encode() + b"\n")
        except OSError as exc:
            raise StoreUnavailable(
                f"{paths.root / NAME} cannot be written ({exc.strerror}): run `iai-mcp doctor`"
            ) from exc


def page_mark(paths: StorePaths) -> bytes | None:
    """Return the mark that stands now; None without one."""
    try:
        return read_own_file(paths.root / NAME, 64) or b""
    except FileNotFoundError:
        return None
    except OSError:
        return b""


def clear_page_mark(paths: StorePaths, seen: bytes | None) -> None:
    """Take the mark away if it is still the one that was read; leave it where that is not certain.

    Raises:
        OSError: The store's folder cannot be written.
    """
    if seen is None:
        return
    try:
        with held(paths.lock("page-mark"), timeout=0):
            if page_mark(paths) == seen:
                (paths.root / NAME).unlink(missing_ok=True)
    except StoreBusy:
        return  # somebody sets another one just now

"""The mark that cached session-start pages may lack what the live page shows: `.page-behind`.

Whoever changes what a page shows sets the mark first, and keeps its lock until the change is done.
While the mark stands, the recall hook renders the page anew. A refresh reads the mark under that
lock before its watermark, so each change that the mark stands for is done and seen, or never comes.
After the last page is written it takes the mark away, but only the very one that it read: each
change makes it another one.

An ordinary change lets a refresh keep its interval. An urgent one does not: the next session
probably needs it, and should not have to render.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

from ..errors import StoreBusy, StoreUnavailable
from .files import make_private_folder, overwrite_file, replace_file, sync_folder
from .json_file import read_own_file
from .locks import held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    from .paths import StorePaths

NAME = ".page-behind"
_WAIT_SEC = 5.0
# A commit on a slow disk; a refresh that finds the lock held leaves the mark to the next one.
_READ_WAIT_SEC = 1.0
_URGENT, _ORDINARY = b"now", b"due"


@contextmanager
def page_change(paths: StorePaths, *, urgent: bool = False) -> Generator[None]:
    """Set the mark, then let the block make its change, which no refresh overlooks.

    The mark is on the disk before the block begins, even if the power fails. Costs tens of
    microseconds where it stands already, else two `fsync`.

    Args:
        paths: Of the store.
        urgent: Whether the next refresh may not wait for its interval. An urgent mark stays one.

    Raises:
        StoreUnavailable: The mark cannot be written.
        StoreBusy: Another process kept the lock of the mark for 5 s.
    """
    make_private_folder(paths.root)
    with held(paths.lock("page-mark"), timeout=_WAIT_SEC):
        kind = _URGENT if urgent or is_urgent(page_mark(paths)) else _ORDINARY
        try:
            _write(paths, b"%s %s\n" % (kind, os.urandom(16).hex().encode()))
        except OSError as exc:
            raise StoreUnavailable(
                f"{paths.root / NAME} cannot be written ({exc.strerror}): mend that, or move it "
                f"away"
            ) from exc
        yield


def hasten_page(paths: StorePaths) -> None:
    """Set the mark, or make it an urgent one, for a change that is done.

    Raises:
        StoreFault: As `page_change`.
    """
    with page_change(paths, urgent=True):
        pass


def page_mark(paths: StorePaths) -> bytes | None:
    """Return the mark that stands now, b"" for what is no file of ours; None without one."""
    try:
        return read_own_file(paths.root / NAME, 64) or b""
    except FileNotFoundError:
        return None
    except OSError:
        return b""


def is_urgent(mark: bytes | None) -> bool:
    """Return whether the mark, as `page_mark` returned it, makes a refresh skip its interval."""
    return mark is not None and not mark.startswith(_ORDINARY)


def settled_page_mark(paths: StorePaths) -> bytes | None:
    """Return the mark while nobody is at a change; None without one and where that is not certain.

    Raises:
        StoreUnavailable: The lock of the mark cannot be made.
    """
    try:
        with held(paths.lock("page-mark"), timeout=_READ_WAIT_SEC):
            return page_mark(paths)
    except StoreBusy:
        return None


def clear_page_mark(paths: StorePaths, seen: bytes | None) -> None:
    """Take the mark away if it is still the one that was read; leave it where that is not certain.

    Args:
        paths: Of the store.
        seen: From `settled_page_mark`; None does nothing.

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


def _write(paths: StorePaths, mark: bytes) -> None:
    path = paths.root / NAME
    # Over the mark that stands, which is on the disk already: after a power cut nobody is left who
    # read the one before.
    if not overwrite_file(path, mark):
        replace_file(path, mark)
        sync_folder(paths.root)

"""The one place where LanceDB's errors become ours.

LanceDB 0.40 raises plain RuntimeError, OSError and ValueError; only the text tells them apart.
"""

from __future__ import annotations

import errno
import random
import re
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final, TypeVar

from ..base.machine_faults import machine_fault, system_error_in
from ..errors import StoreBusy, StoreUnavailable

T = TypeVar("T")

LANCE_ERRORS: Final = (RuntimeError, OSError, ValueError)
# Where the classes of panics say that they are defined; no module of that name can be imported.
_PANICS: Final = ("pyo3_runtime", "pyo3_async_runtimes")
CONFLICTS: Final = ("Too many concurrent writers", "Retryable commit conflict")
CLEANED_VERSION: Final = ("Not found:", "was not found")
# Where in LanceDB's sources an error was made, on the machine that built it.
_BUILD_PATH: Final = re.compile(r",? ?\S*/\S+\.rs:\d+:\d+")
# LanceDB commits a version by a hard link, so that no writer replaces another one's; FAT and some
# network and user-space file systems answer EPERM, ENOTSUP, ENOSYS or EMLINK to that.
_NO_HARD_LINK: Final = re.compile(
    r"Unable to (?:rename|copy) .*\(os error (?:1|31|38|45|95)\)"
    r"|filesystem does not support an operation"
)
_PATH: Final = re.compile(r'at path "(/[^"]*)/[^/"]*"')
_ATTEMPTS: Final = 8


def is_lances(error: BaseException) -> bool:
    """Return whether LanceDB raised it: an error, or a panic at bytes that it cannot decode."""
    return isinstance(error, LANCE_ERRORS) or type(error).__module__ in _PANICS


def is_conflict(error: BaseException) -> bool:
    """Return whether another writer committed first; a retry on the latest version can succeed."""
    return any(text in str(error) for text in CONFLICTS)


def is_cleaned_version(error: BaseException) -> bool:
    """Return whether a compaction dropped the version being read; the latest has its rows."""
    return any(text in str(error) for text in CLEANED_VERSION)


def is_full(error: BaseException) -> bool:
    """Return whether the disk had no room."""
    return getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)


def is_machines(error: BaseException) -> bool:
    """Return whether the machine is the cause, and no file of the table: room, rights, open files.

    Such an error comes and goes, so nothing may be dropped because of it.
    """
    texts = ("No space left", "Too many open files", "Permission denied", "Cannot allocate memory")
    return isinstance(error, MemoryError) or any(text in str(error) for text in texts)


def lacks_hard_links(error: BaseException) -> bool:
    """Return whether the file system has no hard links."""
    return _NO_HARD_LINK.search(str(error)) is not None


@contextmanager
def translated(what: str) -> Generator[None]:
    """Turn LanceDB's errors inside the block into StoreFault.

    Args:
        what: The work as a noun phrase, for the error.

    Raises:
        StoreBusy: A commit lost its race too often.
        StoreUnavailable: Any other failure.
    """
    try:
        yield
    except BaseException as exc:
        if not is_lances(exc):
            raise
        if is_conflict(exc):
            raise StoreBusy(f"{what} lost its race against other writers: try again") from exc
        if is_full(exc):
            raise StoreUnavailable(f"{what} failed (no space left on the disk): make room") from exc
        if lacks_hard_links(exc):
            raise StoreUnavailable(
                f"{what} failed (its file system has no hard links): set IAI_MCP_STORE to a folder "
                f"on another one, such as one in your home folder"
            ) from exc
        if (told := system_error_in(exc)) is not None:
            raise StoreUnavailable(machine_fault(told, f"{what} failed{_place_in(exc)}")) from exc
        raise StoreUnavailable(f"{what} failed ({first_line(exc)}): run `iai-mcp doctor`") from exc


def retried(what: str, work: Callable[[], T], refresh: Callable[[], None]) -> T:
    """Run `work`, up to eight times: again after a conflict or a dropped version.

    Args:
        what: The work as a noun phrase, for the error.
        work: May run several times; must commit at most once.
        refresh: Moves the handle to the latest version.

    Raises:
        StoreFault: See `translated`.
    """
    with translated(what):
        for attempt in range(_ATTEMPTS):
            try:
                return work()
            except LANCE_ERRORS as exc:
                last = attempt == _ATTEMPTS - 1
                if last or not (is_conflict(exc) or is_cleaned_version(exc)):
                    raise
                # Jitter, so that writers which collided once do not collide again in step.
                time.sleep(random.uniform(0.5, 1.5) * 0.01 * 2**attempt)
                refresh()
        raise AssertionError("unreachable: the last attempt returns or raises")


def _place_in(error: BaseException) -> str:
    """Return in which folder it happened, as " in /a/b"; nothing where the error does not say."""
    found = _PATH.search(str(error))
    return f" in {found[1]}" if found else ""


def first_line(error: BaseException) -> str:
    """Return the beginning of an error's text, without paths of the machine that built LanceDB."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return _BUILD_PATH.sub("", lines[0])[:200]

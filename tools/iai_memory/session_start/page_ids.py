"""The ids of the memories that a cached page shows, beside it: `x.cached.ids`.

The first line is the mark of the page that they are of, 16 digits of its SHA-256 and its length;
each other line is an id. The recall hook logs the mark with each session that gets the page, if the
file was the same before and after it was printed. So whoever writes another page takes the file
away first, and writes the new one when the page is there: a mark is never logged for another page,
whoever is killed between the steps, and a session in between goes without.

What was taken away stays as `x.cached.ids.old` until the next page, for what is logged late.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from ..base.files import replace_file
from ..base.json_file import read_own_file

SUFFIXES: Final = (".ids", ".ids.old")
"""Of both files, in the place of the page's `.md`."""

_MAX_BYTES: Final = 1 << 16
_MARK: Final = re.compile("([0-9a-f]{16}) [0-9]{1,9}")
_ID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class PageIds(NamedTuple):
    """The mark of a page, as the hook logs it, and the ids of its memories."""

    mark: str
    ids: tuple[str, ...]


@contextmanager
def another_page(cache: Path, payload: bytes, ids: Iterable[str]) -> Generator[None]:
    """Let the block write a page; before it the old one's ids go aside, behind it come its own.

    Raises:
        OSError: The disk is full or the folder cannot be written. Where the block failed, the old
            ids are back.
    """
    current, old = ids_files(cache)
    is_aside = _put_aside(cache)
    try:
        yield
    except OSError:
        with suppress(OSError):  # then the page has none, as after a kill
            if is_aside:
                old.replace(current)
        raise
    lines = [_first_line(payload), *ids]
    replace_file(current, "".join(f"{line}\n" for line in lines).encode())


def ids_files(cache: Path) -> tuple[Path, Path]:
    """Return where the ids of a page are, and those of the page before."""
    stem = cache.name.removesuffix(".md")
    current, old = (cache.with_name(stem + suffix) for suffix in SUFFIXES)
    return current, old


def ids_on(cache: Path, payload: bytes) -> tuple[str, ...]:
    """Return the ids of the memories on a cached page; none where it is not known which they are.

    Args:
        cache: Path of the page.
        payload: The page as it was read.
    """
    found = _read(ids_files(cache)[0])
    return found[1].ids if found and found[0] == _first_line(payload) else ()


def remove_ids(cache: Path) -> None:
    """Remove both files of a page.

    Raises:
        OSError: The folder cannot be written.
    """
    for path in ids_files(cache):
        path.unlink(missing_ok=True)


def ids_by_mark(caches: Iterable[Path]) -> dict[str, tuple[str, ...]]:
    """Return the ids of the pages, and of those that they replaced, by the mark that is logged."""
    found = (_read(path) for cache in caches for path in ids_files(cache))
    return {one.mark: one.ids for _, one in filter(None, found)}


def _put_aside(cache: Path) -> bool:
    """Take the ids of the present page away, and return whether they were kept.

    Those of another page are of no use.
    An earlier version of this program writes a page and leaves them.
    """
    current, old = ids_files(cache)
    found = _read(current)
    try:
        payload = read_own_file(cache, 16 << 20)
    except OSError:
        payload = None
    if found and payload is not None and found[0] == _first_line(payload):
        current.replace(old)
        return True
    current.unlink(missing_ok=True)
    return False


def _first_line(payload: bytes) -> str:
    return f"{hashlib.sha256(payload).hexdigest()[:16]} {len(payload)}"


def _read(path: Path) -> tuple[str, PageIds] | None:
    """Return the first line of a file, and what it holds; None where it is not one of ours."""
    try:
        content = read_own_file(path, _MAX_BYTES)
    except OSError:
        return None
    if content is None:
        return None
    first, *ids = content.decode("ascii", "replace").removesuffix("\n").split("\n")
    mark = _MARK.fullmatch(first)
    if mark is None or not all(map(_ID.fullmatch, ids)):
        return None
    return first, PageIds(mark[1], tuple(ids))

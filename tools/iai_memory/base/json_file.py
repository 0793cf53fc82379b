"""The one reader of small JSON state files; it refuses damaged and planted ones.

Every such file can be lost without harm, so a file that fails any check counts as missing. Standard
library only, and little of it: the handshake reads its record before anything else is loaded.
"""

from __future__ import annotations

import json
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

MAX_DEPTH = 64
"""Containers inside each other. Code that walks deeper files could exhaust its stack."""

# A FIFO in the file's place would block an ordinary open; a link could lead to any other file.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def read_object(
    path: str | Path, max_bytes: int, *, unwritable_by_others: bool = False
) -> dict[str, Any] | None:
    """Return the JSON object in the file, or None where there is none that may be used.

    None stands for a file that is missing or unreadable; a link, a folder, a FIFO or a device;
    owned by another user; longer than `max_bytes`; not UTF-8; not one JSON object; nested deeper
    than `MAX_DEPTH`; or with NaN, an infinite number or a name that occurs twice in one object.

    Args:
        path: The file; links in its folders are followed.
        max_bytes: Maximum length.
        unwritable_by_others: Also refuse a file whose mode lets group or others write. Some mounts
            show every file so; there the caller gets None for good.
    """
    try:
        content = read_own_file(path, max_bytes, unwritable_by_others=unwritable_by_others)
        if content is None:
            return None
        fields = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse,
            parse_float=_finite,
        )
    except (OSError, ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) and _is_shallow(fields) else None


def whole_numbers(fields: dict[str, Any], names: tuple[str, ...]) -> list[int] | None:
    """Return the fields' values, or None where one is missing or no whole number."""
    values = [fields.get(name) for name in names]
    # `type`, because True is an int to isinstance.
    numbers = [value for value in values if type(value) is int]
    return numbers if len(numbers) == len(names) else None


def read_own_file(
    path: str | Path, max_bytes: int, *, unwritable_by_others: bool = False
) -> bytes | None:
    """Return the bytes of a regular file of this user, at most `max_bytes`; None for any other.

    Never blocks: a link is not followed, and a FIFO not waited for.

    Raises:
        OSError: There is no such file, it is a link, or it cannot be read.
    """
    with os.fdopen(os.open(path, _FLAGS), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid():
            return None
        if unwritable_by_others and about.st_mode & _WRITABLE_BY_OTHERS:
            return None
        # Read with its limit, because a file may grow after it was measured.
        content = file.read(max_bytes + 1)
    return content if len(content) <= max_bytes else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name occurs twice")
    return fields


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is infinite")
    return number


def _is_shallow(fields: dict[str, Any]) -> bool:
    level: list[Any] = [fields]
    for _ in range(MAX_DEPTH):
        level = [
            value
            for container in level
            for value in (container.values() if isinstance(container, dict) else container)
            if isinstance(value, (dict, list))
        ]
        if not level:
            return True
    return False

"""Removal of backups that are over, and of segments that no backup needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from .folder import BackupFolder
from .point import Point
from .retention import kept_points
from .segment import is_ours

_MAX_OF_TEXT: Final = 1.5
_SMALL_BYTES: Final = 256 << 10


def drop_old(folder: BackupFolder, points: list[Point]) -> list[Point]:
    """Remove the backups that are over; return those that stay, newest first.

    All together take one and a half times the text of the newest at most: if they would take more,
    the oldest go, but never the newest. Very small stores have a quarter of a megabyte.

    Args:
        folder: Of the backups.
        points: All, newest first.

    Raises:
        BackupFault: The folder cannot be written.
    """
    kept = kept_points(points)
    room = max(_MAX_OF_TEXT * kept[0].text_bytes, _SMALL_BYTES)
    while len(kept) > 1 and _size(kept) > room:
        kept.pop()
    for point in points:
        if point not in kept:
            folder.remove(folder.index(point))
    return kept


def remove_unneeded(folder: BackupFolder, points: Iterable[Point]) -> int:
    """Remove the segments that none of the backups names; return how many.

    Raises:
        BackupFault: The folder cannot be written.
    """
    needed: Collection[str] = {part.name for point in points for part in point.parts}
    removed = 0
    for path in folder.segment_files():
        if path.name not in needed and is_ours(path.name) and path.is_file():
            folder.remove(path)
            removed += 1
    return removed


def _size(points: Iterable[Point]) -> int:
    parts = {part.name: part.size for point in points for part in point.parts}
    return sum(parts.values())

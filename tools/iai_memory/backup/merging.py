"""Segments that the same backups need become fewer: small neighbours one, outdated states gone.

When a backup between two others is over, nothing needs the states by themselves that only it was
to show. So each backup that stays has exactly the states that it had, and none lies there twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from .folder import BackupFolder
from .known import read_states
from .point import Point
from .segment import MAX_ROWS, Segment, Segments, portions
from .state_line import state_of

_SMALL_ROWS: Final = MAX_ROWS // 2
_MIN_LIVE: Final = 0.7


def merge_segments(
    folder: BackupFolder, points: Sequence[Point], live: Mapping[str, int]
) -> list[Point]:
    """Merge what can be merged; return the backups as they are then.

    New segments are written before the first index names them, so a kill leaves every backup whole.

    Args:
        folder: Of the backups, under their lock.
        points: The backups that stay, newest first.
        live: For each segment of the newest, by name, how many of its states are the latest.

    Raises:
        BackupFault: The folder cannot be read or written.
    """
    new: dict[str, tuple[Segment, ...]] = {}
    for group in _groups(points):
        if any(live.get(one.name, 0) < _MIN_LIVE * one.rows for one in group):
            new |= _without_outdated(folder.segments, group)
        for small, run in groupby(group, lambda one: one.rows < _SMALL_ROWS):
            merged = [one for one in run if one.name not in new]
            if small and len(merged) > 1:
                new |= _merged(folder.segments, merged)
    if not new:
        return list(points)
    changed = [_with(point, new) for point in points]
    for before, after in zip(points, changed, strict=True):
        if after != before:
            folder.replace(after)
    return changed


def _groups(points: Sequence[Point]) -> Iterator[list[Segment]]:
    """Yield the neighbours among the newest backup's segments that the same backups need."""
    users: dict[str, tuple[int, ...]] = {}
    for point in points:
        for one in point.segments:
            users[one.name] = (*users.get(one.name, ()), point.number)
    for _, group in groupby(points[0].segments, lambda one: users[one.name]):
        yield list(group)


def _merged(segments: Segments, small: Sequence[Segment]) -> dict[str, tuple[Segment, ...]]:
    """Return one segment, or more, in the place of the first of these, and none in the others'."""
    latest: dict[str, bytes] = {}
    for one in small:
        for line in segments.read(one):
            id_ = state_of(line).id
            latest.pop(id_, None)  # behind the others
            latest[id_] = line
    new = tuple(segments.write(portion) for portion in portions(iter(latest.values())))
    return {one.name: new if one is small[0] else () for one in small}


def _without_outdated(
    segments: Segments, group: Sequence[Segment]
) -> dict[str, tuple[Segment, ...]]:
    """Return a smaller one for each segment of which others of the group hold many later states."""
    last: dict[str, str] = {}
    for one in group:
        last.update(dict.fromkeys((state.id for state in read_states(segments, one)), one.name))
    new: dict[str, tuple[Segment, ...]] = {}
    for one in group:
        lines = segments.read(one)
        kept = [line for line in lines if last[state_of(line).id] == one.name]
        if len(kept) < _MIN_LIVE * one.rows:
            new[one.name] = (segments.write(kept),) if kept else ()
    return new


def _with(point: Point, new: Mapping[str, tuple[Segment, ...]]) -> Point:
    segments = [part for one in point.segments for part in new.get(one.name, (one,))]
    return replace(point, segments=tuple(segments))

"""Copies that forks of Codex left in a store which knew turns by their session, found by order.

Their messages had no ids, or ids that say nothing outside of one thread. A fork repeats the turns
of its parent in order, and writes them all at one moment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Final

# A fork writes each copy a millisecond after the one before; no model answers so fast.
_MAX_PAUSE: Final = timedelta(milliseconds=50)
_MIN_COPIES: Final = 2


@dataclass(frozen=True, slots=True)
class ThreadTurn:
    """A turn of a thread of Codex.

    Attributes:
        id: Of its record.
        session_id: Of its thread.
        created_at: When it was said; of a copy when the fork was made.
        said: Equal for turns that say the same.
    """

    id: str
    session_id: str
    created_at: datetime
    said: object


def copies_by_order(turns: Iterable[ThreadTurn]) -> list[list[str]]:
    """Return the ids of the records of each turn that a fork repeated; the first is the original.

    A thread is a fork of an earlier one where its first turns say the same in the same order, and
    have the same times or follow each other without a pause.
    """
    threads: dict[str, list[ThreadTurn]] = {}
    for turn in sorted(turns, key=lambda one: (one.created_at, one.id)):
        threads.setdefault(turn.session_id, []).append(turn)
    earlier: dict[object, list[list[ThreadTurn]]] = {}
    groups: dict[str, list[str]] = {}
    for thread in threads.values():
        alike = earlier.setdefault(thread[0].said, [])
        counted = [(_copied(one, thread), one) for one in alike]
        count, parent = max(counted, default=(0, thread), key=itemgetter(0))
        for original, copy in zip(parent[:count], thread[:count], strict=True):
            group = groups.setdefault(original.id, [original.id])
            group.append(copy.id)
            groups[copy.id] = group
        alike.append(thread)
    return list({id(group): group for group in groups.values()}.values())


def _copied(parent: list[ThreadTurn], fork: list[ThreadTurn]) -> int:
    """Return how many first turns of the fork are copies of the parent's."""
    count, last = 0, fork[0].created_at
    for original, copy in zip(parent, fork, strict=False):
        same_time = original.created_at == copy.created_at
        if original.said != copy.said or not (same_time or copy.created_at - last <= _MAX_PAUSE):
            break
        count, last = count + 1, copy.created_at
    # One turn alone may be said in two threads, but hardly at the same time.
    enough = count >= _MIN_COPIES or parent[0].created_at == fork[0].created_at
    return count if enough else 0

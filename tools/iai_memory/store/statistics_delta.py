"""What this process added to the table, so that nobody need count the whole table again for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .reader import Contents, merge_contents
from .record import Record

Parts = dict[str | None, Contents]

_MOST: Final = 1_024


@dataclass(frozen=True, slots=True)
class OwnCommit:
    """A change of the table that did nothing but add rows, or not even that.

    Attributes:
        before: The version that it was made on.
        after: The version that it became.
        stamp: The table's, right after it.
        added: What the rows that it added hold, by project.
    """

    before: int
    after: int
    stamp: str
    added: Parts


class OwnCommits:
    """The newest of them: noted under the store's write lock, asked by any thread."""

    def __init__(self) -> None:
        """There are none yet."""
        self._commits: deque[OwnCommit] = deque(maxlen=_MOST)

    def note(self, commit: OwnCommit) -> None:
        """Adds the newest."""
        self._commits.append(commit)

    def carried(self, parts: Parts, version: int, until: int, stamp: str) -> Parts | None:
        """What the table holds at a later version, from what it held at an earlier one.

        None unless every commit between the two is one of these, and the last left this stamp.
        """
        reached, left = version, ""
        grown = dict(parts)
        for commit in tuple(self._commits):
            if commit.before == reached and commit.after <= until:
                reached, left = commit.after, commit.stamp
                for project, added in commit.added.items():
                    grown[project] = merge_contents([grown.get(project, Contents()), added])
        return grown if (reached, left) == (until, stamp) else None


def added_by(records: Sequence[Record]) -> Parts | None:
    """What these new rows hold, by project; None where time alone changes whether one is live."""
    if any(one.valid_to is not None or one.tombstoned_at is not None for one in records):
        return None
    parts: Parts = {}
    for one in records:
        row = Contents(
            live=1,
            total=1,
            pending=int(one.embedder is None),
            max_id=one.id,
            max_created_at=one.created_at,
            max_updated_at=one.updated_at,
            content_version=one.table_version,
        )
        parts[one.project] = merge_contents([parts.get(one.project, Contents()), row])
    return parts

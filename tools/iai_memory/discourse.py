"""What was said just before and just after: candidates in the order of their sessions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

# What a turn lacks, the turns around it often say; the further away, the less that counts.
_REACH: Final = (0.9, 0.8, 0.6, 0.45, 0.3)

Places = NDArray[np.intp]
"""For each candidate the place of another one in the same list; -1 for none."""


@dataclass(frozen=True, slots=True)
class Discourse:
    """Who follows whom among candidates.

    Attributes:
        before: Place of what was said just before in the same session, where it is a candidate.
        after: Place of what was said just after.
    """

    before: Places
    after: Places

    def at(self, values: NDArray[np.float64], places: Places) -> NDArray[np.float64]:
        """The rows of `values` at the places, zeros where there is none."""
        found = values[places]
        found[places < 0] = 0.0
        return found

    def around(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """For each row the largest of its own and its neighbours' values, each further one less.

        Args:
            values: float64, (n,) or (n, k), none negative.
        """
        best, before, after = values.copy(), self.before, self.after
        for share in _REACH:
            np.maximum(best, share * self.at(values, before), out=best)
            np.maximum(best, share * self.at(values, after), out=best)
            before = _further(self.before, before)
            after = _further(self.after, after)
        return best


def discourse_of(ids: Sequence[str], sessions: Mapping[str, Sequence[str]]) -> Discourse:
    """The order of candidates.

    Args:
        ids: Of the candidates.
        sessions: The ids of each session's records in the order they were said.
    """
    place = {id_: at for at, id_ in enumerate(ids)}
    before = np.full(len(ids), -1, dtype=np.intp)
    after = before.copy()
    for spoken in sessions.values():
        for first, second in pairwise(spoken):
            if first in place and second in place:
                after[place[first]], before[place[second]] = place[second], place[first]
    return Discourse(before, after)


def neighbours(ids: Sequence[str], sessions: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """What was said just before and just after each of the ids; some of it several times."""
    wanted = set(ids)
    for spoken in sessions.values():
        for first, second in pairwise(spoken):
            if first in wanted:
                yield second
            if second in wanted:
                yield first


def _further(step: Places, places: Places) -> Places:
    return np.where(places < 0, -1, step[places])

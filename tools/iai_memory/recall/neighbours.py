"""What was said just before and just after: candidates in the order of their sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..store.record import Record
from ..store.session_order import Spoken

# What a turn lacks, the turns around it often say; the further away, the less that counts.
_REACH: Final = (0.9, 0.8, 0.6, 0.45, 0.3)

# Of a text that stands for its surroundings too: what led to it says more of it than what followed.
_BEFORE: Final = (0.8, 0.4)
_AFTER: Final = (0.4,)
_KINSHIP: Final = 0.45
"""The mean cosine of a turn with the next one in LoCoMo is .46, with the one after that .43."""

_ALONE: Final = Spoken(())

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

    def together(self, cosines: NDArray[np.float64]) -> NDArray[np.float64]:
        """The cosine with each text and those around it taken as one, their weighted mean.

        The length of such a mean is reckoned from a usual cosine of neighbours: their vectors are
        not looked at.

        Args:
            cosines: float64, (n,), of each text alone.
        """
        total, weights = cosines.copy(), np.ones(len(cosines))
        squares = weights.copy()
        for shares, step in ((_BEFORE, self.before), (_AFTER, self.after)):
            places = step
            for share in shares:
                there = (places >= 0).astype(float)
                total += share * self.at(cosines, places)
                weights += share * there
                squares += share**2 * there
                places = _further(step, places)
        alike: NDArray[np.float64] = total / np.sqrt(squares + _KINSHIP * (weights**2 - squares))
        return alike


def discourse_of(records: Sequence[Record], sessions: Mapping[str, Spoken]) -> Discourse:
    """The order of candidates.

    Args:
        records: Of the candidates.
        sessions: At least those of several of them, by id.
    """
    place: dict[str | None, int] = {record.id: at for at, record in enumerate(records)}
    told = zip(_sessions_of(records, sessions), records, strict=True)
    before = np.array([place.get(spoken.before(one.id), -1) for spoken, one in told], dtype=np.intp)
    after = np.full(len(records), -1, dtype=np.intp)
    (later,) = np.nonzero(before >= 0)
    after[before[later]] = later
    return Discourse(before, after)


def neighbours(records: Sequence[Record], sessions: Mapping[str, Spoken]) -> set[str]:
    """The ids of what was said just before and just after each of the records."""
    told = zip(_sessions_of(records, sessions), records, strict=True)
    beside = {id_ for spoken, one in told for id_ in (spoken.before(one.id), spoken.after(one.id))}
    return {id_ for id_ in beside if id_ is not None}


def _sessions_of(records: Sequence[Record], sessions: Mapping[str, Spoken]) -> list[Spoken]:
    return [sessions.get(record.session_id or "", _ALONE) for record in records]


def _further(step: Places, places: Places) -> Places:
    return np.where(places < 0, -1, step[places])

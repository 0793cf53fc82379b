"""The turns just before and just after a candidate, in the order of its session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..store.record import Record
from ..store.session_order import SessionOrder

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
"""For each candidate the row of another one in the same list; -1 for none."""

# The turns around a turn often have the words that it lacks; the farther away, the less they count.
_DAMPING: Final = (0.9, 0.8, 0.6, 0.45, 0.3)

# In a pooled text, the turns before count more than the turns after.
_SHARES_BEFORE: Final = (0.8, 0.4)
_SHARES_AFTER: Final = (0.4,)
NEIGHBOUR_COSINE: Final = 0.45
"""The mean cosine of a turn with the next one in LoCoMo is .46, with the one after that .43."""

_NO_SESSION: Final = SessionOrder(())


@dataclass(frozen=True, slots=True)
class TurnOrder:
    """The order of candidates within their sessions.

    Attributes:
        before: For each candidate the row of the turn just before it in its session.
        after: For each candidate the row of the turn just after it.
    """

    before: Rows
    after: Rows

    def shifted(self, values: Floats, rows: Rows) -> Floats:
        """Return the values at these rows, 0 where there is no row; float64, (n,) or (n, k)."""
        found = values[rows]
        found[rows < 0] = 0.0
        return found

    def neighbour_max(self, values: Floats) -> Floats:
        """Return the maximum over each turn and its neighbours, damped by distance.

        Args:
            values: float64, (n,) or (n, k), none negative.
        """
        best, before, after = values.copy(), self.before, self.after
        for share in _DAMPING:
            np.maximum(best, share * self.shifted(values, before), out=best)
            np.maximum(best, share * self.shifted(values, after), out=best)
            before = _next(self.before, before)
            after = _next(self.after, after)
        return best

    def pooled_cosine(self, cosines: Floats) -> Floats:
        """Return the cosine with each text pooled with its neighbours: the mean of their vectors.

        The length of that weighted mean is estimated from the usual cosine of two neighbours, so
        that no vector is read.

        Args:
            cosines: float64, (n,), of each text alone.
        """
        total, weights = cosines.copy(), np.ones(len(cosines))
        squares = weights.copy()
        for shares, step in ((_SHARES_BEFORE, self.before), (_SHARES_AFTER, self.after)):
            rows = step
            for share in shares:
                present = (rows >= 0).astype(float)
                total += share * self.shifted(cosines, rows)
                weights += share * present
                squares += share**2 * present
                rows = _next(step, rows)
        pooled: Floats = total / np.sqrt(squares + NEIGHBOUR_COSINE * (weights**2 - squares))
        return pooled


def turn_order(records: Sequence[Record], sessions: Mapping[str, SessionOrder]) -> TurnOrder:
    """Return the order of the candidates that have these records.

    Args:
        records: The records of the candidates.
        sessions: By id, at least each session of several records.
    """
    row_of: dict[str | None, int] = {record.id: row for row, record in enumerate(records)}
    ordered = zip(_sessions_of(records, sessions), records, strict=True)
    before = np.array(
        [row_of.get(session.before(one.id), -1) for session, one in ordered], dtype=np.intp
    )
    after = np.full(len(records), -1, dtype=np.intp)
    (later,) = np.nonzero(before >= 0)
    after[before[later]] = later
    return TurnOrder(before, after)


def neighbouring_turns(records: Sequence[Record], sessions: Mapping[str, SessionOrder]) -> set[str]:
    """Return the ids of the turns just before and just after each of the records."""
    found: set[str | None] = set()
    for session, record in zip(_sessions_of(records, sessions), records, strict=True):
        found |= {session.before(record.id), session.after(record.id)}
    return {id_ for id_ in found if id_ is not None}


def _sessions_of(
    records: Sequence[Record], sessions: Mapping[str, SessionOrder]
) -> list[SessionOrder]:
    return [sessions.get(record.session_id or "", _NO_SESSION) for record in records]


def _next(step: Rows, rows: Rows) -> Rows:
    return np.where(rows < 0, -1, step[rows])

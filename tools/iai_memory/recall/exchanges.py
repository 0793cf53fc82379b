"""Exchanges with an assistant: what the user said and the answer to it are scored together.

What a person remembers of a session is a question, an objection or a wish with what came of it, and
either turn may lack the words: "no, remove this again" names nothing. The narration between the two
("let me run the tests") is found like any turn, but says little for the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..store.record import REWOUND, Record
from ..store.session_order import Exchange, SessionOrder
from .neighbours import NEIGHBOUR_COSINE, Floats, Rows

_HOST_SHARE: Final = 0.5
_USER: Final = "user"


def has_exchanges(records: Sequence[Record]) -> bool:
    """Return whether more than half of the records are turns of a host's sessions."""
    return sum(map(is_turn, records)) > len(records) * _HOST_SHARE


def is_turn(record: Record) -> bool:
    """Return whether a host stored it as a turn of a session."""
    return record.host is not None and record.session_id is not None


def exchange_of(record: Record, sessions: Mapping[str, SessionOrder]) -> Exchange | None:
    """Return the exchange of a host's turn; None for another record or an unknown session.

    A turn that the user took back is of none: what replaced it often follows at once.
    """
    if record.host is None or record.session_id is None or REWOUND in record.tags:
        return None
    session = sessions.get(record.session_id)
    return None if session is None else session.exchange(record.id)


def exchange_turns(records: Iterable[Record], sessions: Mapping[str, SessionOrder]) -> set[str]:
    """Return the ids of the user's turns and the answers in the exchanges of the records."""
    found = (exchange_of(one, sessions) for one in records)
    return {id_ for one in found if one is not None for id_ in one.ids}


@dataclass(frozen=True, slots=True)
class ExchangeRows:
    """The exchanges of n candidates; one that has none is an exchange of its own.

    Attributes:
        number: Of each candidate's exchange, (n,), from 0.
        by_user: Which candidates the user said, bool, (n,).
        user: For each exchange the row of the user's last turn; -1 for none among the candidates.
        answer: For each exchange the row of the answer; -1 for none among the candidates.
        turns: For each exchange how many of these two were said, 1 or 2, float64.
        unanswered: 1 for each candidate that the user said in an exchange without answer, else 0;
            float64, (n,).
    """

    number: Rows
    by_user: NDArray[np.bool_]
    user: Rows
    answer: Rows
    turns: Floats
    unanswered: Floats

    @classmethod
    def of(cls, records: Sequence[Record], sessions: Mapping[str, SessionOrder]) -> ExchangeRows:
        """Group the candidates that have these records."""
        row_of = {record.id: row for row, record in enumerate(records)}
        # By the exchange itself, which all its turns share; another turn is one of its own.
        numbers: dict[int, int] = {}
        number, pairs, unanswered = list[int](), list[tuple[int, int, float]](), list[bool]()
        for row, record in enumerate(records):
            found = exchange_of(record, sessions)
            key = ~row if found is None else id(found)
            if key not in numbers:
                numbers[key] = len(pairs)
                pairs.append(_pair(record, row, found, row_of))
            number.append(numbers[key])
            unanswered.append(found is not None and found.answer is None)
        user, answer, turns = zip(*pairs, strict=True) if pairs else ((), (), ())
        return cls(
            np.array(number, np.intp),
            np.array([one.role == _USER for one in records], np.bool_),
            np.array(user, np.intp),
            np.array(answer, np.intp),
            np.array(turns, np.float64),
            np.array(unanswered, np.float64),
        )

    def both_sides(self, values: Floats) -> Floats:
        """Return the lower one of the user's best value and the others' best, (n,).

        Args:
            values: float64, (n,), none negative.
        """
        sides = [
            self._highest(np.where(side, values, 0.0)) for side in (self.by_user, ~self.by_user)
        ]
        return np.minimum(*sides)[self.number]

    def first_rows(self, rows: Sequence[int]) -> list[int]:
        """Return the first row of each exchange, in the order given."""
        first: dict[int, int] = {}
        for row, number in zip(rows, self.number[list(rows)].tolist(), strict=True):
            first.setdefault(number, row)
        return list(first.values())

    def any(self, values: NDArray[np.bool_]) -> Floats:
        """Return 1 for each candidate in whose exchange some value is true, else 0; (n,)."""
        return self._highest(values.astype(float))[self.number]

    def pooled_cosine(self, cosines: Floats) -> Floats:
        """Return the cosine with the user's last turn and the answer pooled: with their mean.

        A turn that is not among the candidates counts as 0. The length of the mean is estimated as
        in `TurnOrder.pooled_cosine`.
        """
        total = sum(np.where(rows >= 0, cosines[rows], 0.0) for rows in (self.user, self.answer))
        pooled: Floats = total / np.sqrt(
            self.turns + NEIGHBOUR_COSINE * (self.turns**2 - self.turns)
        )
        return pooled[self.number]

    def _highest(self, values: Floats) -> Floats:
        best = np.zeros(len(self.turns))
        np.maximum.at(best, self.number, values)
        return best


def _pair(
    record: Record, row: int, found: Exchange | None, row_of: Mapping[str, int]
) -> tuple[int, int, float]:
    """Return the rows of the user's last turn and of the answer, and how many were said."""
    if found is None:
        return (row, -1, 1.0) if record.role == _USER else (-1, row, 1.0)
    user = row_of.get(found.user[-1], -1) if found.user else -1
    answer = -1 if found.answer is None else row_of.get(found.answer, -1)
    return user, answer, float(bool(found.user)) + float(found.answer is not None)

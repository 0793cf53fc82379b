"""The order of the turns of a session, and its exchanges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import compress, pairwise


@dataclass(frozen=True, slots=True)
class Exchange:
    """The user's turn, or several in a row, and everything up to the next one.

    Attributes:
        first: Id of its first turn.
        user: Ids of the user's turns; empty before the first of a session.
        answer: Id of the last other turn; None where nobody answered, or where it was forgotten:
            what was said on the way to it is no answer.
    """

    first: str
    user: tuple[str, ...]
    answer: str | None

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the user's turns and of the answer."""
        return self.user if self.answer is None else (*self.user, self.answer)


@dataclass(frozen=True)
class SessionOrder:
    """A session's records in the order in which they were said.

    Attributes:
        ids: Of its records, forgotten ones too: they end exchanges as they did.
        by_user: The ids of those that the user said.
        forgotten: The ids of those that were forgotten.
        apart: The ids of those that are no turns, as a fact that was stored later.
    """

    ids: tuple[str, ...]
    by_user: frozenset[str] = frozenset()
    forgotten: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()

    def before(self, id_: str) -> str | None:
        """Return the id just before; None before the first, and for an id of another session."""
        at = self._position.get(id_, 0)
        return self._live[at - 1] if at else None

    def after(self, id_: str) -> str | None:
        """Return the id just after; None after the last, and for an id of another session."""
        at = self._position.get(id_, -1) + 1
        return self._live[at] if 0 < at < len(self._live) else None

    def exchange(self, id_: str) -> Exchange | None:
        """Return the exchange of a turn; None for what is no turn of this session."""
        return self._exchanges.get(id_)

    @cached_property
    def _position(self) -> dict[str, int]:
        return {id_: at for at, id_ in enumerate(self._live)}

    @cached_property
    def _live(self) -> tuple[str, ...]:
        if not self.forgotten:
            return self.ids
        return tuple(id_ for id_ in self.ids if id_ not in self.forgotten)

    @cached_property
    def _exchanges(self) -> dict[str, Exchange]:
        """The exchange of each turn; one begins where the user speaks after somebody else."""
        ids = [id_ for id_ in self.ids if id_ not in self.apart] if self.apart else self.ids
        said = [id_ in self.by_user for id_ in ids]
        begins = [at for at, one in enumerate(said) if at == 0 or (one and not said[at - 1])]
        found: dict[str, Exchange] = {}
        for begin, end in pairwise([*begins, len(said)]):
            turns = ids[begin:end]
            user = [id_ for id_ in compress(turns, said[begin:end]) if id_ not in self.forgotten]
            answer = None if said[end - 1] or turns[-1] in self.forgotten else turns[-1]
            found |= dict.fromkeys(turns, Exchange(turns[0], tuple(user), answer))
        return found

"""What was said in one session, in its order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Spoken:
    """A session.

    Attributes:
        ids: Of its records, in the order in which they were said.
    """

    ids: tuple[str, ...]

    def before(self, id_: str) -> str | None:
        """What was said just before; None for the first, and for what is of no such session."""
        at = self._at.get(id_, 0)
        return self.ids[at - 1] if at else None

    def after(self, id_: str) -> str | None:
        """What was said just after; None for the last, and for what is of no such session."""
        at = self._at.get(id_, -1) + 1
        return self.ids[at] if 0 < at < len(self.ids) else None

    @cached_property
    def _at(self) -> dict[str, int]:
        return {id_: at for at, id_ in enumerate(self.ids)}

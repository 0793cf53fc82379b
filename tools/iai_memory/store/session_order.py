"""The order of the turns of a session."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class SessionOrder:
    """A session's records in the order in which they were said.

    Attributes:
        ids: Of its records.
    """

    ids: tuple[str, ...]

    def before(self, id_: str) -> str | None:
        """Return the id just before; None before the first, and for an id of another session."""
        at = self._position.get(id_, 0)
        return self.ids[at - 1] if at else None

    def after(self, id_: str) -> str | None:
        """Return the id just after; None after the last, and for an id of another session."""
        at = self._position.get(id_, -1) + 1
        return self.ids[at] if 0 < at < len(self.ids) else None

    @cached_property
    def _position(self) -> dict[str, int]:
        return {id_: at for at, id_ in enumerate(self.ids)}

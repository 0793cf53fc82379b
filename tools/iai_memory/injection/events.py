"""What was put before models, as the ledger has it: ids, never a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from ..base.ledger import Ledger

By = Literal["page", "prompt", "tool"]

EVENT: Final = "memory_injected"
MAX_EVENTS: Final = 5_000
MAX_IDS: Final = 200
_ID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WAYS: Final[tuple[By, ...]] = ("page", "prompt", "tool")


@dataclass(frozen=True, slots=True)
class Injected:
    """Memories that were put before a model once.

    Attributes:
        at: When, UTC; of a page that a hook printed that time, and not when it was noted.
        by: The way.
        session: The host's session; None where the way does not tell.
        project: Of the process that gave them; hooks do not tell it.
        tool: The tool's name.
        reason: A short word.
        ids: Of the memories, first come first; at most 200.
        confidences: One for each id, or none.
    """

    at: datetime
    by: By
    session: str | None
    project: str | None
    tool: str | None
    reason: str
    ids: tuple[str, ...]
    confidences: tuple[float, ...]

    def confidence_of(self, id: str) -> float | None:
        """Return the confidence of one of the memories; None where nobody noted it."""
        return dict(zip(self.ids, self.confidences, strict=False)).get(id)


def note_given(
    ledger: Ledger,
    by: By,
    ids: Sequence[str],
    *,
    session: str | None,
    reason: str,
    confidences: Sequence[float] = (),
    **more: Any,
) -> None:
    """Note in the ledger what a model was given; nothing where it was given no memory."""
    if ids:
        ledger.write(
            EVENT,
            session=session,
            by=by,
            ids=list(ids[:MAX_IDS]),
            confidences=list(confidences[:MAX_IDS]),
            reason=reason,
            **more,
        )


def injected(ledger: Ledger) -> list[Injected]:
    """Return the last 5,000 events that can be read, oldest first, as the ledger has them.

    Costs what `Ledger.newest` does, however large its files are.
    """
    found = map(_read, reversed(ledger.newest(MAX_EVENTS, event=EVENT)))
    return [one for one in found if one is not None]


def _read(event: dict[str, Any]) -> Injected | None:
    """Return what an event says; None for one that nobody of us wrote so."""
    by, ids = event.get("by"), event.get("ids")
    at = _moment(event.get("given_at", event.get("at")))
    if by not in _WAYS or at is None or not isinstance(ids, list):
        return None
    whole = [id_ for id_ in ids[:MAX_IDS] if isinstance(id_, str) and _ID.fullmatch(id_)]
    told = event.get("confidences")
    confidences = told if isinstance(told, list) and len(whole) == len(ids) else []
    return Injected(
        at=at,
        by=by,
        session=_text(event.get("session")),
        project=_text(event.get("project")),
        tool=_text(event.get("tool")),
        reason=_text(event.get("reason")) or "",
        ids=tuple(dict.fromkeys(whole)),
        confidences=tuple(_numbers(confidences)),
    )


def _moment(told: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(told).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _numbers(told: Iterable[Any]) -> list[float]:
    values = list(told)
    return [float(one) for one in values] if all(map(_is_share, values)) else []


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None

"""What an undo did, or would do, as its result says it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from ..base.clock import parse_time
from ..base.ledger import Ledger
from ..errors import InvalidInput
from ..results import Undone
from .differences import differences
from .past import changed_memory
from .undo import UndoPlan

_EVENTS: Final = 1_000
_WITHOUT_RETURN: Final = ("scrubbed", "purged")


def undo_report(plan: UndoPlan, ledger: Ledger, limit: int, number: int | None) -> Undone:
    """Return the result of a plan.

    Args:
        plan: What is, or was, to be done.
        ledger: Knows what was scrubbed and purged.
        limit: Maximum number of memories that are listed.
        number: Of the change that did it; None where nothing was done.
    """
    kinds = [differences(now, then) for now, then in plan.states]
    counts: dict[str, int] = {}
    for kind in (kind for several in kinds for kind in several):
        counts[kind] = counts.get(kind, 0) + 1
    shown = zip(plan.states[:limit], kinds, strict=False)
    change = plan.change
    made_at = None if change is None else change.at
    since = plan.to or made_at
    return Undone(
        done=number is not None,
        change=None if change is None else change.number,
        made_at=made_at,
        to=plan.to,
        total=len(plan.states),
        counts=counts,
        # Of what comes back the text is shown again by this very undo.
        memories=[
            changed_memory(now, what, forgotten=then.is_live()) for (now, then), what in shown
        ],
        kept=plan.kept,
        gone=_gone(ledger, since) if since else 0,
        redo="iai-mcp undo" if number is not None else None,
    )


def _gone(ledger: Ledger, since: datetime) -> int:
    """Return how many memories the ledger names that were scrubbed or purged since."""
    events = [event for name in _WITHOUT_RETURN for event in ledger.newest(_EVENTS, event=name)]
    ids = {str(id_) for event in events if _is_after(event, since) for id_ in _ids(event)}
    return len(ids)


def _ids(event: dict[str, Any]) -> list[Any]:
    ids = event.get("ids")
    return ids if isinstance(ids, list) else []


def _is_after(event: dict[str, Any], since: datetime) -> bool:
    try:
        return parse_time(str(event.get("at")), "at") > since
    except InvalidInput:
        return False  # of a damaged line

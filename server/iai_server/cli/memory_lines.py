"""Memories and exchanges as lines of text for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from itertools import groupby
from typing import TYPE_CHECKING, Final

from .printing import memory_text

if TYPE_CHECKING:
    from iai_memory.results import Hit, RecordView, TimelineEntry, Turn

INDENT: Final = "       "


def entry_lines(entry: TimelineEntry, zone: tzinfo, ids: bool) -> list[str]:
    """Return an exchange: when it began, and who said what; or a memory that stands alone."""
    if not (entry.turns or entry.between or entry.reply_to):
        return record_lines(entry, zone, ids=ids)
    head = f"{_minute(entry, zone)}  exchange{_between(entry.between)}{_state(entry, ids)}"
    to = entry.reply_to
    answered = [f"{INDENT}(to {to.role}: {memory_text(to.text)})"] if to else []
    said = said_lines(entry.role, entry.text, entry.turns, own_id=entry.id if ids else "")
    return [head, *answered, *said]


def record_lines(record: RecordView, zone: tzinfo, *, ids: bool = False) -> list[str]:
    """Return a memory: when it was said by whom, and its text."""
    name = f"  {record.id}" if ids else ""
    head = f"{_minute(record, zone)}  {record.role}{name}{_state(record, ids)}"
    return [head, f"{INDENT}{memory_text(record.text)}"]


def said_lines(role: str, text: str, turns: Sequence[Turn], *, own_id: str = "") -> list[str]:
    """Return a line for each turn of an exchange, by its role; for a single memory its text.

    Args:
        role: Of the turn that the exchange was found by.
        text: Of the same turn.
        turns: The others.
        own_id: Of the same turn, where each turn is to have its id.
    """
    if not turns and not own_id:
        return [f"{INDENT}{memory_text(text)}"]
    said = [(role, text, own_id), *((one.role, one.text, one.id) for one in turns)]
    said.sort(key=lambda one: one[0] != "user")  # the answer ends an exchange
    return [
        f"{INDENT}{role}{f' {id_}' if own_id else ''}: {memory_text(text)}"
        for role, text, id_ in said
    ]


def session_lines(hits: Sequence[Hit], zone: tzinfo, *, ids: bool) -> list[str]:
    """Return what was said at a time: sessions with project and time as headings, in their order.

    The time is that of the first and the last hit that is shown of a session. What has none stands
    together by project and day.
    """
    lines: list[str] = []

    def key(hit: Hit) -> tuple[str | None, ...]:
        if hit.session_id:
            return (hit.session_id,)
        return None, hit.project, f"{hit.created_at.astimezone(zone).date()}"

    for (session, *_), of_session in groupby(hits, key):
        shown = list(of_session)
        first, last = (one.created_at.astimezone(zone) for one in (shown[0], shown[-1]))
        span = f"{first:%Y-%m-%d %H:%M}"
        if last != first:
            same_day = first.date() == last.date()
            span += f" to {last:%H:%M}" if same_day else f" to {last:%Y-%m-%d %H:%M}"
        names = [
            shown[0].project or "no project",
            *([f"session {session}"] if session and ids else []),
        ]
        lines.append(f"{span}  {memory_text('  '.join(names))}")
        day = first.date()
        for hit in shown:
            at = hit.created_at.astimezone(zone)
            clock = f"{at:%H:%M}" if at.date() == day else f"{at:%Y-%m-%d %H:%M}"
            day = at.date()
            kind = "exchange" if hit.turns else hit.role
            name = f"  {hit.id}" if ids and not hit.turns else ""
            lines.append(f"  {clock}  {kind}{name}{named_files(hit)}")
            own_id = hit.id if ids and hit.turns else ""
            lines += said_lines(hit.role, hit.text, hit.turns, own_id=own_id)
    return lines


def superseded(by: str, *, ids: bool) -> str:
    """Return that a memory is superseded, with `ids` by which one."""
    return f"superseded by {by}" if ids else "superseded"


def earlier(than: str, *, ids: bool) -> str:
    """Return that a newer memory seems to say the same thing, with `ids` which one."""
    return f"earlier; newer is {than}" if ids else "earlier"


def named_files(hit: Hit) -> str:
    """Return what became of the files that a hit names, behind its head; empty for none."""
    return f" ({memory_text(', '.join(one.note for one in hit.files))})" if hit.files else ""


def _minute(record: RecordView, zone: tzinfo) -> str:
    return f"{record.created_at.astimezone(zone):%Y-%m-%d %H:%M}"


def _between(turns: int) -> str:
    if not turns:
        return ""
    return f" ({turns:,} {'turn' if turns == 1 else 'turns'} between)"


def _state(record: RecordView, ids: bool) -> str:
    marks = [
        *(["noted by a model"] if record.noted_by else []),
        *([f"pinned by a {record.pinned_by}" if record.pinned_by else "pinned"] * record.pinned),
        *(["taken back"] if "rewound" in record.tags else []),
        *([superseded(record.superseded_by, ids=ids)] if record.superseded_by else []),
    ]
    return f" ({', '.join(marks)})" if marks else ""

"""The part of the page with what the user decided, corrected and prefers: in quotes, by day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import tzinfo
from itertools import tee
from typing import Final

from ..store.record import Record
from ..text.excerpt import ending
from ..text.inert import neutralise
from ..text.speakers import utterance
from ..text.tokens import cut_to_tokens, estimate_tokens
from .acts import without_giving_in
from .choice import Chosen, choose
from .outline import PageOutline
from .sections import (
    RECENT,
    Line,
    Room,
    Section,
    fit_section,
    inert_name,
)

CHOSEN: Final = Section("Decided, corrected, preferred (the user's words)", 0.30, 60)
_AROUND_TOKENS: Final = 12
# As much as a long sentence in letters. Of scripts that cost a token a character, twice that.
_SENTENCE_TOKENS: Final = 30
_DENSE: Final = 2  # characters of a token
_CUT_MARK: Final = " …"
_CUT_BEFORE: Final = "… "
_THEN: Final = " → "
_BULLET: Final = "- "
_MAX_TEXT_CHARS: Final = 4_000


def chosen_lines(outline: PageOutline, zone: tzinfo) -> Iterator[Line]:
    """Yield what the user decided, corrected and prefers, the most worth first.

    The lead of each is its day, with the project on a page of all projects.

    Raises:
        StoreFault: The table could not be read.
    """
    for one in choose(outline):
        project = inert_name(one.turn.project or "") if outline.mine.project is None else ""
        label = f" [{project}]" if project else ""
        day = one.turn.created_at.astimezone(zone).date().isoformat()
        longer = _text(one, one.longer) if one.longer else ""
        yield Line(f"{day}{label}:", _text(one, one.excerpt), _ids(one), longer=longer)


def fit_recent(
    recent: Iterable[Line],
    chosen: Iterable[Line],
    rooms: tuple[Room, Room],
    shown: set[str],
    quoted: set[str],
    *,
    told: AbstractSet[str] = frozenset(),
) -> list[str]:
    """Return both parts of what was said; the newest exchanges get what the chosen ones leave.

    What those leave in turn goes to more of the sentences of the chosen ones.

    Args:
        recent: Newest first. As many as fit into their own room stand on the page in any case.
        chosen: The most worth first.
        rooms: Of either.
        shown: Ids of records that other sections show; those shown here are added.
        quoted: The ids that the lines quote are added.
        told: Ids that the part on the last session quotes: an exchange with one is not shown again,
            and the own room of the newest goes to the chosen ones.
    """
    own, other = rooms
    if told:
        own, other = Room(0, 0), Room(own.tokens + other.tokens, own.size + other.size)
        recent = (line for line in recent if told.isdisjoint(line.ids))
    first = set(shown)
    once, again = tee(recent)
    fit_section(RECENT, once, own, first)
    newest_ids = first - shown
    by_worth, rest = _fit_by_day(chosen, other, first)
    shown |= first - newest_ids
    room = Room(own.tokens + rest.tokens, own.size + rest.size)
    newest = fit_section(RECENT, again, room, shown, quoted)
    for line in newest[1:]:
        room = room.minus(line)
    return [*newest, *_by_day(_longer(by_worth, room))]


def _fit_by_day(lines: Iterable[Line], room: Room, shown: set[str]) -> tuple[list[Line], Room]:
    """Return the lines that fit, each day once above its own, and the room that they leave.

    A line that does not fit is left out, and a shorter one that is worth less may stand.
    """
    kept, days = list[Line](), set[str]()
    for line in lines:
        if line.ids[0] in shown:
            continue
        left = room.minus(_BULLET + line.text)
        left = left if line.lead in days else left.minus(line.lead)
        if left.is_overdrawn:
            continue
        room = left
        kept.append(line)
        days.add(line.lead)
        shown.update(line.ids)
    return kept, room


def _longer(lines: Iterable[Line], room: Room) -> Iterator[Line]:
    """Yield the lines, the longer text in place of the other as far as there is room for it."""
    for line in lines:
        left = room.plus(_BULLET + line.text).minus(_BULLET + line.longer)
        if line.longer and not left.is_overdrawn:
            room = left
            yield replace(line, text=line.longer)
        else:
            yield line


def _by_day(lines: Iterable[Line]) -> list[str]:
    """Return the heading, and under each day its lines, the newest day first; empty for none."""
    days: dict[str, list[str]] = {}
    for line in lines:
        days.setdefault(line.lead, []).append(_BULLET + line.text)
    body = [text for day in sorted(days, reverse=True) for text in (day, *days[day])]
    return [CHOSEN.heading, *body] if body else []


def _ids(one: Chosen) -> tuple[str, ...]:
    shown = (one.turn, one.before, one.answer)
    return tuple(record.id for record in shown if record is not None)


def _text(one: Chosen, said: str) -> str:
    before = f"assistant: {_ending(one.before)}{_THEN}" if one.before else ""
    is_longer = said != one.excerpt
    said = neutralise(said)
    is_dense = _DENSE * estimate_tokens(said) > len(said)
    most = CHOSEN.line_tokens if is_dense or is_longer else _SENTENCE_TOKENS
    said = cut_to_tokens(said, most, _CUT_MARK)
    after = f"{_THEN}assistant: {_beginning(one.answer)}" if one.answer else ""
    speaker = utterance(one.turn.text[:_MAX_TEXT_CHARS]).speaker
    who = f"{inert_name(speaker)}: " if speaker else ""
    return f'{before}{who}"{said}"{after}'


def _ending(record: Record) -> str:
    return ending(neutralise(record.text[-_MAX_TEXT_CHARS:]), _AROUND_TOKENS, _CUT_BEFORE)


def _beginning(record: Record) -> str:
    answer = without_giving_in(record.text[:_MAX_TEXT_CHARS])
    return cut_to_tokens(neutralise(answer), _AROUND_TOKENS, _CUT_MARK)

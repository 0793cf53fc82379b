"""The lines on where a session left off: the first part of a project's page, and a handoff."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final

from ..capture.hosts.last_line import Place
from ..text.inert import neutralise
from ..text.outcomes import outcomes_of
from ..text.tokens import cut_to_tokens, estimate_tokens
from .changed_since import LeftFile, Since, shown_path
from .last_session import MAX_TURNS, LeftOff
from .sections import Line, Section

LEFT_OFF: Final = Section("Where you left off", 0.11, 40)

ASKED: Final = "- the user asked last: "

_MAX_TEXT_CHARS: Final = 4_000
_CUT_MARK: Final = " …"
_THEN: Final = " → "
_ID_CHARS: Final = 8
_SHOWN_FILES: Final = 6
_BROKEN_OFF: Final = (
    "its last answer is missing: it was broken off in the middle of the work, or still goes on"
)
_NO_ANSWER: Final = "its last answer is missing: nothing was said to this"
_STOPPED: Final = "the last answer was stopped by the user"


def left_off_lines(
    found: LeftOff,
    zone: tzinfo,
    *,
    line_tokens: int = LEFT_OFF.line_tokens,
    files: int = _SHOWN_FILES,
) -> list[Line]:
    """Return the lines on one session, in the order in which they matter.

    Args:
        found: The session.
        zone: Time zone of its times.
        line_tokens: Estimated tokens of a line.
        files: How many files are named.
    """
    lines = [Line("- ", heading_of(found, zone))]
    if note := note_on_end(found):
        lines.append(Line("- ", note))
    asked = [_shown(turn.text) for turn in found.asked]
    if any(asked):
        text = _joined(asked, line_tokens - estimate_tokens(ASKED))
        lines.append(Line(ASKED, text, quoted=tuple(turn.id for turn in found.asked)))
    lines += _outcome_lines(found, line_tokens)
    if found.before is not None:
        lead = f"- left open before, {found.before.at.astimezone(zone).date()}: "
        before = found.before
        lines.append(_quotation(lead, before.sentences, before.said_in, line_tokens))
    if files_line := files_line_of(found, line_tokens=line_tokens, most=files):
        lines.append(files_line)
    return lines


def files_line_of(
    found: LeftOff, *, line_tokens: int = LEFT_OFF.line_tokens, most: int = _SHOWN_FILES
) -> Line | None:
    """Return the line on the files: those that changed since first, then the last changed.

    None for a session without any. As many are named as fit, and the others counted.
    """
    listed = sorted(reversed(found.files), key=lambda one: one.since in (Since.UNKNOWN, Since.SAME))
    lead, names = "- files it changed: ", [_file(one, found.folders) for one in listed[:most]]
    room = line_tokens - estimate_tokens(lead)
    for count in range(len(names), 0, -1):
        more = f" and {len(listed) - count} more" if len(listed) > count else ""
        text = ", ".join(names[:count]) + more
        if count == 1 or estimate_tokens(text) <= room:
            return Line(lead, text)
    return None


def heading_of(found: LeftOff, zone: tzinfo) -> str:
    """Return when a session was, how long, of which host and with how many turns."""
    began, ended = (turn.created_at.astimezone(zone) for turn in (found.turns[0], found.turns[-1]))
    count = len(found.turns)
    turns = f"{count:,}{' or more' if count >= MAX_TURNS else ''} turn{'s' if count > 1 else ''}"
    host = neutralise(found.turns[-1].host or "")
    session = neutralise(found.session_id)[:_ID_CHARS]
    return f"{_span(began, ended)}, {host}, {turns}, session {session}"


def note_on_end(found: LeftOff) -> str:
    """Return what is to be known of how a session ended; empty where it ended with an answer."""
    if found.place is Place.STOPPED:
        return _STOPPED
    if found.is_answered:
        return ""
    return _NO_ANSWER if found.answer is None and found.place is not Place.AT_WORK else _BROKEN_OFF


def _outcome_lines(found: LeftOff, line_tokens: int) -> Iterator[Line]:
    """Yield what the assistant said is open and finished; what it said last if that has neither."""
    outcomes = found.outcomes
    if found.answer is not None and not any(outcomes_of(found.answer.text).sentences()):
        lead = "- the assistant said last: "
        room = line_tokens - estimate_tokens(lead)
        text = cut_to_tokens(_shown(found.answer.text), room, _CUT_MARK)
        yield Line(lead, text, quoted=(found.answer.id,))
    for lead, sentences in (
        ("- left open, its words: ", outcomes.left_open),
        ("- finished, its words: ", outcomes.finished),
    ):
        if sentences:
            yield _quotation(lead, sentences, found.said_in, line_tokens)


def _quotation(
    lead: str, sentences: Sequence[str], said_in: Mapping[str, str], line_tokens: int
) -> Line:
    """Return a line with as many of the sentences as fit, and the ids of who said those."""
    quoted = [f"“{_shown(sentence)}”" for sentence in sentences]
    text, count = _fitted(quoted, line_tokens - estimate_tokens(lead), " ")
    ids = dict.fromkeys(said_in[sentence] for sentence in sentences[:count])
    return Line(lead, text, quoted=tuple(ids))


def _joined(said: Sequence[str], tokens: int) -> str:
    """Return what was said, all of the last one, of the one before what fits."""
    *before, last = said
    last = cut_to_tokens(last, tokens, _CUT_MARK)
    room = tokens - estimate_tokens(_THEN + last)
    earlier = [cut_to_tokens(text, room, _CUT_MARK) for text in before] if room > 0 else []
    return _THEN.join([*filter(None, earlier), last])


def _fitted(parts: Sequence[str], tokens: int, joint: str) -> tuple[str, int]:
    """Return as many whole parts as fit, the first one cut if it has to be, and how many."""
    text, count = "", 0
    for part in parts:
        longer = f"{text}{joint}{part}" if text else part
        if text and estimate_tokens(longer) > tokens:
            break
        text, count = longer, count + 1
    return cut_to_tokens(text, tokens, _CUT_MARK), count


def _file(file: LeftFile, folders: Sequence[str]) -> str:
    path = shown_path(file.path, folders)
    return path if file.since in (Since.UNKNOWN, Since.SAME) else f"{path} ({file.since})"


def _shown(text: str) -> str:
    return neutralise(text[:_MAX_TEXT_CHARS])


def _span(began: datetime, ended: datetime) -> str:
    if began.date() != ended.date():
        return f"{began:%Y-%m-%d %H:%M} to {ended:%Y-%m-%d %H:%M}"
    return f"{began:%Y-%m-%d}, {began:%H:%M} to {ended:%H:%M} ({_length(ended - began)})"


def _length(length: timedelta) -> str:
    minutes = int(length.total_seconds()) // 60
    hours, rest = divmod(minutes, 60)
    if not minutes:
        return "under 1 min"
    return f"{hours} h {rest} min" if hours else f"{rest} min"

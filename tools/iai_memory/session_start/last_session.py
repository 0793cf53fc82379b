"""Where a session left off: what was asked last, what was finished, left open and changed.

Everything is what its turns say: their sentences, their times and the files of their edits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ..capture.hosts.last_line import Place
from ..errors import InvalidInput
from ..projects.identity import project_of
from ..recall.exchange_list import is_short
from ..store.changed_files import changes_in, last_changes
from ..store.filter import Filter
from ..store.reader import TableReader
from ..store.record import REWOUND, Record
from ..store.sql import sql_text
from ..text.outcomes import Outcomes, announces, outcomes_of
from .changed_since import LeftFile, states_of

MAX_TURNS: Final = 2_000
"""Turns of a session that are read, the newest."""

_TURNS: Final = (
    "host IS NOT NULL AND session_id IS NOT NULL AND role IN ('user', 'assistant') "
    f"AND NOT array_has(tags, {sql_text(REWOUND)})"
)
_MAX_ANSWERS: Final = 6
_MAX_PASSING: Final = 4
_TURNS_BEFORE: Final = 200
_SESSIONS_BEFORE: Final = 3
_MAX_FINISHED: Final = 6
_MAX_FOLDERS: Final = 4
_MAX_FOLDER_TURNS: Final = 100
_HAS_FILES: Final = "changed_files IS NOT NULL"


@dataclass(frozen=True, slots=True)
class OpenBefore:
    """What an earlier session left open.

    Attributes:
        at: When it was last heard of.
        session_id: The host's id of it.
        sentences: Of its assistant.
        said_in: By each of them the id of the answer that has it.
    """

    at: datetime
    session_id: str
    sentences: tuple[str, ...]
    said_in: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LeftOff:
    """Where one session left off.

    Attributes:
        turns: Its turns, oldest first.
        asked: What the user said last; before it what it goes on from, if it is short.
        answer: The last answer to that; None where there is none.
        outcomes: What its answers say is finished, the last one's first, and what the last one says
            is open.
        files: The files that it changed, the last change last.
        folders: That it worked in, and the project's top folder.
        place: Where its transcript ends, as far as it was read.
        said_in: By each sentence of the outcomes the id of the answer that has it.
        before: What sessions before it left open, where it was a short one that neither changed a
            file nor left anything open itself.
    """

    turns: tuple[Record, ...]
    asked: tuple[Record, ...]
    answer: Record | None
    outcomes: Outcomes
    files: tuple[LeftFile, ...]
    folders: tuple[str, ...]
    place: Place
    said_in: Mapping[str, str]
    before: OpenBefore | None = None

    @property
    def is_passing(self) -> bool:
        """Whether it was a short question between, after which the work before it goes on."""
        short = len(self.turns) <= _MAX_PASSING
        return short and not self.files and not self.outcomes.left_open

    @property
    def session_id(self) -> str:
        """The host's id of the session."""
        return self.turns[-1].session_id or ""

    @property
    def is_answered(self) -> bool:
        """Whether the last answer is there, and is none that says what follows."""
        if self.answer is None or self.place is Place.AT_WORK:
            return False
        return not announces(self.answer.text)


def last_session(
    reader: TableReader, where: Filter, places: Mapping[str, Place], *, look: bool = True
) -> LeftOff | None:
    """Return where the newest session of a filter left off; None without any.

    Costs two scans of a column, and a look at up to 24 files.

    Args:
        reader: Of the table.
        where: Which turns: of a project, of a session.
        places: Where the transcripts of sessions end, as far as they were read.
        look: Whether the disk is asked what became of the files.

    Raises:
        StoreFault: The table could not be read.
    """
    newest = reader.newest(where, 1, condition=_TURNS, rare=True)
    if not newest:
        return None
    own = replace(where, session_id=newest[0].session_id, since=None)
    turns = reader.newest(own, MAX_TURNS, condition=_TURNS)[::-1]
    found = left_off(turns, places, look=look)
    if where.session_id is None and found.is_passing:
        return replace(found, before=_open_before(reader, where, found))
    return found


def _open_before(reader: TableReader, where: Filter, found: LeftOff) -> OpenBefore | None:
    """Return what the newest earlier session that was no passing one left open; None for nothing.

    Of the 200 turns before, those of up to three sessions are read.
    """
    earlier = replace(where, until=found.turns[0].created_at)
    turns = reader.newest(earlier, _TURNS_BEFORE, condition=_TURNS)
    ids = dict.fromkeys(turn.session_id for turn in turns)
    ids.pop(found.turns[0].session_id, None)
    for session_id in list(ids)[:_SESSIONS_BEFORE]:
        one = left_off(
            [turn for turn in turns[::-1] if turn.session_id == session_id], {}, look=False
        )
        if not one.is_passing:
            told, ended_at = one.outcomes.left_open, one.turns[-1].created_at
            return OpenBefore(ended_at, one.session_id, told, one.said_in) if told else None
    return None


def sessions_since(reader: TableReader, where: Filter, since: datetime, limit: int) -> list[str]:
    """Return the ids of the sessions with turns since then, the newest first.

    Raises:
        StoreFault: The table could not be read.
    """
    found = reader.newest(replace(where, since=since), MAX_TURNS, condition=_TURNS)
    return list(dict.fromkeys(one.session_id or "" for one in found))[:limit]


def left_off(turns: Sequence[Record], places: Mapping[str, Place], *, look: bool = True) -> LeftOff:
    """Return where a session left off.

    Args:
        turns: Its turns, at least one, oldest first.
        places: Where transcripts end.
        look: Whether the disk is asked.
    """
    last = max((at for at, turn in enumerate(turns) if turn.role == "user"), default=-1)
    asked = [turns[last]] if last >= 0 else []
    if asked and is_short(asked):
        whole = (turn for turn in reversed(turns[:last]) if turn.role == "user")
        asked = [*[turn for turn in whole if not is_short([turn])][:1], *asked]
    answers = [turn for turn in turns[last + 1 :] if turn.role == "assistant"]
    folders = folders_of(turns)
    changes = last_changes(change for turn in turns for change in changes_in(turn.changed_files))
    outcomes, said_in = _outcomes(turns, answers[-1] if answers else None)
    return LeftOff(
        turns=tuple(turns),
        asked=tuple(asked),
        answer=answers[-1] if answers else None,
        outcomes=outcomes,
        files=tuple(states_of(changes, folders if look else (), turns[-1].created_at)),
        folders=folders,
        place=places.get(turns[-1].session_id or "", Place.NOWHERE),
        said_in=said_in,
    )


def _outcomes(turns: Sequence[Record], answer: Record | None) -> tuple[Outcomes, dict[str, str]]:
    """Return what the last answers finished, and the last one left open; and who said each."""
    ends = _answers(turns)
    found = [outcomes_of(turn.text) for turn in ends]
    finished = dict.fromkeys(one for each in found for one in each.finished)
    # An answer that was broken off says neither; what the one before it left open still is.
    told = next((one.left_open for one in found if any(one.sentences())), ())
    outcomes = Outcomes(tuple(finished)[:_MAX_FINISHED], told if answer is not None else ())
    said_in = dict[str, str]()
    for turn, each in zip(ends, found, strict=True):
        for sentence in (*each.finished, *each.left_open):
            said_in.setdefault(sentence, turn.id)
    return outcomes, said_in


def _answers(turns: Sequence[Record]) -> list[Record]:
    """Return the last turn of the assistant in each of the last exchanges, newest first."""
    ends = [
        turn
        for turn, after in zip(turns, [*turns[1:], None], strict=True)
        if turn.role == "assistant" and (after is None or after.role == "user")
    ]
    return ends[::-1][:_MAX_ANSWERS]


def folders_changed_in(reader: TableReader, where: Filter) -> tuple[str, ...]:
    """Return `folders_of` the newest turns that tell of changed files.

    Raises:
        StoreFault: The table could not be read.
    """
    return folders_of(
        reader.newest(where, _MAX_FOLDER_TURNS, condition=_HAS_FILES, rare=True)[::-1]
    )


def folders_of(turns: Iterable[Record]) -> tuple[str, ...]:
    """Return the top folders of the projects that were worked in, and the folders themselves."""
    found: dict[str, None] = {}
    worked_in = dict.fromkeys(turn.cwd for turn in turns if turn.cwd)
    for folder in list(worked_in)[-_MAX_FOLDERS:]:
        with suppress(InvalidInput):
            found[project_of(folder).folder] = None
    return tuple(found | dict.fromkeys(list(worked_in)[-_MAX_FOLDERS:]))

"""The sections of the page: which memories each takes, its share of the page, its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import cache
from typing import Final

from ..projects.names import ProjectNames
from ..recall.exchange_list import Listed, list_exchanges
from ..store.copies import copy_digest
from ..store.filter import Filter
from ..store.reader import TableReader
from ..store.record import REWOUND, Record
from ..store.sql import sql_text
from ..text.excerpt import beginnings, ending
from ..text.inert import neutralise
from ..text.tokens import cut_to_tokens, estimate_tokens

IDENTITY_TAG: Final = "identity"
_CUT_MARK: Final = " …"
_CUT_BEFORE: Final = "… "
_THEN: Final = " → "
_OPEN: Final = "no answer yet"
_ANSWERED_TOKENS: Final = 20
_MAX_LINES: Final = 30
_MAX_SESSION_TURNS: Final = 1_000
_NAME_TOKENS: Final = 40
_MIN_CUT_TOKENS: Final = 6  # fewer than these of a text say nothing
# More than any line has room for; a memory may have a megabyte.
_MAX_TEXT_CHARS: Final = 8_000
# Not left to `admission`: those that the user took back would use up the limit.
_NOT_REWOUND: Final = f"NOT array_has(tags, {sql_text(REWOUND)})"


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page with a budget of its own.

    Attributes:
        title: Its heading.
        share: Its share of the budget, 0..1, once the frame around all sections is paid for.
        line_tokens: Maximum estimated tokens of a line.
    """

    title: str
    share: float
    line_tokens: int

    @property
    def heading(self) -> str:
        """The heading as Markdown."""
        return f"## {self.title}"


IDENTITY: Final = Section("Identity", 0.11, 60)
RECENT: Final = Section("Most recent work", 0.44, 90)
PINNED: Final = Section("Pinned facts", 0.20, 70)
TOPICS: Final = Section("Topics", 0.11, 60)
KEY: Final = Section("Key memories", 0.14, 60)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a section.

    Attributes:
        lead: Stands before the text and is never cut.
        text: Neutralised.
        ids: Of its records, the one that it is about first: no section repeats what another shows.
    """

    lead: str
    text: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Room:
    """The space that a section has left, line ends included.

    Attributes:
        tokens: Estimated tokens.
        size: Bytes of UTF-8.
    """

    tokens: int
    size: int

    def minus(self, line: str) -> Room:
        """Return the space left after the line."""
        return Room(self.tokens - tokens_of(line), self.size - bytes_of(line))


@dataclass(frozen=True, slots=True)
class RecordSections:
    """Lines from the records of one version of the table.

    Attributes:
        reader: Reads that version.
        project: Whose page it is; None is every project.
        same_project: Its other names, as records have them.
        names: Which names are names of one project.
        admits: From `admission`.
        zone: Time zone of the dates.
    """

    reader: TableReader
    project: str | None
    same_project: tuple[str, ...]
    names: ProjectNames
    admits: Callable[[Record], bool]
    zone: tzinfo

    def recent(self) -> Iterator[Line]:
        """Yield the newest exchanges and notes of the project."""
        roles = ("user", "assistant", "note")
        where = Filter(project=self.project, same_project=self.same_project, roles=roles)
        for listed in list_exchanges(self.reader, where, _MAX_LINES, within_project=True)[0]:
            turns = [turn for turn in listed.turns if self.admits(turn)]
            if turns:
                yield self._exchange(turns, listed)

    def matching(
        self,
        *,
        tags: tuple[str, ...] = (),
        pinned: bool = False,
        roles: tuple[str, ...] = (),
    ) -> Iterator[Line]:
        """Yield the newest records that match, of the project or of no project."""
        yield from self._records(
            Filter(
                project=self.project,
                same_project=self.same_project,
                or_no_project=True,
                tags=tags,
                pinned=pinned,
                roles=roles,
            )
        )

    def _records(self, where: Filter) -> Iterator[Line]:
        told = set[bytes]()
        for record in self.reader.newest(where, _MAX_LINES, condition=_NOT_REWOUND):
            # A pin is on every copy of a text.
            digest = copy_digest(record, self.names) if where.pinned else b""
            is_told = where.pinned and digest in told
            if self.admits(record) and not is_told:
                told.update([digest] if where.pinned else ())
                yield Line(self._lead(record, record.role), _shown(record), (record.id,))

    def _exchange(self, turns: Sequence[Record], listed: Listed) -> Line:
        """Return what the user asked, and what came of it, in one line."""
        said = [(turn.role, _shown(turn)) for turn in turns]
        if len(said) == 1 and not (listed.before or listed.is_open):
            return Line(self._lead(turns[0], turns[0].role), said[0][1], (turns[0].id,))
        if listed.before is not None:
            end = neutralise(listed.before.text[-_MAX_TEXT_CHARS:])
            said.insert(0, (listed.before.role, ending(end, _ANSWERED_TOKENS, _CUT_BEFORE)))
        roles = [role for role, text in said if text]
        lead = self._lead(turns[0], roles[0]) if roles else ""
        links = [f"{_THEN}{role}: " for role in roles[1:]]
        end = f"{_THEN}{_OPEN}" if listed.is_open else ""
        room = RECENT.line_tokens - sum(estimate_tokens(part) for part in (lead, *links, end))
        texts = beginnings([text for _, text in said if text], room, _CUT_MARK)
        parts = (link + text for link, text in zip(["", *links], texts, strict=True) if text)
        return Line(lead, "".join(parts) + end, tuple(turn.id for turn in turns))

    def _lead(self, record: Record, role: str) -> str:
        of_project = self.project is None and record.project
        label = f" [{inert_name(record.project or '')}]" if of_project else ""
        return f"- {record.created_at.astimezone(self.zone).date().isoformat()}{label} {role}: "


def _shown(record: Record) -> str:
    """Return the text of a record as the page shows it before it is cut to its room."""
    shown = neutralise(record.text[:_MAX_TEXT_CHARS])
    return shown + _CUT_MARK if shown and len(record.text) > _MAX_TEXT_CHARS else shown


def topic_lines(topics: Sequence[str] | None) -> Iterator[Line]:
    """Yield the topics; for None one line that says that the map is still to be built."""
    if topics is None:
        yield Line("", "(pending: the topic map is built at the next sleep)")
    else:
        yield from (Line("- ", neutralise(topic)) for topic in topics)


def admission(reader: TableReader, mine: Filter) -> Callable[[Record], bool]:
    """Return the function that decides whether a record may go on the page of a filter.

    A pinned record always may, output of a tool never. Imported history may unless it is older than
    the newest captured session: such history is background and must not push today's session off
    the page.
    """

    @cache
    def captured_since() -> datetime | None:
        """Return when the newest captured session began; None where nothing was captured."""
        newest = reader.newest(replace(mine, origins=("hook",)), 1)
        if not newest or newest[0].session_id is None:
            return newest[0].created_at if newest else None
        session = replace(mine, session_id=newest[0].session_id, origins=("hook",))
        return reader.newest(session, _MAX_SESSION_TURNS)[-1].created_at

    def admits(record: Record) -> bool:
        if record.pinned:
            return True
        if record.role == "tool":
            return False
        since = captured_since() if record.origin == "import" else None
        return since is None or record.created_at >= since

    return admits


def fit_section(section: Section, lines: Iterable[Line], room: Room, shown: set[str]) -> list[str]:
    """Return the heading and the lines that fit into the room; empty if no line does.

    Args:
        section: Its heading and its limit for a line.
        lines: Most important first; the last one that fits may be cut.
        room: The space of the section.
        shown: Ids of records that other sections show; those shown here are added.
    """
    kept: list[str] = []
    for line in lines:
        if not line.text or (line.ids and line.ids[0] in shown):
            continue
        tokens = min(room.tokens - 1, section.line_tokens) - estimate_tokens(line.lead)
        text = cut_to_tokens(line.text, tokens, _CUT_MARK)
        if text != line.text and tokens < _MIN_CUT_TOKENS:
            break
        whole = line.lead + text
        room = room.minus(whole)
        if room.size < 0:
            break
        kept.append(whole)
        shown.update(line.ids)
    return [section.heading, *kept] if kept else []


def inert_name(name: str) -> str:
    """Return a name or notice as the page shows it: neutralised, at most 40 estimated tokens."""
    return cut_to_tokens(neutralise(name), _NAME_TOKENS, _CUT_MARK)


def tokens_of(line: str) -> int:
    """Return the estimated tokens of a line and its end."""
    return estimate_tokens(line) + 1


def bytes_of(line: str) -> int:
    """Return the bytes of a line and its end in UTF-8."""
    return len(line.encode("utf-8")) + 1

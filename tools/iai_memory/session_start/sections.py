"""The sections of the page: which memories each takes, its share of the page, its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from itertools import chain, zip_longest
from typing import Any, Final

from ..projects.names import ProjectNames
from ..recall.exchange_list import Listed, list_exchanges
from ..store.copies import copy_digest
from ..store.filter import Filter
from ..store.reader import TableReader
from ..store.record import BY_TOOL, ORIGINS, REWOUND, Record
from ..store.sql import sql_text
from ..store.trust import role_of_caller
from ..text.asking import asks
from ..text.excerpt import beginnings, ending
from ..text.inert import neutralise
from ..text.tokens import cut_to_tokens, estimate_tokens, fits
from .acts import excerpt
from .outline import PageOutline

IDENTITY_TAG: Final = "identity"
_CUT_MARK: Final = " …"
_CUT_BEFORE: Final = "… "
_THEN: Final = " → "
_OPEN: Final = "no answer yet"
_ANSWERED_TOKENS: Final = 20
_MAX_LINES: Final = 30
_NAME_TOKENS: Final = 40
_LABEL_TOKENS: Final = 30
_FACT_TOKENS: Final = 20
_MIN_CUT_TOKENS: Final = 6  # fewer than these of a text say nothing
_SMALL_TALK_TOKENS: Final = 12
# More than any line has room for; a memory may have a megabyte.
_MAX_TEXT_CHARS: Final = 8_000
# Not left to `_may_stand`: those that the user took back would use up the limit.
_NOT_REWOUND: Final = f"NOT array_has(tags, {sql_text(REWOUND)})"
# What a model noted, and nobody pinned or tagged since, is chosen by a model.
_MAYBE_OF_USER: Final = f"(origin <> {sql_text(BY_TOOL)} OR history IS NOT NULL)"
_NO_MODEL: Final = tuple(origin for origin in ORIGINS if origin != BY_TOOL)
# Of a thousand pins that models set, the user's own are to be found.
_MAX_LINES_OF_USER: Final = 300


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


IDENTITY: Final = Section("Identity", 0.09, 60)
RECENT: Final = Section("Most recent work", 0.08, 90)
PINNED: Final = Section("Pinned facts", 0.17, 70)
TOPICS: Final = Section("Topics", 0.08, 60)
KEY: Final = Section("Key memories", 0.13, 60)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a section.

    Attributes:
        lead: Stands before the text and is never cut.
        text: Neutralised.
        ids: Of its records, the one that it is about first: no section repeats what another shows.
        by_model: Whether a model noted it, or chose it for its section.
        quoted: Ids of records that it has some words of; another section may show them whole.
        longer: More of what its record says, to stand in place of the text where room is left.
    """

    lead: str
    text: str
    ids: tuple[str, ...] = ()
    by_model: bool = False
    quoted: tuple[str, ...] = ()
    longer: str = ""


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

    def plus(self, line: str) -> Room:
        """Return the space left once the line is taken out."""
        return Room(self.tokens + tokens_of(line), self.size + bytes_of(line))

    @property
    def is_overdrawn(self) -> bool:
        """Whether more stands in it than has room."""
        return self.tokens < 0 or self.size < 0


@dataclass(frozen=True, slots=True)
class RecordSections:
    """Lines from the records of one version of the table.

    Attributes:
        outline: Of the page's records.
        project: Whose page it is; None is every project.
        same_project: Its other names, as records have them.
        names: Which names are names of one project.
        zone: Time zone of the dates.
    """

    outline: PageOutline
    project: str | None
    same_project: tuple[str, ...]
    names: ProjectNames
    zone: tzinfo

    @property
    def reader(self) -> TableReader:
        """Reads the version."""
        return self.outline.reader

    def recent(self) -> Iterator[Line]:
        """Yield the newest exchanges and notes of the project; what models noted takes turns."""
        roles = ("user", "assistant", "note")
        where = Filter(project=self.project, same_project=self.same_project, roles=roles)
        listed = self._listed(where)
        noted = [one for one in listed if one.turns[0].noted_by]
        if noted:
            listed = taking_turns(self._listed(replace(where, origins=_NO_MODEL)), noted)
        yield from (self._exchange(one.turns, one) for one in listed)

    def _listed(self, where: Filter) -> list[Listed]:
        """Return the newest exchanges with those of their turns that may go on the page."""
        found = list_exchanges(
            self.reader, where, _MAX_LINES, within_project=True, outline=self.outline.newest
        )[0]
        admitted = (replace(one, turns=tuple(filter(_may_stand, one.turns))) for one in found)
        kept = [one for one in admitted if one.turns]
        return kept[:1] + [one for one in kept[1:] if not _is_small_talk(one)]

    def identity(self) -> Iterator[Line]:
        """Yield the newest records with the tag of the identity."""
        for record in self._newest(
            self._mine(tags=(IDENTITY_TAG,)), lambda one: one.tagged_by(IDENTITY_TAG)
        ):
            yield self._single(record, "tagged" if record.tagged_by(IDENTITY_TAG) else "")

    def pinned(self) -> Iterator[Line]:
        """Yield the newest pinned records, each text once: a pin is on every copy of it."""
        told = set[bytes]()
        for record in self._newest(self._mine(pinned=True), lambda one: one.pinned_by):
            digest = copy_digest(record, self.names)
            if digest not in told:
                told.add(digest)
                yield self._single(record, "pinned" if record.pinned_by else "")

    def topics(self, labels: Sequence[str] | None, facts: Sequence[str]) -> Iterator[Line]:
        """Yield the topics with the newest that was said of each.

        Args:
            labels: With their sizes; None where the map is still to be built.
            facts: For each the id of a memory; one that is gone since then is left out.
        """
        if labels is None:
            yield Line("", "(pending: the topic map is built at the next sleep)")
            return
        mine = self._mine()
        found = {one.id: one for one in self.reader.get([id_ for id_ in facts if id_])}
        for label, id_ in zip_longest(labels, facts[: len(labels)], fillvalue=""):
            fact = found.get(id_)
            if fact is None or not mine.admits(fact) or REWOUND in fact.tags:
                yield Line("- ", neutralise(label))
            else:
                day = fact.created_at.astimezone(self.zone).date().isoformat()
                name, _, newest = label.partition(", newest ")
                about = name.partition(" (")[0].partition(",")[0]
                said = neutralise(excerpt(fact.text, _FACT_TOKENS, about))
                # The fact has a date of its own.
                name = neutralise(f"{name})" if newest else label)
                lead = f"- {cut_to_tokens(name, _LABEL_TOKENS, _CUT_MARK)}: "
                yield Line(lead, f"{day} {speaker_of(fact)}: {said}", quoted=(fact.id,))

    def notes(self) -> Iterator[Line]:
        """Yield the newest notes."""
        for record in self._newest(self._mine(roles=("note",)), lambda one: one.noted_by):
            yield self._single(record)

    def _mine(self, **wanted: Any) -> Filter:
        """Return the filter of what is of the project or of no project."""
        return Filter(
            project=self.project, same_project=self.same_project, or_no_project=True, **wanted
        )

    def _newest(self, where: Filter, by_model: Callable[[Record], object]) -> Iterator[Record]:
        """Yield the newest that match and may go on the page; what models chose stands behind.

        However much a model chooses, it pushes nothing of the user's off the page.
        """
        found = self.reader.newest(where, _MAX_LINES, condition=_NOT_REWOUND, rare=True)
        chosen = [one for one in found if by_model(one)]
        if chosen:
            others = self.reader.newest(
                where, _MAX_LINES_OF_USER, condition=f"{_NOT_REWOUND} AND {_MAYBE_OF_USER}"
            )
            found = [one for one in others if not by_model(one)] + chosen
        yield from (one for one in found if _may_stand(one))

    def _single(self, record: Record, chosen: str = "") -> Line:
        lead = self._lead(record, speaker_of(record, chosen))
        by_model = bool(chosen) or record.noted_by is not None
        return Line(lead, _shown(record), (record.id,), by_model)

    def _exchange(self, turns: Sequence[Record], listed: Listed) -> Line:
        """Return what the user asked, and what came of it, in one line."""
        said = [(turn.role, _shown(turn)) for turn in turns]
        if len(said) == 1 and not (listed.before or listed.is_open):
            return self._single(turns[0])
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
        ids = tuple(turn.id for turn in turns)
        quoted = () if listed.before is None else (listed.before.id,)
        return Line(lead, "".join(parts) + end, ids, turns[0].noted_by is not None, quoted)

    def _lead(self, record: Record, role: str) -> str:
        of_project = self.project is None and record.project
        label = f" [{inert_name(record.project or '')}]" if of_project else ""
        return f"- {record.created_at.astimezone(self.zone).date().isoformat()}{label} {role}: "


def speaker_of(record: Record, chosen: str = "") -> str:
    """Return who said a text, as the page names it: the role, and whether a model noted it.

    Args:
        record: Its record.
        chosen: What a model did to it, beside having noted it: "pinned", "tagged".
    """
    role = role_of_caller(record.role, record.origin)
    if record.noted_by is None:
        return f"{role} ({chosen} by a model)" if chosen else role
    noted = f"noted and {chosen} by a model" if chosen else "noted by a model"
    return noted if role == "note" else f"{role}, {noted}"


def taking_turns(said: Sequence[Listed], noted: Sequence[Listed]) -> list[Listed]:
    """Return both newest first, but never more of `noted` than of `said` while there is any left.

    Args:
        said: What hosts and the user wrote down, newest first.
        noted: What models noted, newest first. The time of it is a claim, up to when it arrived.
    """
    rest, merged, balance = list(noted), list[Listed](), 0
    for one in said:
        if rest and balance and _came_at(rest[0]) > _came_at(one):
            merged.append(rest.pop(0))
            balance -= 1
        merged.append(one)
        balance += 1
    return merged + rest


def _came_at(listed: Listed) -> datetime:
    first = listed.turns[0]
    return min(first.created_at, first.ingested_at)


def _shown(record: Record) -> str:
    """Return the text of a record as the page shows it before it is cut to its room."""
    shown = neutralise(record.text[:_MAX_TEXT_CHARS])
    return shown + _CUT_MARK if shown and len(record.text) > _MAX_TEXT_CHARS else shown


def _may_stand(record: Record) -> bool:
    """Return whether a record may go on the page; output of a tool only if it is pinned."""
    return record.pinned or record.role != "tool"


def _is_small_talk(listed: Listed) -> bool:
    """Return whether the user asked nothing and hardly anything was answered: "thanks"."""
    said = [turn for turn in listed.turns if turn.role == "user"]
    answers = [turn for turn in listed.turns if turn.role != "user"]
    if not said or not answers or any(turn.pinned for turn in listed.turns):
        return False
    few = all(fits(turn.text, _SMALL_TALK_TOKENS) for turn in answers)
    return few and not any(asks(turn.text[:_MAX_TEXT_CHARS]) for turn in said)


def fit_section(
    section: Section,
    lines: Iterable[Line],
    room: Room,
    shown: set[str],
    quoted: set[str] | None = None,
) -> list[str]:
    """Return the heading and the lines that fit into the room; empty if no line does.

    Args:
        section: Its heading and its limit for a line.
        lines: Most important first; the last one that fits may be cut.
        room: The space of the section.
        shown: Ids of records that other sections show; those shown here are added.
        quoted: The ids that the lines quote are added.
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
        if quoted is not None:
            quoted.update(line.quoted)
    return [section.heading, *kept] if kept else []


def users_first(
    parts: Iterable[tuple[Section, Iterable[Line]]],
) -> list[tuple[Section, Iterable[Line]]]:
    """Return the parts of a page; of which a model's words are the first stand behind the others.

    Topics go with the recent work, of which they are words.
    """
    opened: list[tuple[Section, Iterable[Line]]] = []
    of_models: set[Section] = set()
    for section, lines in parts:
        rest = iter(lines)
        first = next(rest, None)
        if first is not None:
            opened.append((section, chain([first], rest)))
            if first.by_model:
                of_models.add(section)
    if RECENT in of_models:
        of_models.add(TOPICS)
    return sorted(opened, key=lambda part: part[0] in of_models)


def inert_name(name: str) -> str:
    """Return a name or notice as the page shows it: neutralised, at most 40 estimated tokens."""
    return cut_to_tokens(neutralise(name), _NAME_TOKENS, _CUT_MARK)


def tokens_of(line: str) -> int:
    """Return the estimated tokens of a line and its end."""
    return estimate_tokens(line) + 1


def bytes_of(line: str) -> int:
    """Return the bytes of a line and its end in UTF-8."""
    return len(line.encode("utf-8")) + 1

"""What was put before the model of one session, by which way, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from ..errors import InvalidInput, UnknownRecord
from ..recall.project_scope import in_project
from ..recall.session_prefix import in_session
from ..results import InjectedMemory, Injections, InjectionView
from ..store.filter import Filter
from ..text.inert import neutralise
from ..text.tokens import cut_to_tokens
from .events import Injected
from .used import Talk, Turn

if TYPE_CHECKING:
    from datetime import tzinfo

    from ..store.reader import TableReader
    from ..store.record import Record
    from ..store.table import Store

MAX_LISTED: Final = 200
MAX_TURNS: Final = 2_000
_AROUND: Final = timedelta(minutes=5)
"""Before the first turn that was captured, and after the last one: an answer takes a while."""

_SHOWN_TOKENS: Final = 40
_CUT_MARK: Final = " …"


@dataclass(frozen=True, slots=True)
class _Session:
    id: str
    project: str | None
    turns: Sequence[Record]

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """The times of the first and the last turn that is known."""
        return (self.turns[0].created_at, self.turns[-1].created_at) if self.turns else None


def last_session(store: Store, project: str | None) -> str:
    """Return the id of the session that spoke last, in a project or at all.

    Raises:
        UnknownRecord: No session of the project is known.
        StoreFault: The store could not be read.
    """
    where = in_project(Filter(project=project, include_superseded=True), store)
    where = replace(where, or_no_project=False)
    newest = store.latest.newest(where, 1, condition="session_id IS NOT NULL")
    if not newest or newest[0].session_id is None:
        of = f" of the project {neutralise(project)}" if project else ""
        raise UnknownRecord(
            f"no session{of} is known: name one that `iai-mcp timeline --ids --json` shows"
        )
    return newest[0].session_id


def session_named(store: Store, told: str, events: Sequence[Injected], zone: tzinfo) -> str:
    """Return the id of the session with that id, or whose id alone begins so.

    Raises:
        InvalidInput: Several sessions begin so.
        UnknownRecord: None does, neither of those that spoke nor of those that were given anything.
        StoreFault: The store could not be read.
    """
    begin = told.strip().casefold()
    whole = told
    if begin:
        whole = in_session(Filter(session_id=told.strip()), store.latest, zone).session_id or told
    if store.latest.count(Filter(session_id=whole, include_superseded=True)):
        return whole
    named = sorted({one.session for one in events if one.session} - {None})
    fit = [one for one in named if one == told] or [
        one for one in named if begin and one.casefold().startswith(begin)
    ]
    if len(fit) > 1:
        shown = ", ".join(neutralise(one)[:60] for one in fit[:5])
        raise InvalidInput(f"{len(fit):,} sessions have ids that begin so: send more of {shown}")
    if not fit:
        raise UnknownRecord(
            f"no session has an id that begins with {neutralise(told)[:60]!r}: "
            "name one that `iai-mcp timeline --json` shows"
        )
    return fit[0]


def injections_of(
    store: Store,
    session_id: str,
    events: Sequence[Injected],
    purged: Collection[str],
    *,
    only: Injected | None = None,
) -> Injections:
    """Return what the session was given, and what it used of that.

    Args:
        store: Where its turns and the memories are.
        session_id: Its whole id.
        events: Of all sessions, oldest first.
        purged: Ids of what was purged.
        only: The one of the events that is looked at; None is all of the session.

    Raises:
        StoreFault: The store could not be read.
    """
    reader = store.latest
    session = _session(reader, session_id)
    mine = _of_session(store, session, events if only is None else [only])
    elsewhere = Counter(
        id_ for one in events if one.by == "prompt" and one.session != session.id for id_ in one.ids
    )
    shown = mine[-MAX_LISTED:]
    wanted = list(dict.fromkeys(id_ for one, _ in shown for id_ in one.ids))
    known = _known(reader, wanted)
    talk = Talk(
        [Turn(one.created_at, one.role == "assistant", one.text) for one in session.turns],
        reader.has_more_than,
    )

    def memory(one: Injected, id_: str) -> InjectedMemory:
        return _memory(one, id_, known.get(id_), talk, purged, elsewhere[id_])

    span = session.span
    return Injections(
        session=session.id,
        project=session.project,
        started_at=span[0] if span else None,
        ended_at=span[1] if span else None,
        turns=len(session.turns),
        injections=[
            InjectionView(
                at=one.at,
                by=one.by,
                tool=one.tool,
                reason=neutralise(one.reason)[:60],
                matched="session" if one.session else "time",
                sessions=sessions,
                memories=[memory(one, id_) for id_ in one.ids],
            )
            for one, sessions in shown
        ],
        cut=len(mine) - len(shown),
    )


def _session(reader: TableReader, session_id: str) -> _Session:
    """Return the session with its last 2,000 turns, those that are forgotten left out."""
    newest = reader.newest(Filter(session_id=session_id, include_superseded=True), MAX_TURNS)
    turns = sorted(newest, key=lambda one: (one.created_at, one.id))
    projects = [one.project for one in turns if one.project]
    return _Session(session_id, projects[-1] if projects else None, turns)


def _of_session(
    store: Store, session: _Session, events: Sequence[Injected]
) -> list[tuple[Injected, int]]:
    """Return what was given to the session, each with the number of sessions that it fits."""
    nameless = [one for one in events if one.session is None and _is_near(one.at, session.span)]
    spans = _spans(store, session) if nameless else {}
    found: list[tuple[Injected, int]] = []
    for one in sorted(events, key=lambda one: one.at):
        if one.session == session.id:
            found.append((one, 1))
        elif one in nameless and store.project_names.canonical(
            one.project
        ) == store.project_names.canonical(session.project):
            found.append((one, max(1, sum(_is_near(one.at, span) for span in spans.values()))))
    return found


def _spans(store: Store, session: _Session) -> dict[str, tuple[datetime, datetime]]:
    """Return when each session of the same project spoke that may have been at the same time."""
    assert session.span is not None, "something was near it"
    first, last = session.span
    where = Filter(
        project=session.project,
        include_superseded=True,
        since=first - _AROUND,
        until=last + _AROUND,
    )
    rows = store.latest.outline(replace(in_project(where, store), or_no_project=False))
    found: dict[str, tuple[datetime, datetime]] = {}
    names = zip(rows["session_id"].to_pylist(), rows["created_at"].to_pylist(), strict=True)
    for name, at in names:
        if name is not None:
            begin, end = found.get(name, (at, at))
            found[name] = min(begin, at), max(end, at)
    return found


def _is_near(at: datetime, span: tuple[datetime, datetime] | None) -> bool:
    return span is not None and span[0] - _AROUND <= at <= span[1] + _AROUND


def _known(reader: TableReader, ids: Sequence[str]) -> dict[str, Record]:
    """Return the records by id, forgotten ones too; for a folded copy what it was folded into."""
    found = {record.id: record for record in reader.get(ids)}
    folded = {one.id: one.folded_into for one in found.values() if one.folded_into}
    targets = {one.id: one for one in reader.get(sorted(set(folded.values())))} if folded else {}
    return found | {id_: targets[to] for id_, to in folded.items() if to in targets}


def _memory(
    one: Injected,
    id_: str,
    record: Record | None,
    talk: Talk,
    purged: Collection[str],
    elsewhere: int,
) -> InjectedMemory:
    confidence = one.confidence_of(id_)
    if record is None or record.tombstoned_at is not None:
        return InjectedMemory(
            id=id_,
            text=None,
            role=None,
            said_at=None,
            state=_hidden(record, id_, purged),
            confidence=confidence,
            outcome="unclear",
        )
    use = talk.use_of(record.text, one.at, elsewhere)
    return InjectedMemory(
        id=id_,
        text=cut_to_tokens(neutralise(record.text), _SHOWN_TOKENS, _CUT_MARK),
        role=record.role,
        said_at=record.created_at,
        state="superseded" if record.superseded_by else "current",
        confidence=confidence,
        outcome=use.outcome,
        words=list(use.words),
    )


def _hidden(
    record: Record | None, id_: str, purged: Collection[str]
) -> Literal["forgotten", "purged", "gone"]:
    if record is not None:
        return "forgotten"
    return "purged" if id_ in purged else "gone"

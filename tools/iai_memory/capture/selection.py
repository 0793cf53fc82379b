"""The selection of a transcript's turns, and the memory that each becomes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from ..base.clock import iso
from ..projects.lookup import ProjectLookup
from ..projects.names import ProjectNames
from ..store.changed_files import changes_in, last_changes, to_texts
from ..store.idempotency import TurnIdentity, is_unique
from ..store.names import stored_id, stored_place
from ..store.record import TIME_ESTIMATED
from ..writing.new_memory import NewMemory
from .hosts.file_edits import changes_behind
from .jsonl_tail import FileCursor
from .turn import Parsed, Skipped, Turn
from .turn_counts import TurnCounts


@dataclass(frozen=True, slots=True)
class Selection:
    """The turns of a transcript to store.

    Attributes:
        since: Said at or after; None is all.
        project: Only of this project; None is all.
        names: Which names are names of one project.
    """

    since: datetime | None = None
    project: str | None = None
    names: ProjectNames = field(default_factory=ProjectNames)


def to_memory(turn: Turn, projects: ProjectLookup) -> NewMemory:
    """Return the turn as a memory of its project; no name beside its text costs a turn."""
    return NewMemory(
        text=turn.text,
        role=turn.role,
        created_at=turn.created_at,
        project=_project(turn.cwd, projects),
        session_id=stored_id(turn.session_id),
        turn_id=stored_id(turn.turn_id),
        host=turn.host,
        cwd=stored_place(turn.cwd),
        tags=turn.marks,
        identity=identity_of(turn),
        changed_files=to_texts(turn.changes),
    )


def _project(cwd: str | None, projects: ProjectLookup) -> str | None:
    if cwd is None or stored_place(cwd) is None:
        return None
    return stored_place(projects.project(cwd))


def identity_of(turn: Turn) -> TurnIdentity:
    """Return what identifies the turn: its host's id of it, else session, role, time and text.

    In a sanitised transcript all turns may have one id, so one that is not long and random says
    little more than none.
    """
    at, thread = iso(turn.created_at), turn.thread or turn.session_id
    if turn.turn_id is None:
        return TurnIdentity.within(turn.host, thread, turn.role, at)
    if turn.thread is not None:
        former = _former(turn)
        return TurnIdentity.within(turn.host, thread, turn.role, turn.turn_id, former=former)
    by_id = TurnIdentity.of_id(turn.host, turn.turn_id)
    if is_unique(turn.turn_id):
        return by_id
    at = "" if TIME_ESTIMATED in turn.marks else at
    return TurnIdentity.within(turn.host, thread, turn.role, at, turn.turn_id, former=by_id)


def _former(turn: Turn) -> TurnIdentity | None:
    """Return what the store may know the turn by: of another thread, or of an earlier version."""
    if turn.turn_id is None:
        return None
    found: TurnIdentity | None = None
    if turn.former_id is not None:
        found = TurnIdentity.of_id(turn.host, turn.former_id)
    elif turn.thread != turn.session_id:
        found = TurnIdentity.within(turn.host, turn.session_id, turn.role, turn.turn_id)
    for thread in turn.ancestors:
        found = TurnIdentity(
            turn.host,
            (thread, turn.role, turn.turn_id),
            with_text=True,
            former=found,
            # What the oldest thread said itself is no turn of the fork's own, however alike.
            unless_session=thread if turn.thread == turn.session_id else None,
        )
    return found


def with_changes_behind(memory: NewMemory, cursor: FileCursor | None) -> NewMemory:
    """Return the last turn of a transcript with the files that were changed after it, too.

    A session that was broken off has no later turn to tell of them. If it goes on, the next one
    tells of them again.
    """
    state = (cursor and cursor.state) or {}
    behind = changes_behind(state.get("edits"))
    if not behind:
        return memory
    changes = last_changes([*changes_in(memory.changed_files), *behind])
    return replace(memory, changed_files=to_texts(changes))


def selected_memory(
    parsed: Parsed, selection: Selection, counts: TurnCounts, projects: ProjectLookup
) -> NewMemory | None:
    """Return the memory of this line; None, with the reason counted, if it is not selected."""
    outcome = parsed.outcome
    if isinstance(outcome, Skipped):
        counts.skipped[outcome.reason] += 1
        return None
    if outcome is None:
        return None
    if outcome.cwd is not None and projects.ignored(outcome.cwd):
        counts.skipped["ignored_project"] += 1
        return None
    if selection.since is not None and outcome.created_at < selection.since:
        counts.skipped["before_since"] += 1
        return None
    memory = to_memory(outcome, projects)
    if selection.project is not None and not selection.names.same(
        memory.project, stored_place(selection.project)
    ):
        counts.skipped["other_project"] += 1
        return None
    return memory

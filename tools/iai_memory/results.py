"""Everything that a tool or command returns: in Python, in MCP's structured output, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic.json_schema import SkipJsonSchema

_LEFT_OUT: Final = ("turns", "between", "reply_to", "noted_by", "pinned_by")


class Result(BaseModel):
    """Base of every result: immutable, without other fields than its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Turn(Result):
    """A turn of the same exchange that is shown with a hit."""

    id: str
    role: str
    text: str


class NamedFile(Result):
    """A file that a memory names and that is not what it was; `path` is from the project's folder.

    It is `gone`, or so many later turns of the project's sessions changed it.
    """

    path: str
    gone: bool = False
    later_turns: int = 0

    @property
    def note(self) -> str:
        """What became of it, as a line of text says it."""
        told = "is gone" if self.gone else f"was changed in {self.later_turns} later turns"
        return f"{self.path} {told}"


class Hit(Result):
    """One memory that recall found; in JSON a field that has its default value is left out.

    `ids` are those of all memories that the hit stands for, its own first; empty for itself alone.
    `noted_by` and `pinned_by` are "model" where a model called a tool for it. `earlier_than` is the
    id of a hit before it that seems to tell the same of the same subject, and was said later.
    `files` are those that it names and that are gone or were changed much, at most three.
    """

    id: str
    text: str
    score: float
    confidence: float | None
    role: str
    origin: str
    host: str | None
    created_at: datetime
    reason: str
    project: str | None = None
    session_id: str | None = None
    valid_to: datetime | None = None
    superseded_by: str | None = None
    earlier_than: str | None = None
    tags: list[str] = []
    pinned: bool = False
    noted_by: str | None = None
    pinned_by: str | None = None
    ids: list[str] = []
    turns: list[Turn] = []
    files: list[NamedFile] = []

    @model_serializer(mode="wrap")
    def _without_defaults(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        return {
            name: value
            for name, value in dump(self).items()
            if fields[name].is_required() or value != fields[name].default
        }


class Searched(Result):
    """What an answer is made from: so many memories, by words and by meaning."""

    memories: int = 0
    by_words: int = 0
    by_meaning: int = 0


class Unread(Result):
    """What hosts wrote and nobody read yet: events of a hook, and transcripts that grew."""

    events: int = 0
    transcripts: int = 0


class UnknownName(Result):
    """A filter that no memory meets, with the nearest values that memories have."""

    filter: Literal["project", "tag", "session", "origin"]
    value: str
    nearest: list[str] = []


class Hidden(Result):
    """A reason why memories may be out of sight, one of `OutOfSight`, and how many."""

    reason: str
    count: int | None = None


class Coverage(Result):
    """What an answer covers; in JSON what says nothing is left out.

    `complete` is false where a memory that belongs to the answer may be missing. `note` is the
    sentence for the user.

    `cut` counts what the same question would show with a larger limit, more budget, and without
    `min_confidence`. Of a recall's hits behind the limit those count that may answer: with a
    probability of at least .02, and at least .06 of the first hit's; where probabilities are not
    known, all. A recall ranks a few times as many as its limit, so there may be more of them.
    """

    complete: bool = True
    searched: Searched = Searched()
    pending: int = 0
    unread: Unread = Unread()
    unknown: list[UnknownName] = []
    cut: int = 0
    hidden: list[Hidden] = []
    note: str | None = None

    @model_serializer(mode="wrap")
    def _where_it_says_something(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        return {
            name: value
            for name, value in dump(self).items()
            if name in ("complete", "searched") or getattr(self, name) != fields[name].default
        }


class Period(Result):
    """A time from its first to its last moment."""

    start: datetime
    end: datetime


class Recalled(Result):
    """The hits of a recall, best first; none where nothing answers.

    `confidence` is the probability that the answer is among the first hits, null without vectors
    and where the coverage is not complete.
    In the mode `time` the question is about a time alone: the hits are what was said then, session
    by session in its order, and `period` is that time, null for the newest session.
    In the mode `id` the query names the hits by their ids.
    """

    hits: list[Hit]
    confidence: float | None
    mode: Literal["hybrid", "lexical", "dense", "time", "id"]
    degraded: bool
    fix: str | None
    tokens: int
    latency_ms: float
    period: Period | None = None
    coverage: Coverage = Coverage()


class PromptThreshold(Result):
    """How sure an answer must be before memories are said at a prompt, and why.

    That is `min_answer`, and `base_answer` at first. Of the last `judged` prompts that were given
    memories `used` used them, and `contradicted` said something else of the same.
    """

    min_answer: float
    base_answer: float
    judged: int
    used: int
    contradicted: int
    is_damaged: bool = False

    @property
    def is_raised(self) -> bool:
        """Whether more is needed than at first."""
        return self.min_answer > self.base_answer


class PromptRecall(Result):
    """What is put before a model at one prompt: a finished block of text, or "" for nothing.

    `reason` is a short word for the log: why these memories were chosen, or why none was;
    `threshold` is there where memories reached its base.
    """

    text: str = ""
    memory_ids: list[str] = []
    confidences: list[float] = []
    reason: str
    threshold: PromptThreshold | None = None


class InjectedMemory(Result):
    """A memory that was put before a model, and what became of it.

    `state` is what it is now; `text` is its beginning, null where it is hidden or gone.
    `outcome` is read from the session's later answers: "used" where they have `words` of it that
    few memories have and nobody said before, "contradicted" where one says something else of the
    same, "unclear" where there is no answer yet or nothing new was in it.
    """

    id: str
    text: str | None
    role: str | None
    said_at: datetime | None
    state: Literal["current", "superseded", "forgotten", "purged", "gone"]
    confidence: float | None
    outcome: Literal["used", "contradicted", "not_used", "unclear"]
    words: list[str] = []


class InjectionView(Result):
    """What was put before a model at once: by the page, at a prompt, or as a tool's answer.

    A server does not know which session calls its tools. `matched` is "session" where the host
    named it, "time" where the project and the time fit, and `sessions` counts those that they fit.
    """

    at: datetime
    by: Literal["page", "prompt", "tool"]
    tool: str | None
    reason: str
    matched: Literal["session", "time"]
    sessions: int
    memories: list[InjectedMemory]


class Injections(Result):
    """Everything that is known to have been put before a model in a session, oldest first.

    `cut` counts older ones that are not listed; `threshold` is what prompts need now.
    """

    session: str
    project: str | None
    started_at: datetime | None
    ended_at: datetime | None
    turns: int
    injections: list[InjectionView]
    cut: int = 0
    threshold: PromptThreshold | None = None


PURGED: Final = "was purged, and does not come back"
"""Reason for which a memory is skipped."""


class Ingested(Result):
    """The outcome of one memory."""

    id: str | None
    status: Literal["stored", "duplicate", "pending", "skipped"]
    reason: str | None


class IngestReport(Result):
    """The outcome of each memory, in the order given."""

    results: list[Ingested]
    stored: int
    duplicates: int
    table_version: int


class Superseded(Result):
    """A fact and what replaced it; `copies` were the same words elsewhere, replaced with it."""

    old_id: str
    new_id: str
    copies: int = 0


class Forgotten(Result):
    """The forgotten ids, and the command that brings them back.

    `copies` of them were not named: they say the same words in the same project.
    """

    forgotten: list[str]
    not_found: list[str]
    undo: str | None
    copies: int = 0


class Restored(Result):
    """The ids that were brought back; `copies` of them were not named and say the same words."""

    restored: list[str]
    not_found: list[str]
    copies: int = 0


class RecordView(Result):
    """A memory as it is shown: everything but its vector and bookkeeping.

    `noted_by` and `pinned_by` are "model" where a model called a tool for it.
    """

    id: str
    text: str
    role: str
    origin: str
    host: str | None
    session_id: str | None
    project: str | None
    created_at: datetime
    ingested_at: datetime
    valid_from: datetime
    valid_to: datetime | None
    superseded_by: str | None
    tombstoned_at: datetime | None
    pinned: bool
    tags: list[str]
    noted_by: str | None = None
    pinned_by: str | None = None


class ProjectView(Result):
    """A project: the name that is shown, its other names, its memories; `here` is the own one."""

    name: str
    names: list[str]
    memories: int
    newest: datetime | None
    here: bool


class ProjectChanged(Result):
    """An alias of a project, what made it and when, or that it was undone.

    `memories` are those of the project now; of an undone alias, those under its own names.
    """

    alias: str
    project: str
    by: str = ""
    at: str = ""
    undone: bool = False
    memories: int = 0


class Projects(Result):
    """The projects of a store, and the aliases that can be undone, newest first."""

    projects: list[ProjectView]
    undoable: list[ProjectChanged]


class Pinned(RecordView):
    """A memory with the pin and tags that it has now, and how many copies got the same."""

    copies: int = 0


class ChangedMemory(Result):
    """A memory and what happened to it; `text` is null where it is forgotten and not asked for."""

    id: str
    what: list[str]
    role: str
    project: str | None
    created_at: datetime
    text: str | None
    superseded_by: str | None = None


class Undone(Result):
    """What an undo did, or with `done` false would do.

    `change` is the number of the change that is taken back and `made_at` its time, or `to` the time
    that the store goes back to. `counts` are memories by what happens to them, of which `memories`
    shows some. `kept` were changed again since and stay; `gone` were scrubbed or purged since, and
    no undo has their words. `redo` is the command that takes the undo itself back.
    """

    done: bool
    change: int | None = None
    made_at: datetime | None = None
    to: datetime | None = None
    total: int = 0
    counts: dict[str, int] = {}
    memories: list[ChangedMemory] = []
    kept: int = 0
    gone: int = 0
    redo: str | None = None


class PastState(Result):
    """A step in the past of a memory: what happened, when, as part of which change, by what.

    `by` is the way it came ("cli", "tool", "hook", "import") or "undo"; null where nobody noted it.
    `other` is the memory that replaced it, or into which it was folded.
    """

    at: datetime
    change: int | None
    what: list[str]
    by: str | None
    reason: str | None = None
    other: str | None = None
    pinned: bool | None = None
    tags: list[str] | None = None


class Wording(Result):
    """Another wording of the same fact, and since when it is true."""

    id: str
    text: str
    since: datetime


class MemoryHistory(Result):
    """Every state of a memory, oldest first, with what it replaced and what replaced it.

    `text` is null where it is forgotten and not asked for.
    """

    id: str
    text: str | None
    role: str
    project: str | None
    created_at: datetime
    forgotten: bool
    folded_into: str | None
    states: list[PastState]
    replaced: list[Wording]
    replaced_by: list[Wording]


class StoreDiff(Result):
    """What is different in a store between two times; `until` null is now.

    `counts` are of all `total` memories by what happened to them, `memories` shows the newest.
    """

    since: datetime
    until: datetime | None
    total: int
    counts: dict[str, int]
    memories: list[ChangedMemory]


class TimelineEntry(RecordView):
    """A memory in time, or an exchange of a session: the user's turn with what came of it.

    `turns` are the user's other turns and the answer, `between` counts those that are not shown,
    and `reply_to` is the end of what a short turn ("yes, do that") answers. Each is left out of
    JSON where it says nothing, and so is by whom it was noted and pinned.
    """

    turns: list[Turn] = []
    between: int = 0
    reply_to: Turn | None = None

    @model_serializer(mode="wrap")
    def _without_empty(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        empty = {name for name in _LEFT_OUT if not getattr(self, name)}
        return {name: value for name, value in dump(self).items() if name not in empty}


class Timeline(Result):
    """Exchanges, and memories that stand by themselves, in time, newest first."""

    records: list[TimelineEntry]
    coverage: Coverage = Coverage()


class ModelStatus(Result):
    """The embedding model that is in use, or why there is none.

    `fix` is the command that mends it, `fault` what is wrong with files that are there.
    """

    available: bool
    identity: str | None
    folder: str | None
    fix: str | None
    fault: str | None = None


class Freshness(Result):
    """The freshness of the session-start page; `behind` counts the records that it lacks."""

    cache_path: str
    age_s: float | None
    fresh: bool
    behind: int | None
    reason: str
    last_success: str | None
    last_failure: str | None


class ServerView(Result):
    """A serving process that is alive; `step` is what it has been at for more than 5 s."""

    pid: int
    started_at: str
    state: str
    refresher: bool
    step: str | None


class SessionBooks(Result):
    """The outcomes of the turns of one captured session."""

    session_id: str
    host: str | None
    last_at: datetime
    seen: int
    stored: int
    duplicate: int
    skipped: dict[str, int]
    failed: int
    fault: str


class Status(Result):
    """The whole state of a store in one answer."""

    store: str
    version: str
    records: int
    tombstoned: int
    folded: int
    superseded: int
    pending: int
    table_version: int
    commits_since_compaction: int
    disk_bytes: int
    spool_bytes: int
    rings_waiting: int
    rings_since: datetime | None
    spool_faults: list[str]
    capture_state: str
    capture: str
    model: ModelStatus
    freshness: Freshness
    servers: list[ServerView]
    sessions: list[SessionBooks]
    last_errors: list[str]


class LeftOffFile(Result):
    """A file that a session changed, and what became of it since; empty where nobody looked."""

    path: str
    since: str


class LeftOffSession(Result):
    """Where one session left off; its texts are those of its turns, cut."""

    session_id: str
    host: str | None
    project: str | None
    began_at: datetime
    ended_at: datetime
    turns: int
    asked: list[str]
    finished: list[str]
    left_open: list[str]
    left_open_before: list[str]
    said_last: str | None
    files: list[LeftOffFile]
    note: str


class Handoff(Result):
    """Where sessions left off, the newest first; `payload` is for a model or a person to read."""

    payload: str
    sessions: list[LeftOffSession]
    coverage: Coverage = Coverage()
    memory_ids: SkipJsonSchema[tuple[str, ...]] = Field((), exclude=True)
    """Of the memories that the payload has words of; for the ledger, not for who reads it."""


class SessionStartPage(Result):
    """The session-start page, and how fresh it is."""

    payload: str
    generated_at: str | None
    age_s: float | None
    fresh: bool
    watermark: dict[str, str | int]
    action: str
    coverage: Coverage = Coverage()
    memory_ids: SkipJsonSchema[tuple[str, ...]] = Field((), exclude=True)
    """Of the memories that the payload has words of; for the ledger, not for who reads it."""

"""The memory behind one object: a method for each tool and command. It opens and delegates.

What only some methods need is imported there: every command opens a memory, and few of them search,
read transcripts or scrub.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Unpack

from .base.checks import check_flag, check_whole
from .base.clock import iso, parse_time
from .base.out_of_sight import OutOfSight
from .base.page_mark import hasten_page
from .coverage.answers import Sight
from .coverage.catching_up import CatchingUp, CaughtUp
from .errors import ForeignFileFault, StoreUnavailable
from .handle import StoreHandle
from .maintenance.after_commit import compact_if_due
from .maintenance.status import status
from .privacy.redaction import redact
from .projects.identity import ignored
from .recall.filter_arguments import check_filter, in_hindsight
from .recall.project_scope import in_project
from .recall.session_prefix import in_session
from .recall.timeline import MAX_LIMIT, timeline
from .results import (
    Forgotten,
    IngestReport,
    Pinned,
    Recalled,
    RecordView,
    Restored,
    SessionStartPage,
    Status,
    Superseded,
    Timeline,
)
from .session_start.cache import remove_pages
from .session_start.current_page import current_page
from .store.filter import Filter
from .store.record_view import view_of
from .writing import changes
from .writing.embed_pending import STEP_MEMORIES, EmbeddingElsewhere, embed_step, reembed
from .writing.ingest import ingest
from .writing.lookup import live_record
from .writing.new_memory import NewMemory, new_memories
from .writing.supersede import supersede

if TYPE_CHECKING:
    from .analysis.contradictions import Contradiction
    from .capture.drain import Drained
    from .capture.history_import import ImportProgress
    from .capture.selection import Selection
    from .capture.transcript_files import FoundTranscript
    from .capture.turn import Host
    from .maintenance.projects import StoreProjects
    from .maintenance.scrub import Scrubbed
    from .projects.identity import Project
    from .recall.query import RecallOptions
    from .transfer.jsonl_export import Damage
    from .transfer.jsonl_import import ImportCounts

_MAX_REASON: Final = 200


class Memory(StoreHandle):
    """A memory in one store folder.

    Safe to use from several threads, and beside other processes on the same store. Store and model
    are opened at their first use.

    Example:
        >>> memory = Memory(store="~/.iai-mcp")  # doctest: +SKIP
        >>> memory.ingest("The staging database listens on port 5544.")  # doctest: +SKIP
        >>> memory.recall("which port is staging on?").hits[0].text  # doctest: +SKIP
        'The staging database listens on port 5544.'
    """

    def ingest(
        self, memories: str | dict[str, Any] | Iterable[Any], *, origin: str | None = None
    ) -> IngestReport:
        """Store memories: texts, or objects with text and the fields of `NewMemory`.

        They are on disk when it returns. The same turn, or the same text of the same time, is
        stored once however often it comes.

        Raises:
            InvalidInput: One of them cannot be stored; then none was.
            StoreFault: Some may not be on disk; storing all of them again doubles none.
        """
        checked = new_memories(memories, self.zone, self.own_project)
        encoder = self._model.usable()[0]
        report = ingest(self.store, encoder, checked, origin=origin or self._origin)
        if report.stored:
            self._committed()
        return report

    def catch_up(self, *, vectors: bool = True) -> CaughtUp:
        """Store what hosts wrote since and embed what waits, where that is cheap.

        Costs a look at the spool where nothing waits, and else at most two seconds; see
        `coverage/catching_up.py`. Nothing that fails is raised: it is returned.

        Args:
            vectors: Whether to embed, too.
        """
        return self._catching_up.run(self, vectors=vectors)

    @cached_property
    def _catching_up(self) -> CatchingUp:
        return CatchingUp()

    def recall(
        self, query: str, *, catch_up: bool = False, **options: Unpack[RecallOptions]
    ) -> Recalled:
        """Find what answers the query, best first.

        Args:
            query: A question or a few words.
            catch_up: Whether to complete first what is cheap to complete, see `catch_up`.
            options: limit, project, since, until, as_of, tags, origins, include_superseded,
                budget_tokens and min_confidence, each as `RecallOptions` describes it.

        Raises:
            InvalidInput: An argument cannot be used.
            StoreFault: The store could not be read.
        """
        from .recall.pipeline import recall
        from .recall.query import check_query

        checked = check_query(query, options, self.own_project, self.zone)
        caught_up = self.catch_up() if catch_up else CaughtUp()
        self._join_own_folder()
        encoder, fault = self._model.usable()
        scoped = replace(checked, where=self._scoped(checked.where))
        found = recall(self.store, encoder, scoped)
        return self._sight(caught_up).recalled(found, scoped, self._model, fault)

    def supersede(
        self, id: str, text: str, *, reason: str = "", at: str | datetime | None = None
    ) -> Superseded:
        """Store `text` as true since `at` in place of the memory `id`; both stay.

        Args:
            id: Of the memory that is no longer true.
            text: The text that is true instead.
            reason: Why; goes into the ledger.
            at: Since when, as an ISO date or time; None is now.

        Raises:
            UnknownRecord: No such memory, or it was forgotten.
            InvalidInput: The text cannot be stored, the memory was superseded already, or `at` is
                before the old one began to hold or in the future.
        """
        since = None if at is None else parse_time(at, "at", zone=self.zone)
        encoder = self._model.usable()[0]
        done = supersede(self.store, encoder, id, text, origin=self._origin, at=since)
        self.ledger.write(
            "superseded", old_id=done.old_id, new_id=done.new_id, reason=_noted(reason)
        )
        self._committed()
        return done

    def forget(self, ids: Sequence[str], *, reason: str = "") -> Forgotten:
        """Hide memories from every result and page at once; `restore` undoes it.

        Raises:
            InvalidInput: `ids` is not a list of ids.
            StoreUnavailable: The pages cannot be removed; the memories are hidden all the same.
        """
        done = changes.forget(self.store, ids)
        if done.forgotten:
            self.ledger.write("forgotten", ids=done.forgotten, reason=_noted(reason))
            try:
                self._remove_pages()
            finally:
                self._committed()
        return done

    def restore(self, ids: Sequence[str]) -> Restored:
        """Undo `forget`, and `supersede` for the old memory.

        Raises:
            InvalidInput: `ids` is not a list of ids.
        """
        done = changes.restore(self.store, ids)
        if done.restored:
            self.ledger.write("restored", ids=done.restored)
            self._committed()
        return done

    def restore_folded(self) -> Restored:
        """Undo the folding of copies of one turn, which the upgrade of an old store did."""
        done = changes.restore_folded(self.store)
        if done.restored:
            self.ledger.write("folding_undone", copies=len(done.restored))
            self._committed()
        return done

    def tag_rewound(self, rewound: Collection[str], others: Collection[str]) -> int:
        """Give turns that the user took back the tag `rewound`, take it from `others`.

        Both are idempotency keys; those that are not stored are left out. Returns how many changed.

        Raises:
            StoreFault: The store could not be written.
        """
        changed = changes.tag_rewound(self.store, rewound, others)
        if changed:
            self._committed()
        return changed

    def pin(
        self,
        id: str,
        *,
        pinned: bool = True,
        add_tags: Sequence[str] = (),
        remove_tags: Sequence[str] = (),
    ) -> Pinned:
        """Set the tags of a memory, and whether it is a pinned fact.

        Raises:
            UnknownRecord: No such memory, or it was forgotten.
            InvalidInput: A tag cannot be used.
        """
        check_flag(pinned, "pinned")
        view = changes.pin(
            self.store, id, pinned=pinned, add_tags=add_tags, remove_tags=remove_tags
        )
        self._committed()
        return view

    def timeline(
        self,
        *,
        project: str | None = None,
        session_id: str | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        as_of: str | datetime | None = None,
        limit: int = 20,
        catch_up: bool = False,
        turns: bool = False,
    ) -> Timeline:
        """Return exchanges and memories in time, newest first; texts are cut, see `record`.

        A turn of a host's session comes with its exchange: the user's turns and the answer, and how
        many turns were between. With `as_of` all are as the store had them then.

        Args:
            project: "." is the own project, None every project.
            session_id: Of a session, or the beginning of one that no other session has.
            since: ISO date or time.
            until: ISO date or time; a date is its whole day.
            as_of: ISO date or time.
            limit: Maximum number of exchanges and single memories, 1 to 500.
            catch_up: That of `recall`.
            turns: List each turn by itself, narration too.

        Raises:
            InvalidInput: An argument cannot be used, or several sessions begin with `session_id`.
            StoreFault: The store could not be read.
        """
        check_flag(turns, "turns")
        where = check_filter(
            project=project,
            own_project=self.own_project,
            session_id=session_id,
            since=since,
            until=until,
            as_of=as_of,
            include_superseded=True,
            zone=self.zone,
        )
        check_whole(limit, "limit", 1, MAX_LIMIT)
        caught_up = self.catch_up(vectors=False) if catch_up else CaughtUp()
        self._join_own_folder()
        where = self._scoped(in_session(where, self.store.latest, self.zone))
        found = timeline(self.store, where, limit, turns=turns)
        return self._sight(caught_up).timeline(found, where)

    def contradictions(self, limit: int = 20) -> list[Contradiction]:
        """Return pairs of memories that may not both be true, newest first; changes nothing.

        Raises:
            InvalidInput: `limit` is not 1 to 500.
            ModelMissing: There is no model, so there are no vectors to compare.
            StoreFault: The store could not be read.
        """
        from .analysis.contradictions import find_contradictions

        check_whole(limit, "limit", 1, MAX_LIMIT)
        self._model.require_files()
        return find_contradictions(self.store, limit)

    def record(self, id: str) -> RecordView:
        """Return one memory with its whole text.

        Raises:
            UnknownRecord: No such memory, or it was forgotten.
        """
        return view_of(live_record(self.store.latest, id))

    def session_start(
        self, project: str | None = None, *, refresh: bool = False, catch_up: bool = False
    ) -> SessionStartPage:
        """Return the session-start page: the cache where it is provably fresh, else a new render.

        Args:
            project: "." is the own project, None every project.
            refresh: First render and cache it if anything changed.
            catch_up: That of `recall`.

        Raises:
            InvalidInput: The project is "." and not known here.
            StoreFault: The store could not be read.
        """
        name = check_filter(project=project, own_project=self.own_project).project
        caught_up = self.catch_up(vectors=False) if catch_up else CaughtUp()
        self._join_own_folder()
        page = current_page(self.paths, self.page_manager(), name, refresh=refresh)
        return self._sight(caught_up).page(page, name)

    def _scoped(self, where: Filter) -> Filter:
        return in_project(in_hindsight(where, self.store), self.store)

    def _sight(self, caught_up: CaughtUp) -> Sight:
        return Sight(self.store, self.paths, self._no_capture, caught_up, self._folder)

    def _no_capture(self) -> OutOfSight | None:
        """Return why hooks note nothing where the user works; None where they do."""
        if self.settings.disable:
            return OutOfSight.CAPTURE_OFF
        try:
            here = self._cwd is not None and ignored(self._cwd)
        except ForeignFileFault:
            return None  # nobody can say
        return OutOfSight.FOLDER_IGNORED if here else None

    def drain(
        self,
        *,
        max_seconds: float = float("inf"),
        wait_seconds: float = 0.0,
        reading: Callable[[Path], None] | None = None,
    ) -> Drained:
        """Store the turns that capture hooks rang for, as text; their vectors are pending.

        Args:
            max_seconds: Time after which no other batch is begun; the next drain goes on.
            wait_seconds: How long to wait for a drain of another process.
            reading: Called with each transcript before it is opened.

        Raises:
            StoreFault: The spool or the table could not be used; every unanswered ring waits.
        """
        from .capture.drain import Drain
        from .projects.lookup import ProjectLookup

        projects = ProjectLookup()
        drain = Drain(
            self.paths,
            self.ledger,
            self._store_captured,
            self._tag_captured,
            reading=reading,
            projects=projects,
        )
        done = drain.run(max_seconds=max_seconds, wait_seconds=wait_seconds)
        for one in projects.found():
            self.join_folder(one)
        if done.stored or done.rings:
            self._committed()
        return done

    def _tag_captured(self, rewound: Collection[str], others: Collection[str]) -> int:
        return changes.tag_rewound(self.store, rewound, others)

    def _remove_pages(self) -> None:
        # Here and not in the refresher: that one may be at another step for long.
        try:
            remove_pages(self.paths)
        except OSError as exc:
            raise StoreUnavailable(
                f"the pages in {self.paths.root} cannot be removed ({exc.strerror}), and may still "
                f"show what was forgotten: run `iai-mcp session-start --refresh`"
            ) from exc

    def _store_captured(self, turns: list[NewMemory]) -> IngestReport:
        # Without the encoder: words first, since one long text may cost seconds.
        return ingest(self.store, None, new_memories(turns), origin="hook")

    def import_transcripts(
        self,
        files: Sequence[FoundTranscript],
        host: Host,
        *,
        selection: Selection | None = None,
        anew: bool = False,
        advanced: Callable[[ImportProgress], None] | None = None,
    ) -> ImportProgress:
        """Store the turns of whole transcripts, as text; their vectors are pending.

        May be interrupted at any time: the next import goes on where the last commit ended.

        Args:
            files: The transcripts.
            host: Which host wrote those that do not show it.
            selection: Which turns; None is all. Only then are files left out that are unchanged
                since they were imported.
            anew: Read also those.
            advanced: Called some times a second.

        Raises:
            StoreFault: The store could not be used.
        """
        from .capture.history_import import HistoryImport
        from .capture.import_record import ImportRecord
        from .capture.selection import Selection
        from .projects.lookup import ProjectLookup

        projects = ProjectLookup()
        run = HistoryImport(
            self._store_imported,
            self.tag_rewound,
            selection=replace(selection or Selection(), names=self.store.project_names),
            record=None if selection else ImportRecord(self.paths, self._table, anew=anew),
            advanced=advanced,
            projects=projects,
        )
        done = run.run(files, host)
        for one in projects.found():
            self.join_folder(one)
        if done.counts.stored:
            self._committed()
        return done

    def _table(self) -> tuple[str, int]:
        first = self.store.first_ingested_at()
        return "" if first is None else iso(first), self.store.version

    def _store_imported(self, turns: list[NewMemory]) -> IngestReport:
        # Without the encoder: words first. The page follows at the end, whatever its interval.
        report = ingest(self.store, None, new_memories(turns), origin="import")
        hasten_page(self.paths)
        compact_if_due(self.store)
        return report

    def status(self) -> Status:
        """Return the state of the store.

        Raises:
            StoreFault: The store could not be read.
        """
        model = self._model
        return status(
            self.store, self.page_manager(), self.ledger, model.files_or_fault(), model.fix
        )

    def embed_pending(
        self,
        limit: int = STEP_MEMORIES,
        *,
        seconds: float | None = None,
        wait_seconds: float = 0.0,
    ) -> int:
        """Embed some pending memories, in one commit and about a second of processor time.

        A long text takes several calls. Returns how many memories got vectors: 0 where none is
        pending, without a model, and while another process embeds.

        Args:
            limit: Maximum number of memories.
            seconds: Processor time of the model, where it is to be less than usual.
            wait_seconds: How long to wait for another process that embeds.

        Raises:
            ModelFault: The model could not run.
            StoreFault: The store could not be written.
        """
        # The model is not loaded where nothing is pending.
        encoder = self.encoder if self.store.latest.count_pending() else None
        if encoder is None:
            return 0
        try:
            step = embed_step(
                self.store, encoder, limit=limit, seconds=seconds, wait_sec=wait_seconds
            )
        except EmbeddingElsewhere:
            return 0
        if step is None:
            return 0
        self._committed()
        return step.finished + step.continued

    def reembed(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Replace every vector by one of the model that is installed here; return how many.

        May be interrupted at any time: the rest is pending, and the next server or sleep embeds it.

        Raises:
            ModelMissing: There is no model.
            StoreFault: The store could not be written.
        """
        encoder = self._model.require_encoder()
        with self._opening:
            self._store = self._open_store(check=False)
        done = reembed(self._store, encoder, progress)
        self._committed()
        return done

    def export_lines(
        self, *, vectors: bool = False, damaged: Callable[[Damage], None] | None = None
    ) -> Iterator[str]:
        """Yield every record as a line of JSON, oldest first; forgotten and superseded ones too.

        Of a damaged store every record that can be read. What is missing `damaged` is told after
        the last line.

        Raises:
            StoreFault: Nothing can be read, or the store is damaged and `damaged` is None.
        """
        from .transfer.jsonl_export import export_lines

        return export_lines(self.paths, lambda: self.store, vectors=vectors, damaged=damaged)

    def import_lines(self, lines: Iterable[str]) -> Iterator[ImportCounts]:
        """Store lines of `export_lines` as they were; yield what became of each batch.

        Raises:
            InvalidInput: A line is no exported record; the batches before it are stored.
        """
        from .transfer.jsonl_import import import_lines

        for arrived in import_lines(self.store, lines, embedder=self.embedder_key):
            if arrived.stored:
                self._committed()
            yield arrived

    def join_folder(self, project: Project) -> None:
        """Join what a folder's memories were kept under before it had a remote, if it is certain.

        Raises:
            StoreFault: The store could not be read.
        """
        if project.name == project.folder:
            return
        from .maintenance.project_offers import join_folder

        done = join_folder(self.store, project)
        if done is not None:
            self.ledger.write("project_linked", alias=done.alias, project=done.name, by=done.by)
            self._committed()

    def offered_project(self) -> str | None:
        """Return what the own project may have been before, as a sentence; None where nothing is.

        Raises:
            StoreFault: The store could not be read.
        """
        from .maintenance.project_offers import offer

        self._join_own_folder()
        return None if self._folder is None else offer(self.store, self._folder)

    def _join_own_folder(self) -> None:
        if self._folder is not None and self._joined_at != self.store.stamp:
            self.join_folder(self._folder)
            self._joined_at = self.store.stamp

    def projects(self) -> StoreProjects:
        """Return the projects of the store, to be listed, moved and given other names."""
        from .maintenance.projects import StoreProjects

        return StoreProjects(self.store, self.ledger, self.own_project, self._committed)

    def scrub(self, pattern: str, *, regex: bool = False) -> Scrubbed:
        """Replace every match by a mark, in records, old versions, spool, caches and logs.

        Raises:
            InvalidInput: The pattern cannot be used.
            StoreFault: The store could not be written; another run does the rest.
        """
        from .maintenance.scrub import compile_pattern, scrub

        return scrub(self.store, compile_pattern(pattern, regex=regex), self.page_manager())


def _noted(reason: str) -> str:
    """Return a reason as the ledger keeps it: without secrets, and short."""
    return redact(reason).text[:_MAX_REASON]

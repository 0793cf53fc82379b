"""The whole memory behind one object: what the tools, the command line and your own code call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Unpack

from .analysis.contradictions import Contradiction, find_contradictions
from .analysis.topic_file import load_topics, save_topics
from .analysis.topics import SMALL_STORE, build_topics
from .base.checks import check_flag, check_whole
from .base.clock import parse_time
from .base.ledger import Ledger
from .base.paths import StorePaths
from .capture.drain import Drain, Drained
from .capture.queued_turns import waiting_turns
from .capture.session_state import Sessions, last_capture_notice
from .capture.spool import Spool
from .embedding.encoder import Encoder, load_encoder
from .embedding.identity import DIMENSION, IDENTITY
from .embedding.model_files import ModelFiles, find_model
from .errors import InvalidInput, MemoryFault, ModelMissing
from .maintenance.scrub import Scrubbed, compile_pattern, scrub
from .maintenance.status import status
from .projects.identity import project_key, project_of
from .recall.filter_arguments import check_filter, in_hindsight
from .recall.pipeline import recall
from .recall.query import RecallOptions, check_query
from .results import (
    Forgotten,
    IngestReport,
    Recalled,
    RecordView,
    Restored,
    SessionStartPage,
    Status,
    Superseded,
    Timeline,
)
from .session_start.cache import cache_modified, cache_path, read_sidecar
from .session_start.refresh import RefreshOptions, SessionStart, Surroundings, Topics, Trigger
from .settings import Settings, load_settings
from .store.record_view import view_of
from .store.table import KEEP_VERSIONS, Store
from .text.tokens import cut_to_tokens
from .transfer.jsonl import Arrived, export_lines, import_lines
from .writing import changes
from .writing.embed_pending import embed_pending, reembed
from .writing.ingest import ingest
from .writing.lookup import live_record
from .writing.new_memory import new_memory
from .writing.supersede import supersede

MAX_TIMELINE = 500
_TIMELINE_RECORD_TOKENS = 200


class Memory:
    """A memory in one store folder.

    Safe to use from several threads, and beside other processes on the same store. Store and model
    are opened at their first use.

    Example:
        >>> memory = Memory(store="~/.iai-mcp")  # doctest: +SKIP
        >>> memory.ingest("The staging database listens on port 5544.")  # doctest: +SKIP
        >>> memory.recall("which port is staging on?").hits[0].text  # doctest: +SKIP
        'The staging database listens on port 5544.'
    """

    def __init__(
        self,
        store: str | Path | None = None,
        *,
        settings: Settings | None = None,
        cwd: str | Path | None = None,
        origin: str = "cli",
        on_commit: Callable[[], None] | None = None,
    ) -> None:
        """Binds a store without opening it.

        Args:
            store: Its folder; None is what the settings say.
            settings: None reads the environment.
            cwd: The folder that is worked in; its project is the own one.
            origin: Who vouches for what this object ingests: hook, tool, import or cli.
            on_commit: Called after each commit; without it, this object compacts and refreshes the
                session-start payload by itself.

        Raises:
            InvalidInput: An environment variable has a value that cannot be used.
        """
        chosen = settings or load_settings()
        if store is not None:
            chosen = chosen.model_copy(update={"store": Path(store).expanduser().absolute()})
        self.settings = chosen
        self.paths = StorePaths(chosen.store)
        self.ledger = Ledger(self.paths)
        self.own_project = None if cwd is None else project_of(cwd).name
        self._origin = origin
        self._on_commit = on_commit
        self._opening = threading.RLock()
        self._wrote = False
        self._store: Store | None = None
        self._files: ModelFiles | None = None
        self._encoder: Encoder | None = None

    @property
    def model(self) -> ModelFiles | None:
        """The model's files, looked for again until they are found.

        Raises:
            ModelFault: Files are there and cannot be used.
        """
        with self._opening:
            if self._files is None:
                self._files = find_model(self.settings)
            return self._files

    @property
    def encoder(self) -> Encoder | None:
        """The loaded model, or None where none is installed.

        Raises:
            ModelFault: Files are there and cannot be used.
        """
        with self._opening:
            if self._encoder is None and self.model is not None:
                self._encoder = load_encoder(self.model, threads=self.settings.threads)
            return self._encoder

    def release(self) -> bool:
        """Gives back what the model and copied vectors hold until their next use.

        Who is encoding or searching meanwhile ends as if nothing had happened. Says whether the
        model was loaded.
        """
        with self._opening:
            loaded, self._encoder = self._encoder is not None, None
            store = self._store
        if store is not None:
            store.latest.release()
        return loaded

    @property
    def embedder_key(self) -> str:
        """Key of the embedder that this process would use; a damaged one counts as ours."""
        files = self._model_or_fault()
        return (files.identity if isinstance(files, ModelFiles) else IDENTITY).key

    @property
    def store(self) -> Store:
        """The opened table.

        Raises:
            StoreFault: It cannot be opened.
        """
        with self._opening:
            if self._store is None:
                self._store = self._open_store(check=True)
            return self._store

    def ingest(
        self, memories: str | dict[str, Any] | Iterable[Any], *, origin: str | None = None
    ) -> IngestReport:
        """Stores memories: texts, or objects with text and the fields of `NewMemory`.

        When it returns they are on disk. The same turn, or the same text of the same time, is
        stored once however often it comes.

        Raises:
            InvalidInput: One of them cannot be stored; then none was.
            StoreFault: They may not all be on disk; storing them again doubles none.
        """
        listed = [memories] if isinstance(memories, str | dict) else memories
        if not isinstance(listed, Iterable):
            raise InvalidInput('memories is not a list: send for example [{"text": "…"}]')
        checked = [new_memory(one) for one in listed]
        if not checked:
            raise InvalidInput('memories is empty: send for example [{"text": "…"}]')
        report = ingest(self.store, self.encoder, checked, origin=origin or self._origin)
        if report.stored:
            self._committed()
        return report

    def recall(self, query: str, **options: Unpack[RecallOptions]) -> Recalled:
        """Find what answers the query, best first.

        Args:
            query: A question or a few words.
            options: `RecallOptions` says what each of them does.

        Raises:
            InvalidInput: An argument cannot be used.
            StoreFault: The store could not be read.
        """
        checked = check_query(query, options, self.own_project)
        return recall(self.store, self.encoder, checked)

    def supersede(
        self, id: str, text: str, *, reason: str = "", at: str | datetime | None = None
    ) -> Superseded:
        """Stores `text` as what is true since `at` in place of the memory `id`; both stay.

        Args:
            id: Of the memory that is no longer true.
            text: What is true instead.
            reason: Why; goes into the ledger.
            at: Since when, as an ISO date or time; None is now.

        Raises:
            UnknownRecord: No such memory, or it was forgotten.
            InvalidInput: The text cannot be stored, the memory was superseded already, or `at` is
                before the old one began to hold or in the future.
        """
        since = None if at is None else parse_time(at, "at")
        done = supersede(self.store, self.encoder, id, text, origin=self._origin, at=since)
        self.ledger.write("superseded", old_id=done.old_id, new_id=done.new_id, reason=reason[:200])
        self._committed()
        return done

    def forget(self, ids: Sequence[str], *, reason: str = "") -> Forgotten:
        """Hides memories from everything at once; `restore` undoes it.

        Raises:
            InvalidInput: `ids` is not a list of ids.
        """
        done = changes.forget(self.store, ids)
        if done.forgotten:
            self.ledger.write("forgotten", ids=done.forgotten, reason=reason[:200])
            self._committed()
        return done

    def restore(self, ids: Sequence[str]) -> Restored:
        """Undoes `forget`, and `supersede` for the old memory.

        Raises:
            InvalidInput: `ids` is not a list of ids.
        """
        done = changes.restore(self.store, ids)
        if done.restored:
            self.ledger.write("restored", ids=done.restored)
            self._committed()
        return done

    def pin(
        self,
        id: str,
        *,
        pinned: bool = True,
        add_tags: Sequence[str] = (),
        remove_tags: Sequence[str] = (),
    ) -> RecordView:
        """Sets whether the memory is among the pinned facts, and its tags.

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
    ) -> Timeline:
        """Memories in time, newest first; long texts are cut, `record` gives the whole.

        With `as_of` they are as the store held them then.

        Raises:
            InvalidInput: An argument cannot be used.
        """
        where = check_filter(
            project=project,
            own_project=self.own_project,
            session_id=session_id,
            since=since,
            until=until,
            as_of=as_of,
            include_superseded=True,
        )
        where = in_hindsight(where, self.store)
        records = self.store.latest.newest(where, check_whole(limit, "limit", 1, MAX_TIMELINE))
        shown = [where.at_time(record) for record in records]
        return Timeline(
            records=[
                view_of(one, text=cut_to_tokens(one.text, _TIMELINE_RECORD_TOKENS, " … [cut]"))
                for one in shown
            ]
        )

    def contradictions(self, limit: int = 20) -> list[Contradiction]:
        """Pairs of memories that may not both be true, newest first; nothing is changed.

        Raises:
            InvalidInput: `limit` is not 1 to 500.
            ModelMissing: There is no model, so nothing is near anything.
            StoreFault: The store could not be read.
        """
        check_whole(limit, "limit", 1, MAX_TIMELINE)
        if self.model is None:
            raise ModelMissing("no embedding model is installed: run `iai-mcp model install`")
        return find_contradictions(self.store, limit)

    def record(self, id: str) -> RecordView:
        """One memory, whole.

        Raises:
            UnknownRecord: No such memory, or it was forgotten.
        """
        return view_of(live_record(self.store.latest, id))

    def session_start(
        self, project: str | None = None, *, refresh: bool = False
    ) -> SessionStartPage:
        """The session-start payload: the cache where it is provably fresh, else rendered now.

        Args:
            project: "." is the own project, None every project.
            refresh: Render and cache it now if anything changed.

        Raises:
            InvalidInput: The project is "." and not known here.
            StoreFault: The store could not be read.
        """
        name = check_filter(project=project, own_project=self.own_project).project
        pages = self.session_start_pages()
        action: str = pages.refresh("manual").action if refresh else "none"
        cache = cache_path(self.paths, None if name is None else project_key(name))
        probe, sidecar = pages.probe(), read_sidecar(cache)
        vouched = read_sidecar(pages.cache)
        fresh = (
            sidecar is not None and vouched is not None and probe.same_content(vouched.watermark)
        )
        if fresh and sidecar is not None:
            payload = sidecar.payload.decode("utf-8")
            age = round(max(0.0, time.time() - (cache_modified(cache) or 0.0)), 1)
        else:
            payload, age, action = pages.live(name), None, "live" if action == "none" else action
        return SessionStartPage(
            payload=payload,
            generated_at=None if sidecar is None else str(sidecar.fields.get("generated_at")),
            age_s=age,
            fresh=fresh,
            watermark=probe.to_fields(),
            action="cached" if action == "none" else action,
        )

    def session_start_pages(self, on_step: Callable[[str], None] | None = None) -> SessionStart:
        """The renderer behind `session_start`; `on_step` hears of each step of a refresh."""
        options = RefreshOptions(
            min_interval_sec=self.settings.session_cache_refresh_min_sec,
            budget_tokens=self.settings.payload_tokens,
            embedder=self.embedder_key,
            topics_within_a_tick=SMALL_STORE,
        )
        return SessionStart(
            self.store, self.ledger, options, self.surroundings, self.build_topics, on_step
        )

    def build_topics(self) -> None:
        """Makes the topic map anew and keeps it beside the table."""
        save_topics(self.paths, build_topics(self.store, embedder=self.embedder_key))

    def surroundings(self) -> Surroundings:
        """What the payload shows beside the table."""
        bells = Spool(self.paths).unanswered()
        topics = load_topics(self.paths)
        return Surroundings(
            waiting=waiting_turns(bells),
            spool_bytes=sum(bell.size for bell in bells),
            topics=None
            if topics is None
            else Topics(topics.lines, topics.removal_version, topics.records_total),
            notice=last_capture_notice(Sessions(self.paths).load()),
        )

    def change_token(self) -> tuple[object, ...]:
        """Moves when any process committed or a hook rang; a cheap look between two proper ones."""
        return (self.store.change_token(), *Spool(self.paths).change_token())

    def drain(self) -> Drained:
        """Stores what capture hooks reported and no server has read yet.

        Raises:
            StoreFault: The spool or the table could not be used; every doorbell still waits.
        """
        return Drain(self.paths, self.ledger, lambda batch: self.ingest(batch, origin="hook")).run()

    def status(self) -> Status:
        """The whole state of the store in one answer.

        Raises:
            StoreFault: The store could not be read.
        """
        return status(self.store, self.session_start_pages(), self.ledger, self._model_or_fault())

    def embed_pending(self, limit: int = 256) -> int:
        """Gives pending memories their vectors; returns how many, 0 without a model."""
        # Asked first: whoever has nothing to embed should not load the model for it.
        encoder = self.encoder if self.store.statistics().pending else None
        if encoder is None:
            return 0
        done = embed_pending(self.store, encoder, limit=limit)
        if done:
            self._committed()
        return done

    def reembed(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Replaces every vector by one of the model that is installed here; returns how many.

        Can be interrupted at any time: what is left is pending and is embedded by the next server.

        Raises:
            ModelMissing: There is no model.
            StoreFault: The store could not be written.
        """
        if self.encoder is None:
            raise ModelMissing("no embedding model is installed: run `iai-mcp model install`")
        with self._opening:
            self._store = self._open_store(check=False)
        done = reembed(self._store, self.encoder, progress)
        self._committed()
        return done

    def export_lines(self, *, vectors: bool = False) -> Iterator[str]:
        """Every record as a line of JSON, forgotten and superseded ones too, oldest first."""
        return export_lines(self.store, vectors=vectors)

    def import_lines(self, lines: Iterable[str]) -> Iterator[Arrived]:
        """Stores lines of `export_lines` as they were; yields what each batch did.

        Raises:
            InvalidInput: A line is no exported record; the batches before it were stored.
        """
        for arrived in import_lines(self.store, lines, embedder=self.embedder_key):
            if arrived.stored:
                self._committed()
            yield arrived

    def scrub(self, pattern: str, *, regex: bool = False) -> Scrubbed:
        """Replaces every match by a mark, in records, old versions, spool, caches and logs.

        Raises:
            InvalidInput: The pattern cannot be used.
            StoreFault: The store could not be written; running it again goes on where it ended.
        """
        pages = self.session_start_pages()
        return scrub(
            self.store,
            compile_pattern(pattern, regex=regex),
            lambda: pages.refresh("manual", force_rebuild=True),
        )

    def close(self) -> None:
        """Brings the page up to date if this object changed the store; nobody may come after it."""
        if self._wrote:
            self._wrote = False
            self._refresh_cache("shutdown")

    def upkeep(self) -> bool:
        """Compacts the store if its budget of commits is used up; says whether it did."""
        if not self.store.compaction_is_due():
            return False
        self.store.compact(keep=KEEP_VERSIONS)
        return True

    def _open_store(self, *, check: bool) -> Store:
        return Store(
            self.paths,
            embedder=self.embedder_key,
            dimension=DIMENSION,
            budget=self.settings.commit_budget,
            check=check,
            copy_bytes=self.settings.copy_mb << 20,
        )

    def _committed(self) -> None:
        if self._on_commit is not None:
            self._on_commit()
            return
        self._wrote = True
        self._refresh_cache("wake_sequence")
        self.upkeep()

    def _refresh_cache(self, trigger: Trigger) -> None:
        pages = self.session_start_pages()
        if cache_modified(pages.cache) is not None:
            # No server may be there to do it, and a hook would go on serving what was forgotten.
            pages.refresh(trigger)

    def _model_or_fault(self) -> ModelFiles | MemoryFault | None:
        try:
            return self.model
        except MemoryFault as exc:
            return exc

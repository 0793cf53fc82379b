"""One refresh: watermark, decision, render, both files, and a trace of what happened."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from ..capture.waiting import Waiting
from ..clock import iso, utc_now
from ..errors import MemoryFault, StoreBusy, StoreFault
from ..ledger import Ledger
from ..locks import held
from ..projects import project_key
from ..store import Contents, Store, TableReader, merge_contents
from .cache import (
    advance_sidecar,
    cache_modified,
    cache_path,
    read_sidecar,
    write_pair,
)
from .decision import decide
from .payload import Page, render
from .watermark import Watermark

Trigger = Literal["wake_sequence", "periodic_wake", "sleep_pipeline", "manual", "shutdown"]
SLEEP_WAIT_SEC = 300.0
_QUIET = ("no_new_records", "min_interval_not_elapsed")
_LIVE = ("wake_sequence", "periodic_wake")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a payload shows beside the table.

    Attributes:
        waiting: Captured turns that were not drained yet.
        spool_bytes: Their size in the spool.
        topics: Lines of the topic map per project, None as key for all; None where the map is cold.
        notice: A failure of the last capture that the next session must know of.
    """

    waiting: Sequence[Waiting] = ()
    spool_bytes: int = 0
    topics: dict[str | None, Sequence[str]] | None = None
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a refresh did."""

    action: Literal["wrote", "skipped", "failed"]
    reason: str
    watermark: Watermark | None


@dataclass(frozen=True, slots=True)
class RefreshOptions:
    """How a store wants its payload.

    Attributes:
        min_interval_sec: Least age of the cache before a live tick renders it again.
        budget_tokens: Of one page.
        embedder: Key of the embedder.
    """

    min_interval_sec: float
    budget_tokens: int
    embedder: str


class SessionStart:
    """Renders the payloads of one store and keeps their cache."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        options: RefreshOptions,
        surroundings: Callable[[bool], Surroundings],
        on_step: Callable[[str], None] | None = None,
    ) -> None:
        """Binds a store.

        Args:
            store: Whose payload.
            ledger: Where each attempt leaves its trace.
            options: Interval and budget.
            surroundings: Read once per refresh, before the watermark; True may build what is cold.
            on_step: Called with "watermark", "rendered" and "written" as a refresh passes them.
        """
        self._store = store
        self._ledger = ledger
        self._options = options
        self._surroundings = surroundings
        self._on_step = on_step or _no_step

    @property
    def cache(self) -> Path:
        """The payload for every project together."""
        return cache_path(self._store.paths, None)

    def live(self, project: str | None) -> str:
        """The payload as the refresher would render it at this moment, from the store.

        A project of which nothing is known gets the page of every project, as it does in the hook.

        Raises:
            StoreFault: The store could not be read.
        """
        view = self._view(force=False)
        return view.render(project if project in view.projects() else None)

    def probe(self) -> Watermark:
        """The watermark of the whole store now.

        Raises:
            StoreFault: The store could not be read.
        """
        return self._view(force=False).watermark(None)

    def refresh(self, trigger: Trigger, *, force_rebuild: bool = False) -> Outcome:
        """Brings the cache up to date if the decision table says so; never raises a MemoryFault.

        One refresh at a time runs per store, over all threads and processes. Who does not get its
        turn skips; only the sleep pipeline waits, up to 300 s. The minimum interval delays live
        ticks; a user who asks and a server that ends cannot come back later, so they do not wait.
        """
        started = time.perf_counter()
        try:
            if not force_rebuild and self._nothing_committed():
                return self._skipped(trigger, "no_new_records", None)
            timeout = SLEEP_WAIT_SEC if trigger == "sleep_pipeline" else 0.0
            with held(self._store.paths.lock("refresh"), timeout=timeout):
                return self._refresh_alone(trigger, force_rebuild, started)
        except StoreBusy:
            return self._skipped(trigger, "refresh_in_progress", None)
        except (MemoryFault, OSError) as exc:
            return self._failed(trigger, exc, started)

    def _refresh_alone(self, trigger: Trigger, force: bool, started: float) -> Outcome:
        try:
            view = self._view(force=force)
        except StoreFault as exc:
            return self._skipped(trigger, "probe_failed", None, error=str(exc))
        mark = view.watermark(None)
        self._on_step("watermark")
        modified = cache_modified(self.cache)
        sidecar = read_sidecar(self.cache) if modified is not None else None
        decision = decide(
            mark,
            sidecar.watermark if sidecar else None,
            cache_age_sec=None if modified is None else view.now.timestamp() - modified,
            min_interval_sec=self._options.min_interval_sec if trigger in _LIVE else 0.0,
        )
        if decision.refresh or force:
            self._write_all(view, trigger, force, started)
            self._ledger.forget_repeats()
            return Outcome("wrote", "force_rebuild" if force else decision.reason, mark)
        if decision.reason == "no_new_records" and sidecar is not None:
            advance_sidecar(self.cache, sidecar, mark)
        return self._skipped(trigger, decision.reason, mark)

    def _nothing_committed(self) -> bool:
        """The cheap look, without lock or scan: no commit, no doorbell, no new day."""
        if cache_modified(self.cache) is None:
            return False
        sidecar = read_sidecar(self.cache)
        if sidecar is None:
            return False
        around = self._surroundings(False)
        mark = sidecar.watermark
        try:
            version = self._store.version
        except StoreFault:
            # The probe under the lock meets it again and says so.
            return False
        return (
            mark.table_version == version
            and mark.spool_bytes == around.spool_bytes
            and mark.day == utc_now().date().isoformat()
            and mark.embedder == self._options.embedder
            and mark.beside == _digest(around, None)
        )

    def _view(self, *, force: bool) -> _View:
        around = self._surroundings(force)
        reader = self._store.snapshot()
        now = utc_now()
        return _View(
            self._store.paths.root.name, reader, reader.contents(now), around, now, self._options
        )

    def _write_all(self, view: _View, trigger: Trigger, force: bool, started: float) -> None:
        """The projects that changed, then the global page: its sidecar vouches for all of them."""
        self._ledger.write_changed(
            "session_start_cache_write_started",
            trigger=trigger,
            cache_path=str(self.cache),
            force_rebuild=force,
        )
        if view.around.topics is None:
            self._skipped(trigger, "runtime_graph_cache_cold", None, section="Topics")
        for project in view.projects():
            cache = cache_path(self._store.paths, project_key(project))
            sidecar = read_sidecar(cache)
            known = sidecar is not None and sidecar.watermark.same_content(view.watermark(project))
            if force or not known:
                self._write(cache, view, project, trigger, started)
        self._write(self.cache, view, None, trigger, started)

    def _write(
        self, cache: Path, view: _View, project: str | None, trigger: Trigger, started: float
    ) -> None:
        payload = view.render(project).encode("utf-8")
        mark = view.watermark(project)
        self._on_step("rendered")
        write_pair(cache, payload, mark, trigger=trigger, generated_at=iso(utc_now()))
        self._on_step("written")
        self._ledger.write(
            "session_start_cache_write_success",
            trigger=trigger,
            cache_path=str(cache),
            rendered_chars=len(payload.decode("utf-8")),
            records_count=mark.records_count,
            max_vec_label=mark.max_vec_label,
            max_record_created_at=mark.max_created_at,
            max_updated_at=mark.max_updated_at,
            table_version=mark.table_version,
            duration_ms=_ms_since(started),
        )

    def _skipped(
        self, trigger: Trigger, reason: str, mark: Watermark | None, **fields: str
    ) -> Outcome:
        if reason not in _QUIET:
            self._ledger.write_changed(
                "session_start_cache_write_skipped",
                (reason,),
                trigger=trigger,
                cache_path=str(self.cache),
                reason=reason,
                **fields,
            )
        return Outcome("skipped", reason, mark)

    def _failed(self, trigger: Trigger, error: Exception, started: float) -> Outcome:
        self._ledger.write_changed(
            "session_start_cache_write_failed",
            (type(error).__name__, str(error)),
            trigger=trigger,
            cache_path=str(self.cache),
            reason=type(error).__name__,
            error=str(error)[:200],
            duration_ms=_ms_since(started),
        )
        return Outcome("failed", type(error).__name__, None)


@dataclass(frozen=True, slots=True)
class _View:
    """One version of the table and what stood beside it at that moment."""

    store_name: str
    reader: TableReader
    parts: dict[str | None, Contents]
    around: Surroundings
    now: datetime
    options: RefreshOptions

    def projects(self) -> list[str]:
        """Every project that has a page of its own."""
        waiting = {turn.project for turn in self.around.waiting}
        return sorted(name for name in {*self.parts, *waiting} if name is not None)

    def contents(self, project: str | None) -> Contents:
        """What a page shows: everything, or a project with the records of no project."""
        wanted = self.parts if project is None else (project, None)
        return merge_contents([self.parts[name] for name in wanted if name in self.parts])

    def render(self, project: str | None) -> str:
        topics = self.around.topics
        page = Page(
            store_name=self.store_name,
            project=project,
            contents=self.contents(project),
            budget_tokens=self.options.budget_tokens,
            waiting=self._waiting(project),
            topics=None if topics is None else topics.get(project, ()),
            notice=self.around.notice,
        )
        return render(self.reader, page)

    def watermark(self, project: str | None) -> Watermark:
        around = self.around
        own = sum(len(turn.text.encode("utf-8")) for turn in self._waiting(project))
        return Watermark.of(
            self.contents(project),
            version=self.reader.version,
            spool_bytes=around.spool_bytes if project is None else own,
            now=self.now,
            embedder=self.options.embedder,
            beside=_digest(around, project),
        )

    def _waiting(self, project: str | None) -> list[Waiting]:
        return [w for w in self.around.waiting if project is None or w.project == project]


def _digest(around: Surroundings, project: str | None) -> str:
    topics = None if around.topics is None else list(around.topics.get(project, ()))
    shown = json.dumps([topics, around.notice], ensure_ascii=False)
    return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()[:16]


def _no_step(step: str) -> None:
    """Nobody listens to the steps."""


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)

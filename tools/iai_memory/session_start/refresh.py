"""One refresh: watermark, decision, render, both files, and a trace of what happened."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from ..base.clock import iso, utc_now
from ..base.ledger import Ledger
from ..base.locks import held
from ..capture.queued_turns import Waiting
from ..errors import MemoryFault, StoreBusy, StoreFault
from ..projects.identity import project_key
from ..store.reader import TableReader
from ..store.statistics import TableStatistics, merged
from ..store.table import Store
from .cache import (
    advance_sidecar,
    cache_modified,
    cache_path,
    clear_leftovers,
    project_caches,
    read_sidecar,
    remove_pair,
    write_pair,
)
from .decision import decide
from .page import Page, render
from .watermark import Watermark

Trigger = Literal["wake_sequence", "periodic_wake", "sleep_pipeline", "manual", "shutdown"]
SLEEP_WAIT_SEC = 300.0
_log = logging.getLogger(__name__)
_TOPICS = "Topics"
_QUIET = ("no_new_records", "min_interval_not_elapsed")
_LIVE = ("wake_sequence", "periodic_wake")


@dataclass(frozen=True, slots=True)
class Topics:
    """The topic map as it was left.

    Attributes:
        lines: Lines of each project's page, of the page of all under None.
        removal_version: `TableStatistics.removal_version` of the table that it was made from.
        records_total: `TableStatistics.total` of that table.
    """

    lines: Mapping[str | None, Sequence[str]]
    removal_version: int
    records_total: int

    def is_cold(self, contents: TableStatistics) -> bool:
        """Whether something was removed since: the lines could show words of what is gone."""
        fewer = contents.total < self.records_total
        return fewer or contents.removal_version != self.removal_version


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a payload shows beside the table.

    Attributes:
        waiting: Captured turns that were not drained yet, newest first.
        spool_bytes: Their size in the spool.
        topics: The topic map; None where there is none.
        notice: A failure of the last capture that the next session must know of.
    """

    waiting: Sequence[Waiting] = ()
    spool_bytes: int = 0
    topics: Topics | None = None
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
        topics_within_a_tick: Rows up to which a live tick may build a topic map that is missing.
    """

    min_interval_sec: float
    budget_tokens: int
    embedder: str
    topics_within_a_tick: int


class SessionStart:
    """Renders the payloads of one store and keeps their cache."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        options: RefreshOptions,
        surroundings: Callable[[], Surroundings],
        build_topics: Callable[[], object],
        on_step: Callable[[str], None] | None = None,
    ) -> None:
        """Binds a store.

        Args:
            store: Whose payload.
            ledger: Where each attempt leaves its trace.
            options: Interval and budget.
            surroundings: Read once per refresh, before the watermark.
            build_topics: Makes the topic map that `surroundings` then reads.
            on_step: Called with "watermark", "rendered" and "written" as a refresh passes them.
        """
        self._store = store
        self._ledger = ledger
        self._options = options
        self._surroundings = surroundings
        self._build_topics = build_topics
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
        view = self._with_topics(self._view(), force=False)
        return view.render(project if project in view.projects() else None)

    def probe(self) -> Watermark:
        """The watermark of the whole store now.

        Raises:
            StoreFault: The store could not be read.
        """
        return self._view().watermark(None)

    def refresh(self, trigger: Trigger, *, force_rebuild: bool = False) -> Outcome:
        """Brings the cache up to date if the decision table says so; a failure is an outcome.

        One refresh at a time runs per store, over all threads and processes. Who does not get its
        turn skips; only the sleep pipeline waits, up to 300 s. The minimum interval delays live
        ticks; a user who asks and a server that ends cannot come back later, so they do not wait.
        """
        started = time.perf_counter()
        try:
            if not force_rebuild and self._nothing_committed():
                return self._skipped(trigger, "no_new_records", None)
            timeout = SLEEP_WAIT_SEC if trigger == "sleep_pipeline" else 0.0
            with ExitStack() as stack:
                try:
                    stack.enter_context(held(self._store.paths.lock("refresh"), timeout=timeout))
                except StoreBusy:
                    return self._skipped(trigger, "refresh_in_progress", None)
                return self._refresh_alone(trigger, force_rebuild, started)
        except Exception as exc:  # noqa: BLE001 - an outcome: whoever refreshes has other work to do
            if not isinstance(exc, MemoryFault | OSError):
                _log.exception("a refresh failed where it should not")
            return self._failed(trigger, exc, started)

    def _refresh_alone(self, trigger: Trigger, force: bool, started: float) -> Outcome:
        try:
            view = self._view()
        except StoreFault as exc:
            return self._skipped(
                trigger,
                "probe_failed",
                None,
                error=str(exc)[:200],
                duration_ms=_ms_since(started),
            )
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
            view = self._with_topics(view, force=force)
            self._write_all(view, trigger, force, started)
            self._ledger.forget_repeats()
            reason = "force_rebuild" if force else decision.reason
            return Outcome("wrote", reason, view.watermark(None))
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
        mark = sidecar.watermark
        shown = TableStatistics(removal_version=mark.removal_version, total=mark.records_total)
        try:
            if mark.table_stamp != self._store.stamp or mark.table_version != self._store.version:
                return False
            around = self._surroundings()
        except StoreFault:
            # The probe under the lock meets it again and says so.
            return False
        return (
            mark.spool_bytes == around.spool_bytes
            and mark.day == utc_now().date().isoformat()
            and mark.embedder == self._options.embedder
            and mark.beside == _digest(around, shown, None)
        )

    def _with_topics(self, view: _View, *, force: bool) -> _View:
        """The same version of the table beside a topic map, if one can be had within a tick."""
        contents = view.contents(None)
        cold = view.around.topics is None or view.around.topics.is_cold(contents)
        if not force and not (cold and contents.total <= self._options.topics_within_a_tick):
            return view
        try:
            self._build_topics()
        except Exception:
            if force:
                raise
            # A page without topics, which says so, is worth more than none.
            _log.exception("the topic map could not be built")
        return replace(view, around=replace(view.around, topics=self._surroundings().topics))

    def _view(self) -> _View:
        # Doorbells first: a turn that is drained meanwhile shows twice for a tick instead of never.
        around = self._surroundings()
        stamp = self._store.stamp
        reader = self._store.pinned_reader()
        now = utc_now()
        return _View(
            store_name=self._store.paths.root.name,
            reader=reader,
            stamp=stamp,
            parts=self._store.statistics_by_project(reader, stamp, now),
            around=around,
            now=now,
            options=self._options,
        )

    def _write_all(self, view: _View, trigger: Trigger, force: bool, started: float) -> None:
        """The projects that changed, then the global page: its sidecar vouches for all of them."""
        clear_leftovers(self._store.paths)
        self._ledger.write_changed(
            "session_start_cache_write_started",
            trigger=trigger,
            cache_path=str(self.cache),
            force_rebuild=force,
        )
        if view.topics(None) is None:
            self._skipped(
                trigger,
                "runtime_graph_cache_cold",
                None,
                section=_TOPICS,
                duration_ms=_ms_since(started),
            )
        else:
            self._ledger.forget_repeats(_TOPICS)
        pages = {cache_path(self._store.paths, project_key(p)): p for p in view.projects()}
        for cache in project_caches(self._store.paths):
            # Of a project that has nothing any more: purged, or its last turn was not kept.
            if cache not in pages:
                remove_pair(cache)
        for cache, project in pages.items():
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
        self, trigger: Trigger, reason: str, mark: Watermark | None, **fields: Any
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
            # Not the text: that of a full disk names another temporary file each time.
            (type(error).__name__,),
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
    stamp: str
    parts: dict[str | None, TableStatistics]
    around: Surroundings
    now: datetime
    options: RefreshOptions

    def projects(self) -> list[str]:
        """Every project that has a page of its own."""
        waiting = {turn.project for turn in self.around.waiting}
        return sorted(name for name in {*self.parts, *waiting} if name is not None)

    def contents(self, project: str | None) -> TableStatistics:
        """What a page shows: everything, or a project with the records of no project."""
        wanted = self.parts if project is None else (project, None)
        return merged([self.parts[name] for name in wanted if name in self.parts])

    def topics(self, project: str | None) -> Sequence[str] | None:
        """Lines of the topic map; None where it is cold."""
        return _topics(self.around, self.contents(None), project)

    def render(self, project: str | None) -> str:
        page = Page(
            store_name=self.store_name,
            project=project,
            contents=self.contents(project),
            budget_tokens=self.options.budget_tokens,
            waiting=self._waiting(project),
            topics=self.topics(project),
            notice=self.around.notice,
        )
        return render(self.reader, page)

    def watermark(self, project: str | None) -> Watermark:
        around = self.around
        own = sum(len(turn.text.encode("utf-8")) for turn in self._waiting(project))
        return Watermark.of(
            self.contents(project),
            version=self.reader.version,
            stamp=self.stamp,
            spool_bytes=around.spool_bytes if project is None else own,
            now=self.now,
            embedder=self.options.embedder,
            beside=_digest(around, self.contents(None), project),
        )

    def _waiting(self, project: str | None) -> list[Waiting]:
        return _waiting_of(self.around, project)


def _waiting_of(around: Surroundings, project: str | None) -> list[Waiting]:
    return [turn for turn in around.waiting if project is None or turn.project == project]


def _topics(
    around: Surroundings, contents: TableStatistics, project: str | None
) -> Sequence[str] | None:
    if around.topics is None or around.topics.is_cold(contents):
        return None
    return list(around.topics.lines.get(project, ()))


def _digest(around: Surroundings, contents: TableStatistics, project: str | None) -> str:
    # Their size alone would not do: one doorbell answered and another of its length is a change.
    waiting = [
        (turn.created_at.date().isoformat(), turn.role, turn.project, turn.text)
        for turn in _waiting_of(around, project)
    ]
    topics = _topics(around, contents, project)
    shown = json.dumps([topics, around.notice, waiting], ensure_ascii=False)
    return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()[:16]


def _no_step(step: str) -> None:
    """Nobody listens to the steps."""


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)

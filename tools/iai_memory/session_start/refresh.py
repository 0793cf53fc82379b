"""The cached pages of a store, refreshed one at a time: watermark, decision, render, files, ledger.

The watermark is taken before the render starts. A record that is committed during a render belongs
to the next refresh; no watermark claims it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..analysis.topic_file import save_topics
from ..analysis.topics import build_topics
from ..base.clock import iso, utc_now
from ..base.ledger import Ledger
from ..base.locks import held
from ..base.page_mark import clear_page_mark, is_urgent, page_mark, settled_page_mark
from ..errors import MemoryFault, StoreBusy, StoreFault
from ..projects.key import project_key
from ..store.filter import Filter
from ..store.plausible_times import MAX_AHEAD
from ..store.table import Store
from .cache import (
    NEW_PROJECT_KEY,
    advance_sidecar,
    cache_modified,
    cache_path,
    clear_leftovers,
    project_caches,
    read_sidecar,
    remove_pair,
    sync_pages,
    touch_pages,
    write_pair,
)
from .decision import decide
from .page import NEW_PROJECT, RenderedPage
from .sections import TOPICS
from .view import PageOptions, StoreView, is_unchanged, take_view
from .watermark import Watermark

if TYPE_CHECKING:
    from .last_session import LeftOff

Trigger = Literal["wake_sequence", "periodic_wake", "sleep_pipeline", "manual", "shutdown"]
SLEEP_WAIT_SEC = 300.0
_log = logging.getLogger(__name__)
_UNLOGGED_REASONS = ("no_new_records", "min_interval_not_elapsed", "out_of_time")
_LIVE_TRIGGERS = ("wake_sequence", "periodic_wake")


@dataclass(frozen=True, slots=True)
class RefreshOutcome:
    """The outcome of a refresh."""

    action: Literal["wrote", "skipped", "failed"]
    reason: str
    watermark: Watermark | None


class PageManager:
    """The manager of one store's session-start pages: renders them and keeps their cache fresh."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        options: PageOptions,
        on_step: Callable[[str], None] | None = None,
        before_writing: Callable[[], None] | None = None,
    ) -> None:
        """Bind a store.

        Args:
            store: Its pages.
            ledger: Each attempt leaves a trace there.
            options: Interval and budget.
            on_step: Called with "watermark", "rendered" and "written" as a refresh passes them.
            before_writing: Called while the pages that a refresh replaces are still there.
        """
        self._store = store
        self._ledger = ledger
        self._options = options
        self._on_step = on_step or _no_step
        self._before_writing = before_writing or _nothing

    @property
    def cache(self) -> Path:
        """The cached page of all projects."""
        return cache_path(self._store.paths, None)

    def is_urgent(self) -> bool:
        """Return whether a change waits that a refresh should not put off; one `open`."""
        return is_urgent(page_mark(self._store.paths))

    def render_now(self, project: str | None, *, rings: int = 0) -> RenderedPage:
        """Return the page as a refresh would render it at this moment.

        A project without memories gets what belongs to no project, as it does in the hook.

        Args:
            project: Whose; None is every project.
            rings: How many rings wait, which the page then says.

        Raises:
            StoreFault: The store could not be read.
        """
        view = self._view()
        if self._build_topics(view, force=False):
            view = self._view()
        return view.render(view.scope(project), rings=rings)

    def shows_files_as_they_are(self, project: str, payload: str) -> bool:
        """Return whether a page says of the last session's files what is so on the disk now.

        What a cached page says of them is of the time when it was made; the hook is to see that,
        too.

        Raises:
            StoreFault: The store could not be read.
        """
        from .left_off_lines import files_line_of
        from .watched_files import are_as_watched

        found = self._left_off(self._view(), project)
        line = None if found is None else files_line_of(found)
        if found is None or line is None:
            return True
        cache = cache_path(self._store.paths, project_key(project))
        is_said = line.lead + line.text in payload or line.lead not in payload  # no room for it
        return is_said and are_as_watched(cache, found.files)

    def _left_off(self, view: StoreView, project: str) -> LeftOff | None:
        from .last_session import last_session

        where = Filter(project=project, same_project=view.names_of(project))
        return last_session(view.reader, where, view.inputs.places_in(project))

    def rewrite(self, project: str) -> RefreshOutcome:
        """Render and cache the page of one project, whatever its watermark says.

        What became of files on the disk is in no watermark. Skipped while another refresh runs.
        """
        started = time.perf_counter()
        try:
            with held(self._store.paths.lock("refresh"), timeout=0.0):
                view = self._view()
                mark = view.watermark(project)
                cache = cache_path(self._store.paths, project_key(project))
                self._before_writing()
                self._write(cache, view, project, "manual", started)
        except StoreBusy:
            return self._skipped("manual", "refresh_in_progress", None)
        except (MemoryFault, OSError) as exc:
            return self._failed("manual", exc, started)
        return RefreshOutcome("wrote", "files_changed", mark)

    def probe(self) -> Watermark:
        """Return the watermark of the page of all projects now.

        Raises:
            StoreFault: The store could not be read.
        """
        return self._view().watermark(None)

    def refresh(
        self,
        trigger: Trigger,
        *,
        force_rebuild: bool = False,
        max_seconds: float = float("inf"),
    ) -> RefreshOutcome:
        """Bring the cache up to date if the decision table says so; a failure is an outcome.

        One refresh runs at a time per store, over all threads and processes. Others are skipped;
        only that of a sleep waits, up to 300 s. The minimum interval delays live triggers only: a
        user who asks and a server that ends cannot come back later.

        Args:
            trigger: The reason for it.
            force_rebuild: Build the topic map and render every page, whatever changed.
            max_seconds: Time after which no other page is begun. Those that are written stay, and
                the next refresh goes on.
        """
        started = time.perf_counter()
        try:
            # Who asks by hand wants it looked at: then the hook goes on serving it.
            if not force_rebuild and trigger != "manual" and self._is_unchanged():
                return self._skipped(trigger, "no_new_records", None)
            timeout = SLEEP_WAIT_SEC if trigger == "sleep_pipeline" else 0.0
            with ExitStack() as stack:
                try:
                    stack.enter_context(held(self._store.paths.lock("refresh"), timeout=timeout))
                except StoreBusy:
                    return self._skipped(trigger, "refresh_in_progress", None)
                return self._refresh_alone(trigger, force_rebuild, started, max_seconds)
        except Exception as exc:  # noqa: BLE001 - an outcome: whoever refreshes has other work to do
            if not isinstance(exc, MemoryFault | OSError):
                _log.exception("a refresh failed where it should not")
            return self._failed(trigger, exc, started)

    def _is_unchanged(self) -> bool:
        """Return whether no commit, no ring and no new day came; no lock, no scan."""
        if cache_modified(self.cache) is None or page_mark(self._store.paths) is not None:
            return False
        sidecar = read_sidecar(self.cache)
        if sidecar is None:
            return False
        try:
            return is_unchanged(self._store, self._options, sidecar.watermark)
        except StoreFault:
            # The probe under the lock meets it again and reports it.
            return False

    def _refresh_alone(
        self, trigger: Trigger, force: bool, started: float, max_seconds: float
    ) -> RefreshOutcome:
        """Refresh, under the lock.

        An urgent change does not wait for the interval: until it is on the page, every session
        start runs the live command.
        """
        waits = trigger in _LIVE_TRIGGERS and not self.is_urgent()
        try:
            behind, view = self._look()
        except StoreFault as exc:
            return self._skipped(
                trigger,
                "probe_failed",
                None,
                error=str(exc)[:200],
                duration_ms=_ms_since(started),
            )
        mark = view.watermark(None)
        modified = cache_modified(self.cache)
        sidecar = read_sidecar(self.cache) if modified is not None else None
        decision = decide(
            mark,
            sidecar.watermark if sidecar else None,
            cache_age_sec=None if modified is None else view.now.timestamp() - modified,
            min_interval_sec=self._options.min_interval_sec if waits else 0.0,
        )
        if decision.refresh or force:
            if self._build_topics(view, force=force):
                behind, view = self._look()
            self._on_step("watermark")
            if not self._write_all(view, trigger, force, started, max_seconds):
                return self._skipped(trigger, "out_of_time", mark)
            sync_pages(self._store.paths)
            clear_page_mark(self._store.paths, behind)
            self._ledger.forget_repeats()
            reason = "force_rebuild" if force else decision.reason
            return RefreshOutcome("wrote", reason, view.watermark(None))
        if decision.reason == "no_new_records" and sidecar is not None:
            advance_sidecar(self.cache, sidecar, mark)
            if trigger == "manual":
                touch_pages(self._store.paths)
            clear_page_mark(self._store.paths, behind)
        return self._skipped(trigger, decision.reason, mark)

    def _view(self) -> StoreView:
        view = take_view(self._store, self._options)
        newest = view.statistics(None).max_created_at
        if newest and newest > view.now + MAX_AHEAD and self._store.mend_times():
            view = take_view(self._store, self._options)
        return view

    def _look(self) -> tuple[bytes | None, StoreView]:
        """Return the mark that a page of this view takes away, and the view, which is younger."""
        behind = settled_page_mark(self._store.paths)
        return behind, self._view()

    def _build_topics(self, view: StoreView, *, force: bool) -> bool:
        """Build a missing topic map, if that takes no longer than a tick; return whether it did.

        `force` builds it anew in any case, and raises where it cannot be built.
        """
        rows = view.statistics(None).total
        affordable = rows <= self._options.max_rows_for_topics
        if not force and not (view.inputs.topics is None and affordable):
            return False
        store = self._store
        try:
            save_topics(store.paths, build_topics(store, embedder=self._options.embedder))
        except Exception as exc:
            if force:
                raise
            # A page without topics, which says so, is worth more than none.
            expected = isinstance(exc, MemoryFault | OSError)
            _log.warning("the topic map could not be built: %s", exc, exc_info=not expected)
            return False
        else:
            return True

    def _write_all(
        self, view: StoreView, trigger: Trigger, force: bool, started: float, max_seconds: float
    ) -> bool:
        """Write the projects that changed, then the page of all: its sidecar covers them.

        Returns whether every page is written; False where time ran out.
        """
        clear_leftovers(self._store.paths)
        self._before_writing()
        self._ledger.write_changed(
            "session_start_cache_write_started",
            trigger=trigger,
            cache_path=str(self.cache),
            force_rebuild=force,
        )
        if view.inputs.topics is None:
            self._skipped(
                trigger,
                "runtime_graph_cache_cold",
                None,
                section=TOPICS.title,
                duration_ms=_ms_since(started),
            )
        else:
            self._ledger.forget_repeats(TOPICS.title)
        pages = {cache_path(self._store.paths, project_key(name)): name for name in view.projects()}
        pages[cache_path(self._store.paths, NEW_PROJECT_KEY)] = NEW_PROJECT
        for cache in project_caches(self._store.paths):
            # Of a project without memories: they were purged, or its last turn was not kept.
            if cache not in pages:
                remove_pair(cache)
        for cache, project in pages.items():
            if time.perf_counter() - started > max_seconds:
                return False
            sidecar = read_sidecar(cache)
            known = sidecar is not None and sidecar.watermark.same_content(view.watermark(project))
            if force or not known:
                self._write(cache, view, project, trigger, started)
        self._write(self.cache, view, None, trigger, started)
        return True

    def _write(
        self, cache: Path, view: StoreView, project: str | None, trigger: Trigger, started: float
    ) -> None:
        page = view.render(project)
        payload = page.payload.encode("utf-8")
        mark = view.watermark(project)
        self._on_step("rendered")
        now = iso(utc_now())
        write_pair(cache, payload, mark, ids=page.ids, trigger=trigger, generated_at=now)
        if project:
            self._watch_files(cache, view, project)
        self._on_step("written")
        self._ledger.write(
            "session_start_cache_write_success",
            trigger=trigger,
            cache_path=str(cache),
            rendered_chars=len(page.payload),
            records_count=mark.records_count,
            max_vec_label=mark.max_vec_label,
            max_record_created_at=mark.max_created_at,
            max_updated_at=mark.max_updated_at,
            table_version=mark.table_version,
            duration_ms=_ms_since(started),
        )

    def _watch_files(self, cache: Path, view: StoreView, project: str) -> None:
        from .watched_files import watch_files

        found = self._left_off(view, project)
        watch_files(cache, () if found is None else found.files)

    def _skipped(
        self, trigger: Trigger, reason: str, mark: Watermark | None, **fields: Any
    ) -> RefreshOutcome:
        if reason not in _UNLOGGED_REASONS:
            self._ledger.write_changed(
                "session_start_cache_write_skipped",
                (reason,),
                trigger=trigger,
                cache_path=str(self.cache),
                reason=reason,
                **fields,
            )
        return RefreshOutcome("skipped", reason, mark)

    def _failed(self, trigger: Trigger, error: Exception, started: float) -> RefreshOutcome:
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
        return RefreshOutcome("failed", type(error).__name__, None)


def _no_step(step: str) -> None:
    """Ignore the steps of a refresh."""


def _nothing() -> None:
    """Do nothing before pages are replaced."""


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)

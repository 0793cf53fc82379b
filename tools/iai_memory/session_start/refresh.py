"""One refresh: watermark, decision, render, both files, and a trace of what happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ..clock import iso, utc_now
from ..errors import MemoryFault, StoreBusy, StoreFault
from ..ledger import Ledger
from ..locks import held
from ..projects import project_key
from ..store import Contents, Store, TableReader, merge_contents
from .cache import (
    Sidecar,
    advance_sidecar,
    cache_modified,
    cache_path,
    read_sidecar,
    write_pair,
)
from .decision import Decision, decide
from .payload import Page, Waiting, render
from .watermark import Watermark

Trigger = Literal["wake_sequence", "periodic_wake", "sleep_pipeline", "manual", "shutdown"]
SLEEP_WAIT_SEC = 300.0
_QUIET = ("no_new_records", "min_interval_not_elapsed")


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
        min_interval_sec: Least age of the cache before it is rendered again.
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
        surroundings: Callable[[], Surroundings],
        on_step: Callable[[str], None] | None = None,
    ) -> None:
        """Binds a store.

        Args:
            store: Whose payload.
            ledger: Where each attempt leaves its trace.
            options: Interval and budget.
            surroundings: Read once per refresh, before the watermark.
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

    def live(self, project: str | None, now: datetime | None = None) -> str:
        """The payload as the refresher would render it at this moment, from the store.

        A project of which nothing is known gets the page of every project, as it does in the hook.

        Raises:
            StoreFault: The store could not be read.
        """
        around = self._surroundings()
        reader = self._store.snapshot()
        parts = reader.contents(now or utc_now())
        known = project in parts or any(w.project == project for w in around.waiting)
        return render(reader, self._page(project if known else None, parts, around))

    def probe(self, now: datetime | None = None) -> Watermark:
        """The watermark of the whole store now.

        Raises:
            StoreFault: The store could not be read.
        """
        moment = now or utc_now()
        spool_bytes = self._surroundings().spool_bytes
        reader = self._store.snapshot()
        contents = _part(reader.contents(moment), None)
        return self._watermark(contents, reader.version, spool_bytes, moment)

    def refresh(self, trigger: Trigger, *, force_rebuild: bool = False) -> Outcome:
        """Brings the cache up to date if the decision table says so; never raises a MemoryFault.

        One refresh at a time runs per store, over all threads and processes. Who does not get its
        turn skips; only the sleep pipeline waits, up to 300 s.
        """
        started = time.perf_counter()
        try:
            if not force_rebuild and self._version_gate(utc_now()):
                return self._skipped(trigger, "no_new_records", None)
            timeout = SLEEP_WAIT_SEC if trigger == "sleep_pipeline" else 0.0
            with held(self._store.paths.lock("refresh"), timeout=timeout):
                return self._refresh_alone(trigger, force_rebuild, started)
        except StoreBusy:
            return self._skipped(trigger, "refresh_in_progress", None)
        except (MemoryFault, OSError) as exc:
            return self._failed(trigger, exc, started)

    def _refresh_alone(self, trigger: Trigger, force: bool, started: float) -> Outcome:
        now = utc_now()
        around = self._surroundings()
        try:
            reader = self._store.snapshot()
            parts = reader.contents(now)
        except StoreFault as exc:
            return self._skipped(trigger, "probe_failed", None, error=str(exc))
        mark = self._watermark(_part(parts, None), reader.version, around.spool_bytes, now)
        self._on_step("watermark")
        decision, sidecar = self._decide(mark, now, force)
        if decision.refresh:
            self._started(trigger, self.cache, force)
            self._write_all(reader, parts, around, mark, trigger, now, force, started)
            self._ledger.forget_repeats()
            return Outcome("wrote", decision.reason, mark)
        if decision.reason == "no_new_records" and sidecar is not None:
            advance_sidecar(self.cache, sidecar, mark)
        return self._skipped(trigger, decision.reason, mark)

    def _version_gate(self, now: datetime) -> bool:
        """The cheap look, without the lock: nothing was committed or captured since the sidecar."""
        if cache_modified(self.cache) is None:
            return False
        sidecar = read_sidecar(self.cache)
        if sidecar is None:
            return False
        mark = sidecar.watermark
        return (
            mark.table_version == self._store.version
            and mark.spool_bytes == self._surroundings().spool_bytes
            and mark.day == now.date().isoformat()
            and mark.embedder == self._options.embedder
        )

    def _decide(
        self, mark: Watermark, now: datetime, force: bool
    ) -> tuple[Decision, Sidecar | None]:
        modified = cache_modified(self.cache)
        sidecar = read_sidecar(self.cache) if modified is not None else None
        if force:
            return Decision(True, "watermark_changed"), sidecar
        decision = decide(
            mark,
            sidecar.watermark if sidecar else None,
            cache_age_sec=None if modified is None else now.timestamp() - modified,
            min_interval_sec=self._options.min_interval_sec,
        )
        return decision, sidecar

    def _write_all(
        self,
        reader: TableReader,
        parts: dict[str | None, Contents],
        around: Surroundings,
        mark: Watermark,
        trigger: Trigger,
        now: datetime,
        force: bool,
        started: float,
    ) -> None:
        """The projects that changed, then the global page: its sidecar vouches for all of them."""
        for project in sorted(name for name in parts if name is not None):
            cache = cache_path(self._store.paths, project_key(project))
            own = self._watermark(
                _part(parts, project), reader.version, _spool_of(around, project), now
            )
            sidecar = read_sidecar(cache)
            if not force and sidecar is not None and sidecar.watermark.same_content(own):
                continue
            self._write(cache, reader, self._page(project, parts, around), own, trigger, started)
        page = self._page(None, parts, around)
        self._write(self.cache, reader, page, mark, trigger, started)

    def _write(
        self,
        cache: Path,
        reader: TableReader,
        page: Page,
        mark: Watermark,
        trigger: Trigger,
        started: float,
    ) -> None:
        payload = render(reader, page).encode("utf-8")
        self._on_step("rendered")
        write_pair(cache, payload, mark, trigger=trigger, generated_at=iso(datetime.now(UTC)))
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

    def _page(
        self, project: str | None, parts: dict[str | None, Contents], around: Surroundings
    ) -> Page:
        waiting = [w for w in around.waiting if project is None or w.project == project]
        topics = None if around.topics is None else around.topics.get(project, ())
        return Page(
            store_name=self._store.paths.root.name,
            project=project,
            contents=_part(parts, project),
            budget_tokens=self._options.budget_tokens,
            waiting=waiting,
            topics=topics,
            notice=around.notice,
        )

    def _watermark(
        self, contents: Contents, version: int, spool_bytes: int, now: datetime
    ) -> Watermark:
        return Watermark.of(
            contents,
            version=version,
            spool_bytes=spool_bytes,
            now=now,
            embedder=self._options.embedder,
        )

    def _started(self, trigger: Trigger, cache: Path, force: bool) -> None:
        self._ledger.write_changed(
            "session_start_cache_write_started",
            trigger=trigger,
            cache_path=str(cache),
            force_rebuild=force,
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


def _no_step(step: str) -> None:
    """Nobody listens to the steps."""


def _part(parts: dict[str | None, Contents], project: str | None) -> Contents:
    """What one page shows: everything, or a project with the records of no project."""
    wanted = parts if project is None else (project, None)
    return merge_contents([parts[name] for name in wanted if name in parts])


def _spool_of(around: Surroundings, project: str) -> int:
    return sum(len(w.text.encode("utf-8")) for w in around.waiting if w.project == project)


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)

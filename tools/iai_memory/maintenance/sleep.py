"""The sleep of a store: the work that is worth doing only while nobody waits for an answer.

Four steps, each resumable: compact the table, embed what is pending, build the topic map, refresh
the session-start pages.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..analysis.recent_vectors import ContentMark
from ..analysis.topic_file import load_topics, save_topics
from ..analysis.topics import build_topics
from ..base.ledger import Ledger
from ..base.locks import held
from ..base.paths import StorePaths
from ..base.progress import (
    Interrupted,
    Progress,
    ProgressCallback,
    ignore_progress,
    never_interrupted,
)
from ..base.state_file import read_state, write_state
from ..embedding.encoder import Encoder
from ..embedding.model import EmbeddingModel
from ..embedding.model_files import ModelFiles
from ..errors import ModelFault, StoreBusy, StoreUnavailable
from ..session_start.refresh import PageManager
from ..store.table import Store
from ..store.table_upkeep import KEEP_VERSIONS
from ..writing.embed_pending import embed_step
from ..writing.fill_tokens import token_step

STEPS: Final = ("compact", "embed", "topics", "refresh")
_FORMAT: Final = 1
_NO_VERSION: Final = -1
# Half a day of work adds as many to an index.
_MAX_INDEX_PARTS: Final = 16
# Who wants to write waits for a tenth of a second.
_ROWS_PER_COMMIT: Final = 1_000
# Another process of the store embeds in steps of a second, and lets others in between.
_WAIT_SEC: Final = 60.0


@dataclass(frozen=True, slots=True)
class SleepReport:
    """The result of one call.

    Attributes:
        done: The steps that this call finished, in order; empty where there was nothing to do.
        interrupted: Whether it stopped on request before the last step.
        busy: Whether another process of the store was sleeping; then nothing was done.
        seconds: How long each step in `done` took.
        fault: Why the model that is there made no vectors; empty where it did, or without one.
    """

    done: tuple[str, ...] = ()
    interrupted: bool = False
    busy: bool = False
    seconds: dict[str, float] = field(default_factory=dict)
    fault: str = ""


def sleep(
    store: Store,
    model: EmbeddingModel,
    pages: PageManager,
    ledger: Ledger,
    *,
    committed: Callable[[], None],
    force: bool = False,
    interrupted: Callable[[], bool] = never_interrupted,
    progress: ProgressCallback = ignore_progress,
) -> SleepReport:
    """Do every step, or those that an earlier sleep over the same content left.

    One process of a store sleeps at a time. A sleep that was interrupted or killed is continued by
    the next call, in whichever process, unless a memory was stored or changed between them; then
    it starts anew.

    Args:
        store: The table.
        model: Embeds what is pending; loaded only if something is.
        pages: The session-start pages.
        ledger: Where the sleep leaves its events.
        committed: Called after each commit of vectors.
        force: Sleep even if nothing changed since the last sleep.
        interrupted: Called between steps and in each round of the long ones; True stops the sleep.
        progress: Called with a step's name, the amount done and the total.

    A model that cannot be used ends no sleep: the steps that need none are done.

    Raises:
        StoreFault: A step failed; what was finished before it is kept.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(held(store.paths.lock("sleep"), timeout=0))
        except StoreBusy:
            return SleepReport(busy=True)
        # Under the lock: another process may have slept since the caller checked.
        if not force and not needs_sleep(store):
            return SleepReport()
        run = _Sleep(store, model, pages, ledger, committed)
        return run.run(interrupted, progress)


def needs_sleep(store: Store) -> bool:
    """Return whether memories were stored or changed since the last sleep that finished.

    Compares the table's version; scans a few columns only if something was committed.

    Raises:
        StoreFault: The store could not be read.
    """
    state = _load_state(store.paths)
    if state is not None and state.finished and load_topics(store.paths) is not None:
        if state.table_version == store.version:
            return False
        return state.content != _content_of(store)
    return store.statistics().total > 0


@dataclass(frozen=True, slots=True)
class _State:
    """The progress of a sleep, as `sleep.json` keeps it.

    Attributes:
        content: The content that it worked on.
        table_version: The version that is known to have this content.
        done: The steps that are finished.
    """

    content: ContentMark
    table_version: int
    done: tuple[str, ...]

    @property
    def finished(self) -> bool:
        # A superset: earlier versions had a step more.
        return set(STEPS) <= set(self.done)


class _Sleep:
    """One sleep, under the lock."""

    def __init__(
        self,
        store: Store,
        model: EmbeddingModel,
        pages: PageManager,
        ledger: Ledger,
        committed: Callable[[], None],
    ) -> None:
        self._store = store
        self._model = model
        self._pages = pages
        self._ledger = ledger
        self._committed = committed
        self._content = _content_of(store)
        self._done: list[str] = []
        self._seconds: dict[str, float] = {}
        self._fault = ""
        self._work: dict[str, Callable[[Progress], None]] = {
            "compact": self._compact,
            "embed": self._embed,
            "topics": self._topics,
            "refresh": self._refresh,
        }

    def run(self, interrupted: Callable[[], bool], progress: ProgressCallback) -> SleepReport:
        ledger, state = self._ledger, _load_state(self._store.paths)
        if state is not None and not state.finished and state.content == self._content:
            self._done = [step for step in STEPS if step in state.done]
        resumed = tuple(self._done)
        ledger.write(
            "sleep_started", resumed=resumed, content_version=self._content.content_version
        )
        step = ""
        try:
            for step in [step for step in STEPS if step not in resumed]:
                self._step(Progress(step, interrupted, progress))
        except Interrupted:
            report = SleepReport(tuple(self._seconds), interrupted=True, seconds=self._seconds)
            ledger.write("sleep_interrupted", step=step, done=report.done, seconds=self._seconds)
            return report
        except Exception as exc:
            ledger.write("sleep_failed", step=step, reason=type(exc).__name__, error=str(exc)[:200])
            raise
        ledger.write(
            "sleep_finished", content_version=self._content.content_version, seconds=self._seconds
        )
        return SleepReport(tuple(self._seconds), seconds=self._seconds, fault=self._fault)

    def _step(self, progress: Progress) -> None:
        progress.check()
        started = time.perf_counter()
        self._work[progress.step](progress)
        self._done.append(progress.step)
        self._seconds[progress.step] = round(time.perf_counter() - started, 3)
        self._save_state()

    def _save_state(self) -> None:
        # Version before content: a commit between the two reads makes the version an old one. And
        # where another process changed the content, no version is known to have this one.
        version = self._store.version
        fields = {
            "content": self._content.to_fields(),
            "table_version": version if _content_of(self._store) == self._content else _NO_VERSION,
            "done": self._done,
        }
        write_state(_state_path(self._store.paths), _FORMAT, fields)

    def _compact(self, progress: Progress) -> None:
        progress.callback(progress.step, 0, 1)
        self._store.mend_indexes()
        self._give_digests(progress)
        self._store.merge_index_parts(_MAX_INDEX_PARTS)
        self._store.compact(keep=KEEP_VERSIONS)
        progress.callback(progress.step, 1, 1)

    def _give_digests(self, progress: Progress) -> None:
        """Give the rows of earlier versions their digests; what this rewrites is compacted next."""
        done, total = 0, self._store.count_missing_digests()
        while done < total and (given := self._store.give_digests(_ROWS_PER_COMMIT)):
            done += given
            progress.report(done, max(done, total))

    def _embed(self, progress: Progress) -> None:
        done, total, stepped = 0, self._store.statistics().pending, False
        if not total and not self._count_lacking_tokens():
            return  # the model need not be loaded
        encoder, fault = self._model.usable()
        if encoder is None:
            self._fault = str(fault or "")
            return
        try:
            while step := embed_step(self._store, encoder, wait_sec=_WAIT_SEC):
                stepped = True
                done += step.finished
                self._committed()
                progress.report(done, max(done, total))
            self._fill_tokens(encoder, progress)
        except ModelFault as exc:
            self._fault = str(exc)
        finally:
            if stepped:
                # Our own change of the content: the steps that follow work on the new one.
                self._content = _content_of(self._store)
                self._save_state()

    def _count_lacking_tokens(self) -> int:
        files = self._model.files_or_fault()
        key = files.identity.token_key if isinstance(files, ModelFiles) else None
        return 0 if key is None else self._store.latest.count_lacking_tokens(key)

    def _fill_tokens(self, encoder: Encoder, progress: Progress) -> None:
        """Give the memories of earlier versions their token vectors; no content changes by it."""
        done, total = 0, self._count_lacking_tokens()
        while done < total and (given := token_step(self._store, encoder, wait_sec=_WAIT_SEC)):
            done += given
            progress.report(done, max(done, total))

    def _topics(self, progress: Progress) -> None:
        topics = build_topics(self._store, embedder=self._model.key, progress=progress)
        save_topics(self._store.paths, topics)

    def _refresh(self, progress: Progress) -> None:
        progress.callback(progress.step, 0, 1)
        outcome = self._pages.refresh("sleep_pipeline", force_rebuild=True)
        if outcome.action != "wrote":
            raise StoreUnavailable(
                f"the session-start payload could not be refreshed ({outcome.reason}): see "
                f"`iai-mcp events`"
            )
        progress.callback(progress.step, 1, 1)


def _content_of(store: Store) -> ContentMark:
    return ContentMark.of(store.statistics())


def _state_path(paths: StorePaths) -> Path:
    return paths.root / "sleep.json"


def _load_state(paths: StorePaths) -> _State | None:
    fields = read_state(_state_path(paths), _FORMAT)
    if fields is None:
        return None
    content = ContentMark.from_fields(fields.get("content"))
    version, done = fields.get("table_version"), fields.get("done")
    if content is None or type(version) is not int or not isinstance(done, list):
        return None
    return _State(content, version, tuple(str(step) for step in done))

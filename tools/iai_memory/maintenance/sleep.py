"""The sleep of a store: everything that is worth doing only while nobody waits for an answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..analysis.recent_vectors import ContentMark
from ..analysis.topic_file import load_topics, save_topics
from ..analysis.topics import build_topics
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
from ..errors import StoreBusy, StoreUnavailable
from ..store.table import KEEP_VERSIONS

if TYPE_CHECKING:
    from ..memory import Memory

STEPS: Final = ("compact", "embed", "topics", "refresh")
_FORMAT: Final = 1
_NO_VERSION: Final = -1
# Half a day of work adds so many.
_MOST_INDEX_PARTS: Final = 16
# A few seconds of work: as long as a request may have to share the cores before sleep gives way.
_EMBED_BATCH: Final = 128


@dataclass(frozen=True, slots=True)
class SleepReport:
    """What one call did.

    Attributes:
        done: The steps that this call finished, in order; empty where there was nothing to do.
        interrupted: Whether it was asked to stop before the last step.
        busy: Whether another process of the store was sleeping; then nothing was done.
        seconds: How long each step in `done` took.
    """

    done: tuple[str, ...] = ()
    interrupted: bool = False
    busy: bool = False
    seconds: dict[str, float] = field(default_factory=dict)


def run_sleep(
    memory: Memory,
    *,
    force: bool = False,
    interrupted: Callable[[], bool] = never_interrupted,
    progress: ProgressCallback = ignore_progress,
) -> SleepReport:
    """Compacts, embeds what is pending, maps topics, renders the payload.

    One process of a store sleeps at a time. A sleep that was interrupted or killed is continued by
    the next call, in whichever process, as long as no memory was stored or changed between them;
    else it starts anew.

    Args:
        memory: Whose store.
        force: Sleep even if nothing changed since the last sleep.
        interrupted: Asked between steps and in each round of the long ones.
        progress: Called with a step's name, how much of it is done and how much there is.

    Raises:
        StoreFault: A step failed; what was finished before it is kept.
        ModelFault: The same, while embedding.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(held(memory.paths.lock("sleep"), timeout=0))
        except StoreBusy:
            return SleepReport(busy=True)
        # Under the lock: another process may have slept since the caller asked.
        if not force and not needs_sleep(memory):
            return SleepReport()
        return _Sleep(memory, interrupted, progress).run()


def needs_sleep(memory: Memory) -> bool:
    """Whether memories were stored or changed since the last sleep that came to its end.

    Costs a look at the table's version while nothing was committed, else a scan of a few columns.

    Raises:
        StoreFault: The store could not be read.
    """
    note = _read_note(memory.paths)
    if note is not None and note.finished and _has_results(memory.paths):
        if note.table_version == memory.store.version:
            return False
        return note.content != _content(memory)
    return memory.store.statistics().total > 0


@dataclass(frozen=True, slots=True)
class _Note:
    """How far the sleep over some content came."""

    content: ContentMark
    table_version: int
    done: tuple[str, ...]

    @property
    def finished(self) -> bool:
        return set(STEPS) <= set(self.done)


class _Sleep:
    """One run, under the lock."""

    def __init__(
        self, memory: Memory, interrupted: Callable[[], bool], progress: ProgressCallback
    ) -> None:
        self._memory = memory
        self._interrupted = interrupted
        self._progress = progress
        self._seconds: dict[str, float] = {}
        self._done: list[str] = []
        self._work: dict[str, Callable[[Progress], None]] = {
            "compact": self._compact,
            "embed": self._embed,
            "topics": self._topics,
            "refresh": self._refresh,
        }

    def run(self) -> SleepReport:
        ledger, note = self._memory.ledger, _read_note(self._memory.paths)
        self._content = _content(self._memory)
        if note is not None and not note.finished and note.content == self._content:
            self._done = [step for step in STEPS if step in note.done]
        resumed = tuple(self._done)
        ledger.write(
            "sleep_started", resumed=resumed, content_version=self._content.content_version
        )
        step = ""
        try:
            for step in [step for step in STEPS if step not in resumed]:
                self._one(step)
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
        return SleepReport(tuple(self._seconds), seconds=self._seconds)

    def _one(self, step: str) -> None:
        progress = Progress(step, self._interrupted, self._progress)
        progress.check()
        started = time.perf_counter()
        self._work[step](progress)
        self._done.append(step)
        self._seconds[step] = round(time.perf_counter() - started, 3)
        self._note()

    def _note(self) -> None:
        # Version before content: a commit between the two makes the version an old one. And where
        # somebody else changed the content, no version vouches for what this sleep has seen.
        version = self._memory.store.version
        fields = {
            "content": self._content.to_fields(),
            "table_version": version if _content(self._memory) == self._content else _NO_VERSION,
            "done": self._done,
        }
        write_state(_note_path(self._memory.paths), _FORMAT, fields)

    def _compact(self, progress: Progress) -> None:
        progress.callback(progress.step, 0, 1)
        self._memory.store.merge_index_parts(_MOST_INDEX_PARTS)
        self._memory.store.compact(keep=KEEP_VERSIONS)
        progress.callback(progress.step, 1, 1)

    def _embed(self, progress: Progress) -> None:
        done, total = 0, self._memory.store.statistics().pending
        if not total:
            return  # the model need not be loaded
        try:
            while embedded := self._memory.embed_pending(_EMBED_BATCH):
                done += embedded
                progress.report(done, max(done, total))
        finally:
            if done:
                # Our own change of the content: what the steps behind it look at begins here.
                self._content = _content(self._memory)
                self._note()

    def _topics(self, progress: Progress) -> None:
        topics = build_topics(
            self._memory.store, embedder=self._memory.embedder_key, progress=progress
        )
        save_topics(self._memory.paths, topics)

    def _refresh(self, progress: Progress) -> None:
        progress.callback(progress.step, 0, 1)
        pages = self._memory.session_start_pages()
        outcome = pages.refresh("sleep_pipeline", force_rebuild=True)
        if outcome.action != "wrote":
            raise StoreUnavailable(
                f"the session-start payload could not be refreshed ({outcome.reason}): see "
                f"`iai-mcp events`"
            )
        progress.callback(progress.step, 1, 1)


def _content(memory: Memory) -> ContentMark:
    return ContentMark.of(memory.store.statistics())


def _has_results(paths: StorePaths) -> bool:
    return load_topics(paths) is not None


def _note_path(paths: StorePaths) -> Path:
    return paths.root / "sleep.json"


def _read_note(paths: StorePaths) -> _Note | None:
    fields = read_state(_note_path(paths), _FORMAT)
    if fields is None:
        return None
    content = ContentMark.from_fields(fields.get("content"))
    version, done = fields.get("table_version"), fields.get("done")
    if content is None or type(version) is not int or not isinstance(done, list):
        return None
    return _Note(content, version, tuple(str(step) for step in done))

"""What is completed before an answer, where it is cheap: a bounded drain, and some vectors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

from ..base.ledger import Ledger
from ..base.locks import present_holder, waiting_until
from ..base.out_of_sight import OutOfSight
from ..base.paths import StorePaths
from ..capture.session_state import has_work
from ..capture.spool import Spool, rings_wait
from ..capture.spool_faults import bars_hooks
from ..embedding.model_files import ModelFiles
from ..errors import MemoryFault, ModelFault, StoreFault
from ..maintenance.capture_state import holder_stuck
from ..store.table import Store
from ..writing.embed_pending import STEP_MEMORIES

if TYPE_CHECKING:
    from ..capture.drain import Drained

CATCH_UP_SEC: Final = 2.0
"""Seconds after which nothing more is begun, and nobody is waited for, to complete an answer."""

_DRAIN_SEC: Final = 1.2
_LOCK_SEC: Final = 0.5
# Who has held the lock for so long reads a whole history: the next answer would wait in vain, too.
_LONG_SEC: Final = 3.0
_LEAST_STEP_SEC: Final = 0.3
# Of a step's time, what is not the model's: tokens, texts and the commit.
_BESIDE_THE_MODEL_SEC: Final = 0.2


class Completable(Protocol):
    """The parts of a memory that complete an answer; see `Memory`."""

    @property
    def paths(self) -> StorePaths: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def model(self) -> ModelFiles | None: ...
    @property
    def store(self) -> Store: ...
    def drain(self, *, max_seconds: float, wait_seconds: float) -> Drained: ...
    def embed_pending(self, *, seconds: float | None, wait_seconds: float) -> int: ...


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What was completed, and what was not.

    Attributes:
        undone: Why something is still missing, by the reason that an answer gives for it: sentences
            that say more than the reason's own.
        drained: What a drain did; None where it had nothing to do, or failed.
        nothing_waits: Whether there was nothing to read, as of now.
    """

    undone: Mapping[OutOfSight, str] = field(default_factory=dict[OutOfSight, str])
    drained: Drained | None = None
    nothing_waits: bool = False


class CatchingUp:
    """The work before the answers of one memory; remembers where nothing was left to do."""

    def __init__(self) -> None:
        """Start knowing nothing."""
        self._embedded: tuple[int, int] | None = None

    def run(self, memory: Completable, *, vectors: bool) -> CaughtUp:
        """Store what hosts wrote and embed what waits, as far as it goes within `CATCH_UP_SEC`.

        Costs a look at the spool where nothing waits. A fault ends no answer: it is what the answer
        says of itself.

        Args:
            memory: Whose answer is to be complete.
            vectors: Whether vectors are searched for it.
        """
        ends = time.monotonic() + CATCH_UP_SEC
        with waiting_until(ends):
            caught_up = _drained(memory)
            if vectors and (fault := self._embed(memory, ends)):
                undone = {**caught_up.undone, OutOfSight.PENDING_VECTOR: fault}
                return replace(caught_up, undone=undone)
        return caught_up

    def _embed(self, memory: Completable, ends: float) -> str:
        """Embed what waits in steps, where it is not more than one holds; return why not."""
        try:
            # The table is asked once for each state that has nothing to embed.
            version = (id(memory.store), memory.store.change_token())
            if version == self._embedded or memory.model is None:
                return ""
            while pending := memory.store.latest.count_pending():
                left = ends - time.monotonic()
                if pending > STEP_MEMORIES or left < _LEAST_STEP_SEC:
                    return ""
                seconds = max(left - _BESIDE_THE_MODEL_SEC, _LEAST_STEP_SEC)
                wait = min(left - _LEAST_STEP_SEC, _LOCK_SEC)
                if not memory.embed_pending(seconds=seconds, wait_seconds=wait):
                    return ""
            self._embedded = version
        except (ModelFault, StoreFault) as exc:
            memory.ledger.write_changed(
                "embedding_before_answer_failed", (str(exc),), error=str(exc)[:200]
            )
            return f"vectors are missing: {exc}"
        return ""


def _drained(memory: Completable) -> CaughtUp:
    """Drain for about a second; where another process does, wait for its end, but not for long."""
    paths = memory.paths
    try:
        if bars_hooks(paths.spool):
            return CaughtUp()
        if not has_work(paths):
            return CaughtUp(nothing_waits=True)
        done = memory.drain(max_seconds=_DRAIN_SEC, wait_seconds=_patience(paths))
    except MemoryFault as exc:
        memory.ledger.write_changed("drain_before_answer_failed", (str(exc),), error=str(exc)[:200])
        return CaughtUp({OutOfSight.NOT_DRAINED: f"what waits could not be read: {exc}"})
    undone = {OutOfSight.UNREAD_EVENT: _elsewhere(paths)} if done.busy else {}
    return CaughtUp(undone, done)


def _patience(paths: StorePaths) -> float:
    holder = present_holder(paths.lock("drain"))
    return 0.0 if holder is not None and holder.age_s() > _LONG_SEC else _LOCK_SEC


def _elsewhere(paths: StorePaths) -> str:
    """Return who reads what waits, or why that one will not go on and what to do."""
    holder = present_holder(paths.lock("drain"))
    waiting = rings_wait(Spool(paths).waiting().rings)
    reader = holder_stuck(holder) or f"{holder or 'another process'} is reading"
    return f"{waiting}, {reader}"

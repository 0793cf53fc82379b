"""Drain of the spool: new lines of the transcripts become memories, each turn exactly once."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ..base.ledger import Ledger
from ..base.locks import held
from ..base.paths import StorePaths
from ..errors import StoreBusy
from ..projects.lookup import ProjectLookup
from ..results import IngestReport
from ..writing.new_memory import NewMemory
from .given_up import GivenUp
from .lost_words import LostWords, name_transcripts
from .rewinds import TagRewound
from .ring import Ring, Rings
from .round_robin import RoundRobin
from .session_state import (
    MAX_ATTEMPTS,
    Session,
    Sessions,
    has_work,
    note_ring,
    to_read_again,
    to_take_up,
)
from .spool import Spool
from .watched import watch

# What hooks rang for is read in seconds; whoever holds the lock for longer is stuck.
_BOUND_SEC: Final = 600.0
# Whoever asks who holds the lock takes it for a moment: that is no drain.
_LOOK_SEC: Final = 0.1


@dataclass(frozen=True, slots=True)
class Drained:
    """The result of a drain.

    Attributes:
        rings: Rings that were answered.
        stored: Turns that were stored.
        nameless: Rings that name no transcript: nobody reads the words they were rung for.
        again: Rings whose transcript could not be read; they are tried again.
        unreadable: Lines of the spool that were no ring.
        finished: False where time ran out; the next drain goes on.
        busy: Another process drains; it answers every ring.
        faults: A sentence for everything that does not belong in the spool.
    """

    rings: int = 0
    stored: int = 0
    nameless: int = 0
    again: int = 0
    unreadable: int = 0
    finished: bool = True
    busy: bool = False
    faults: tuple[str, ...] = ()

    def plus(self, other: Drained) -> Drained:
        """Return the sum with a later pass, whose state counts."""
        return replace(
            other,
            rings=self.rings + other.rings,
            stored=self.stored + other.stored,
            nameless=self.nameless + other.nameless,
            unreadable=self.unreadable + other.unreadable,
        )


class Drain:
    """The drain of one spool; over all processes one drain at a time runs on a store."""

    def __init__(
        self,
        paths: StorePaths,
        ledger: Ledger,
        ingest: Callable[[list[NewMemory]], IngestReport],
        tag_rewound: TagRewound,
        *,
        reading: Callable[[Path], None] | None = None,
        projects: ProjectLookup | None = None,
    ) -> None:
        """Bind a store.

        Args:
            paths: The store's folder.
            ledger: Gets the counts of each transcript.
            ingest: Stores a batch and returns only when it is on disk.
            tag_rewound: Tags turns that were taken back.
            reading: Called with each transcript before it is opened, for whoever watches.
            projects: Of folders; of this drain only, for whoever asks which there were.
        """
        self._paths = paths
        self._spool = Spool(paths)
        self._given_up = GivenUp(paths)
        self._sessions = Sessions(paths)
        self._lost = LostWords(self._sessions, self._given_up, ledger)
        self._round = RoundRobin(
            paths, ledger, ingest, tag_rewound, reading or _ignore, projects or ProjectLookup()
        )

    def run(self, *, max_seconds: float = float("inf"), wait_seconds: float = 0.0) -> Drained:
        """Read every transcript that rang, and those that grew after they were read.

        Every commit moves the work on: whatever ends a drain, the next one continues. Where another
        process drains, it answers what waits here: it looks once more after it let go of the lock.

        Args:
            max_seconds: Time after which no other batch is begun.
            wait_seconds: How long to wait for a drain of another process.

        Raises:
            StoreFault: The spool or the table could not be used; every unanswered ring waits.
        """
        ends = time.monotonic() + max_seconds
        total = Drained()
        while has_work(self._paths):
            with ExitStack() as stack:
                wait, bound = max(wait_seconds, _LOOK_SEC), min(max_seconds, _BOUND_SEC)
                try:
                    stack.enter_context(held(self._paths.lock("drain"), timeout=wait, bound=bound))
                except StoreBusy:
                    total = replace(total, busy=True)
                    break
                total = total.plus(self._run_alone(ends))
            if not total.finished or self._spool.peek().count <= total.again:
                break
        return replace(total, faults=self._spool.faults())

    def _run_alone(self, ends: float) -> Drained:
        sessions = self._sessions.load()
        with closing(self._spool.claim()) as claim:
            self._given_up.strip()
            rings = claim.read()
            self._take_up(rings, sessions)
            lost = name_transcripts(rings, sessions)
            for ring in rings.by_transcript.values():
                note_ring(ring, sessions)
                self._lost.settle(ring, sessions)
            self._lost.note(lost, rings.unreadable, sessions)
            grown = to_read_again(sessions)
            due = {path: one for path, one in sessions.items() if path in rings.by_transcript}
            due.update((str(one.transcript), one) for one in grown)
            stored, finished = self._round.read(due.values(), sessions, ends)
            again: list[Ring] = []
            watch(self._paths, sessions.values())
            if finished:
                again = self._unanswered(rings, sessions)
                late = claim.answer(again).unreadable
                self._lost.note([], late, sessions)
                rings.unreadable += late
        return Drained(
            rings=rings.count - len(again) - len(lost) if finished else 0,
            stored=stored,
            nameless=len(lost),
            again=len(again),
            unreadable=rings.unreadable,
            finished=finished,
        )

    def _take_up(self, rings: Rings, sessions: dict[str, Session]) -> None:
        """Add to the rings those of given up transcripts that are there, other than they were."""
        noted = self._given_up.rings()
        for path in to_take_up(sessions, noted):
            if path not in rings.by_transcript:
                rings.by_transcript[path] = noted[path]
                rings.count += 1
                note_ring(noted[path], sessions)
                sessions[path].queued_at = datetime.now(UTC)  # kept for as long as a new one

    def _unanswered(self, rings: Rings, sessions: dict[str, Session]) -> list[Ring]:
        """Return the rings to try again; of the others, note what was given up."""
        again: list[Ring] = []
        for path, ring in rings.by_transcript.items():
            session = sessions[path]
            if not session.attempts:
                self._given_up.remove(path)
            elif session.attempts < MAX_ATTEMPTS:
                again.append(ring)
            else:
                self._given_up.add(ring, session.fault)
        return again


def _ignore(path: Path) -> None:
    """Ignore which transcript is read."""

"""Each kind of change that a session-start page may show, as a function of a memory."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.support.pages import cache, page, ring

from iai_memory import Memory
from iai_memory.base.page_mark import page_mark
from iai_memory.capture.spool import Spool
from iai_memory.capture.transcript_files import look_at

NEWS = "the wombat moved in"
OLD, GONE = "the quokka lives here", "the numbat left"


def prepare(memory: Memory) -> None:
    """Stores what the changes change: `OLD`, and `GONE`, which is forgotten."""
    memory.ingest([{"text": OLD, "tags": ["identity"]}, {"text": "a secret token", "pinned": True}])
    [gone] = memory.ingest(GONE).results
    memory.forget([gone.id or ""])


def id_of(memory: Memory, text: str) -> str:
    """The id of the memory with this text, forgotten or not."""
    lines = [json.loads(line) for line in memory.export_lines()]
    [found] = [line["id"] for line in lines if line["text"] == text]
    return str(found)


def served(memory: Memory) -> str | None:
    """What a recall hook prints without the live command; None where it takes that."""
    waits = Spool(memory.paths).has_rings() or page_mark(memory.paths) is not None
    return None if waits or not cache(memory).exists() else page(memory)


def _ingest(memory: Memory) -> None:
    memory.ingest(NEWS)


def _supersede(memory: Memory) -> None:
    memory.supersede(id_of(memory, OLD), NEWS)


def _pin(memory: Memory) -> None:
    memory.pin(id_of(memory, OLD))


def _unpin(memory: Memory) -> None:
    memory.pin(id_of(memory, "a secret token"), pinned=False)


def _tag(memory: Memory) -> None:
    memory.pin(id_of(memory, OLD), pinned=False, remove_tags=["identity"])


def _forget(memory: Memory) -> None:
    memory.forget([id_of(memory, OLD)])


def _restore(memory: Memory) -> None:
    memory.restore([id_of(memory, GONE)])


def _scrub(memory: Memory) -> None:
    memory.scrub("secret token")


def _import_lines(memory: Memory) -> None:
    other = Memory(memory.paths.root.parent / "exported", on_commit=_nothing)
    other.ingest(NEWS)
    for _ in memory.import_lines(list(other.export_lines())):
        pass


def _import_transcripts(memory: Memory) -> None:
    transcript = ring(memory, NEWS)
    (memory.paths.spool / "doorbell.jsonl").unlink()
    memory.import_transcripts([look_at(transcript)], "claude-code")


def _drain(memory: Memory) -> None:
    ring(memory, NEWS)
    memory.drain()


CHANGES: dict[str, Callable[[Memory], None]] = {
    "ingest": _ingest,
    "supersede": _supersede,
    "pin": _pin,
    "unpin": _unpin,
    "tag": _tag,
    "forget": _forget,
    "restore": _restore,
    "scrub": _scrub,
    "import-lines": _import_lines,
    "import-transcripts": _import_transcripts,
    "drain": _drain,
}

KILLED_AFTER_COMMIT = """
import os, signal, sys
from pathlib import Path
from iai_memory import Memory
from iai_memory.base.fsync import SyncedFolder
from tests.support.page_writes import CHANGES

memory = Memory(Path(sys.argv[1]))
memory.store
sync, table = SyncedFolder.sync, memory.store._files
def killed(self):
    if self is not table:
        return sync(self)
    # The commit is made, and nothing else is done yet.
    os.kill(os.getpid(), signal.SIGKILL)
SyncedFolder.sync = killed
CHANGES[sys.argv[2]](memory)
"""
"""A process that makes a change and is killed as soon as LanceDB made the commit."""


def _nothing() -> None:
    """Leave the pages alone."""

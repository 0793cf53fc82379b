"""A store and its session-start page, as the tests of its freshness use them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from iai_memory import Memory, Settings, load_settings
from iai_memory.session_start.cache import cache_path, read_sidecar, sidecar_path
from iai_memory.session_start.refresh import RefreshOutcome, Trigger

WAIT_SEC = 30.0
"""How long anything may take before it counts as hung; nothing is measured by it."""


def chosen(store: Path, *, interval: float | str = 0, **more: Any) -> Settings:
    """Settings of a store without a model: memories wait for their vectors, the page does not."""
    return load_settings(store=store, model=None, session_cache_refresh_min_sec=interval, **more)


def opened(store: Path, *, interval: float | str = 0, **more: Any) -> Memory:
    """A memory as a server has it: what it commits, somebody else renders."""
    return Memory(settings=chosen(store, interval=interval, **more), on_commit=_somebody_else)


def refresh(
    memory: Memory, trigger: Trigger = "periodic_wake", *, force_rebuild: bool = False
) -> RefreshOutcome:
    """One refresh, as the thread of a server makes it."""
    return memory.page_manager().refresh(trigger, force_rebuild=force_rebuild)


def cache(memory: Memory, project_key: str | None = None) -> Path:
    """The cached page of all projects."""
    return cache_path(memory.paths, project_key)


def page(memory: Memory) -> str:
    """What a hook would print."""
    return cache(memory).read_text(encoding="utf-8")


def sidecar(memory: Memory) -> dict[str, Any]:
    """The fields beside the page of all projects, which must be there and whole."""
    found = read_sidecar(cache(memory))
    assert found is not None
    return found.fields


def rewrite_sidecar(memory: Memory, **fields: Any) -> None:
    """What the sidecar would say, had the store been otherwise when the page was rendered."""
    path = sidecar_path(cache(memory))
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def set_age(path: Path, seconds: float) -> None:
    """Moves the file's modification time to so many seconds ago; negative is the future."""
    at = time.time() - seconds
    os.utime(path, (at, at))


def events(memory: Memory, name: str = "", **fields: Any) -> list[dict[str, Any]]:
    """The ledger's session-start events of that ending and with these fields, oldest first."""
    found = memory.ledger.newest(100_000)
    start = f"session_start_cache_write_{name}"
    return [
        event
        for event in reversed(found)
        if str(event["event"]).startswith(start)
        and all(event.get(key) == value for key, value in fields.items())
    ]


def rendered(memory: Memory, **fields: Any) -> list[dict[str, Any]]:
    """Every render of the page of all projects that came to its end, oldest first."""
    return events(memory, "success", cache_path=str(cache(memory)), **fields)


def ring(memory: Memory, text: str, **fields: Any) -> Path:
    """Writes a turn into a transcript, and rings as the capture hook does; returns the transcript.

    Without a text no transcript is written. `fields` are of the ring.
    """
    at = time.time()
    session = fields.setdefault("session_id", "s-1")
    cwd = fields.setdefault("cwd", str(memory.paths.root.parent))
    path = Path(fields.setdefault("transcript_path", str(memory.paths.root / f"{session}.jsonl")))
    if text:
        line = {
            "type": "user",
            "uuid": f"{session}-{time.monotonic_ns()}",
            "isSidechain": False,
            "sessionId": session,
            "timestamp": datetime.fromtimestamp(at, UTC).isoformat(),
            "cwd": cwd,
            "message": {"role": "user", "content": text},
        }
        memory.paths.root.mkdir(mode=0o700, exist_ok=True)
        with path.open("ab") as transcript:
            transcript.write(json.dumps(line).encode() + b"\n")
    memory.paths.spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (memory.paths.spool / "doorbell.jsonl").open("ab") as spool:
        spool.write(json.dumps({"event": "Stop", **fields, "at": int(at)}).encode() + b"\n")
    return path


def minutes_pass(memory: Memory) -> None:
    """Moves everything that is noted of the transcripts two minutes into the past."""
    path = memory.paths.spool / "sessions.json"
    noted = json.loads(path.read_text())
    for fields in noted.values():
        for name in ("began_at", "rung_at", "lost_at", "tried_at"):
            if fields.get(name):
                moved = datetime.fromisoformat(fields[name]) - timedelta(minutes=2)
                fields[name] = moved.isoformat()
    path.write_text(json.dumps(noted))


def written_at(path: Path) -> tuple[int, int]:
    """What another write of the file would change."""
    return path.stat().st_ino, path.stat().st_mtime_ns


def state(store: Path) -> dict[str, tuple[int, int, int]]:
    """Inode, size and modification time of everything in the folder but the lock files.

    Whoever takes a lock signs it.
    """
    found = {}
    for path in [store, *store.rglob("*")]:
        if path.suffix == ".lock":
            continue
        stat = path.stat()
        found[str(path)] = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
    return found


def until(what: str, condition: Callable[[], Any]) -> Any:
    """Waits for what another thread or process leaves on the disk; returns what was found."""
    ends, pause = time.monotonic() + WAIT_SEC, threading.Event()
    while not (found := condition()):
        assert time.monotonic() < ends, f"{what} did not come within {WAIT_SEC:g} s"
        pause.wait(0.01)
    return found


def store_elsewhere(store: Path, text: str) -> None:
    """Stores as another server does: the page is left to whoever refreshes next."""
    code = (
        "import sys; from iai_memory import Memory; "
        "Memory(sys.argv[1], on_commit=lambda: None).ingest(sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", code, str(store), text], check=True, timeout=60)


def _somebody_else() -> None:
    """Nobody here refreshes after a commit."""

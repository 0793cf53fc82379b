"""Checks every link of the chain by using it, and names the one that is broken."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from iai_memory import Memory, MemoryFault, Settings
from iai_memory.base.clock import iso, utc_now
from iai_memory.base.presence import alive_servers
from iai_memory.capture.spool import Spool

from ..hosts.hook_files import CAPTURE_HOOK, RECALL_HOOK, hook_file
from .host_checks import host_findings

_HOOK_TIMEOUT_SEC = 30
_PROBE = "doctor stored this sentence about a green lighthouse"


@dataclass(frozen=True, slots=True)
class Check:
    """One link, whether it holds, and what was found."""

    name: str
    ok: bool
    finding: str

    def to_fields(self) -> dict[str, Any]:
        """The check as plain data."""
        return asdict(self)


def examine(memory: Memory) -> list[Check]:
    """Checks the store, the model and the page, then a round trip in a scratch store."""
    checks = [
        _check("store folder", lambda: _folder(memory)),
        _check("table", lambda: _table(memory)),
        _check("model", lambda: _model(memory)),
        _check("payload", lambda: _payload(memory)),
        _check("servers", lambda: _servers(memory)),
    ]
    with tempfile.TemporaryDirectory(prefix="iai-mcp-doctor-") as folder:
        trip = _RoundTrip(Path(folder), memory.settings)
        checks += [
            _check("round trip: capture hook to spool", trip.hook_to_spool),
            _check("round trip: spool to recall", trip.spool_to_recall),
            _check("round trip: page to recall hook", trip.page_to_hook),
        ]
    return checks + [Check(*found) for found in host_findings(memory)]


class _Broken(Exception):
    """A link does not hold; the text says why and what to do."""


def _check(name: str, work: Callable[[], str]) -> Check:
    try:
        return Check(name, True, work())
    except (_Broken, MemoryFault, OSError, subprocess.SubprocessError) as exc:
        return Check(name, False, str(exc))


def _folder(memory: Memory) -> str:
    root = memory.paths.root
    _ = memory.store
    mode = root.stat().st_mode & 0o777
    if mode & 0o077:
        raise _Broken(f"{root} can be read by others (mode {mode:o}): run `chmod 700 {root}`")
    if not os.access(root, os.W_OK):
        raise _Broken(f"{root} cannot be written: run `chmod u+w {root}`")
    return f"{root}, mode {mode:o}"


def _table(memory: Memory) -> str:
    contents = memory.store.statistics()
    return f"{contents.live} memories, {contents.pending} pending, version {memory.store.version}"


def _model(memory: Memory) -> str:
    files = memory.model
    if files is None:
        raise _Broken("no model, recall finds by words only: run `iai-mcp model install`")
    files.verify()
    return f"{files.identity.key}, every file has its sha256"


def _payload(memory: Memory) -> str:
    fresh = memory.status().freshness
    caches = sorted((memory.paths.root / "session-start").glob("*.cached.md"))
    ages = [time.time() - cache.stat().st_mtime for cache in caches]
    if fresh.age_s is None:
        return "no cache yet; a server or `iai-mcp session-start --refresh` writes it"
    if not fresh.fresh and fresh.behind:
        raise _Broken(
            f"{fresh.behind} records behind the store, last failure {fresh.last_failure}: run "
            f"`iai-mcp session-start --refresh` and see `iai-mcp events`"
        )
    projects = f", {len(ages)} project pages, the oldest {max(ages):.0f} s" if ages else ""
    return f"{fresh.age_s:.0f} s old, {fresh.reason}, last success {fresh.last_success}{projects}"


def _servers(memory: Memory) -> str:
    servers = alive_servers(memory.paths)
    if not servers:
        return "none runs now; the hook renders the page itself where the cache is old"
    return ", ".join(f"pid {one.pid} is in {one.state}, since {one.started_at}" for one in servers)


class _RoundTrip:
    """One sentence through every part: capture hook, spool, table, recall, page, recall hook."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._memory = Memory(settings=settings.model_copy(update={"store": folder / "store"}))
        self._transcript = folder / "transcript.jsonl"

    def hook_to_spool(self) -> str:
        self._transcript.write_text(json.dumps(self._turn()) + "\n", encoding="utf-8")
        bell = {
            "hook_event_name": "Stop",
            "session_id": "doctor",
            "transcript_path": str(self._transcript),
            "cwd": str(self._folder),
        }
        self._run(CAPTURE_HOOK, bell)
        if not Spool(self._memory.paths).unanswered():
            raise _Broken("the capture hook left nothing in the spool: see its log with `ls logs`")
        return "the capture hook rang"

    def spool_to_recall(self) -> str:
        drained = self._memory.drain()
        found = self._memory.recall("green lighthouse").hits
        if drained.stored != 1 or not found or found[0].text != _PROBE:
            raise _Broken(f"{drained.stored} of 1 turns stored: see `iai-mcp events`")
        return "the turn was stored and found again"

    def page_to_hook(self) -> str:
        page = self._memory.session_start(refresh=True)
        if _PROBE not in page.payload:
            raise _Broken("a stored sentence is not in the payload: see `iai-mcp events`")
        shown = self._run(RECALL_HOOK, {"hook_event_name": "SessionStart", "cwd": "/"})
        if shown != page.payload:
            raise _Broken(f"the hook printed {len(shown)} characters that are not the payload")
        return "the recall hook printed the payload, byte for byte"

    def _run(self, name: str, told: dict[str, str]) -> str:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("IAI_MCP_")}
        return subprocess.run(
            [str(hook_file(name))],
            input=json.dumps(told),
            env={**kept, "IAI_MCP_STORE": str(self._memory.paths.root)},
            capture_output=True,
            text=True,
            timeout=_HOOK_TIMEOUT_SEC,
            check=True,
        ).stdout

    def _turn(self) -> dict[str, Any]:
        return {
            "type": "user",
            "uuid": "doctor-1",
            "isSidechain": False,
            "sessionId": "doctor",
            "timestamp": iso(utc_now()),
            "cwd": str(self._folder),
            "message": {"role": "user", "content": _PROBE},
        }

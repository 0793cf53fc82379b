"""Checks every link of the chain by using it, and names the one that is broken."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from iai_memory import Memory, MemoryFault

from .clients.checks import host_findings
from .hook_files import RECALL_HOOK, hook_file

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
    ]
    with tempfile.TemporaryDirectory(prefix="iai-mcp-doctor-") as folder:
        scratch = Memory(
            settings=memory.settings.model_copy(update={"store": Path(folder) / "store"})
        )
        checks.append(_check("round trip: ingest and recall", lambda: _ingest_recall(scratch)))
        checks.append(_check("round trip: payload and hook", lambda: _page_hook(scratch)))
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
    contents = memory.store.contents()
    return f"{contents.live} memories, {contents.pending} pending, version {memory.store.version}"


def _model(memory: Memory) -> str:
    files = memory.model
    if files is None:
        raise _Broken("no model, recall finds by words only: run `iai-mcp model install`")
    files.verify()
    return f"{files.identity.key}, every file has its sha256"


def _payload(memory: Memory) -> str:
    fresh = memory.status().freshness
    if fresh.age_s is None:
        return "no cache yet; a server or `iai-mcp session-start --refresh` writes it"
    if not fresh.fresh and fresh.behind:
        raise _Broken(
            f"{fresh.behind} records behind the store, last failure {fresh.last_failure}: run "
            f"`iai-mcp session-start --refresh` and see `iai-mcp events`"
        )
    return f"{fresh.age_s:.0f} s old, {fresh.reason}"


def _ingest_recall(scratch: Memory) -> str:
    stored = scratch.ingest(_PROBE).results[0]
    found = scratch.recall("green lighthouse").hits
    if not found or found[0].id != stored.id:
        raise _Broken("a stored sentence was not found again: please report this with `--json`")
    return "a stored sentence was found again"


def _page_hook(scratch: Memory) -> str:
    page = scratch.session_start(refresh=True)
    if _PROBE not in page.payload:
        raise _Broken("a stored sentence is not in the payload: see `iai-mcp events`")
    shown = subprocess.run(
        [str(hook_file(RECALL_HOOK))],
        input=json.dumps({"hook_event_name": "SessionStart", "cwd": str(scratch.paths.root)}),
        env={**os.environ, "IAI_MCP_STORE": str(scratch.paths.root), "IAI_MCP_DISABLE": ""},
        capture_output=True,
        text=True,
        timeout=_HOOK_TIMEOUT_SEC,
        check=True,
    ).stdout
    if shown != page.payload:
        raise _Broken(f"the hook printed {len(shown)} characters, not the payload")
    return "the hook printed the payload, byte for byte"

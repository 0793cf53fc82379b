"""The way of one sentence through every part: capture hook, spool, recall, page, recall hook."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from iai_memory import Memory, Settings
from iai_memory.base.clock import iso, utc_now
from iai_memory.capture.spool import Spool
from iai_memory.projects.identity import project_of

from ..hosts.hook_files import CAPTURE_HOOK, RECALL_HOOK, hook_file
from .check import BrokenLink

_HOOK_TIMEOUT_SEC = 30
_PROBE = "doctor stored this sentence about a green lighthouse"


class RoundTrip:
    """The round trip, in a store of its own; call the steps in their order.

    Each step returns its finding.

    Raises:
        BrokenLink: The sentence did not arrive.
        OSError, subprocess.SubprocessError: A hook cannot be run, or failed.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        """Put store and transcript into `folder`; the model is that of the settings."""
        self._folder = folder
        self._memory = Memory(settings=settings.model_copy(update={"store": folder / "store"}))
        self._transcript = folder / "transcript.jsonl"

    def hook_to_spool(self) -> str:
        """Run the capture hook on a transcript with the sentence."""
        self._transcript.write_text(json.dumps(self._turn()) + "\n", encoding="utf-8")
        event = {
            "hook_event_name": "Stop",
            "session_id": "doctor",
            "transcript_path": str(self._transcript),
            "cwd": str(self._folder),
        }
        self._run(CAPTURE_HOOK, event)
        if not Spool(self._memory.paths).has_rings():
            raise BrokenLink(
                "the capture hook left nothing in the spool: see its log with `ls logs`"
            )
        return "the capture hook rang"

    def spool_to_recall(self) -> str:
        """Store the queued turn and recall it."""
        drained = self._memory.drain()
        found = self._memory.recall("green lighthouse").hits
        if drained.stored != 1 or not found or found[0].text != _PROBE:
            raise BrokenLink(f"{drained.stored} of 1 turns stored: see `iai-mcp events`")
        return "the turn was stored and found again"

    def page_to_hook(self) -> str:
        """Render the page and run the recall hook, which must print it byte for byte."""
        project = project_of(self._folder).name
        page = self._memory.session_start(project, refresh=True)
        if _PROBE not in page.payload:
            raise BrokenLink("a stored sentence is not in the payload: see `iai-mcp events`")
        shown = self._run(
            RECALL_HOOK, {"hook_event_name": "SessionStart", "cwd": str(self._folder)}
        )
        if shown != page.payload:
            raise BrokenLink(f"the hook printed {len(shown)} characters that are not the payload")
        return "the recall hook printed the payload, byte for byte"

    def _run(self, name: str, event: dict[str, str]) -> str:
        kept = {name: os.environ[name] for name in os.environ if not name.startswith("IAI_MCP_")}
        return subprocess.run(
            [str(hook_file(name))],
            input=json.dumps(event),
            # The next step drains, and nothing may be left at work in a folder that goes.
            env={**kept, "IAI_MCP_STORE": str(self._memory.paths.root), "IAI_MCP_DRAIN": "0"},
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

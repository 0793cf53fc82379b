"""A session of Claude Code that asks, edits files and answers, as its transcript has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.transcript_lines import claude, tool_call, tool_result

from iai_memory import Memory


class WorkingSession:
    """The transcript of one session in a folder, written line by line, a minute each."""

    def __init__(
        self, transcript: Path, folder: Path, session: str = "s-1", *, at: datetime | None = None
    ) -> None:
        """Begin it; no time is three hours ago, so that it is over by now."""
        self.transcript = transcript
        self.folder = folder
        self.session = session
        self.at = at or datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
        self._lines = 0

    def says(self, text: str) -> None:
        """The assistant says something."""
        self.adds(claude([{"type": "text", "text": text}], "assistant"))

    def is_asked(self, text: str) -> None:
        """The user asks something."""
        self.adds(claude(text))

    def writes(self, name: str, content: str, *, is_sub_agent: bool = False) -> Path:
        """The assistant writes a file, on disk too; returns its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        self.calls("Write", {"file_path": str(path), "content": content}, is_sub_agent=is_sub_agent)
        return path

    def calls(self, tool: str, given: Mapping[str, Any], *, is_sub_agent: bool = False) -> None:
        """The assistant calls a tool, which does it."""
        call = f"{self.session}-{self._lines}"
        self.adds(tool_call(tool, given, call), isSidechain=is_sub_agent)
        self.adds(tool_result("ok", call), isSidechain=is_sub_agent)

    def adds(self, line: dict[str, Any], **fields: Any) -> None:
        """A line of the host, as the next one of the session."""
        self._lines += 1
        at = self.at + timedelta(minutes=self._lines)
        own = {
            "uuid": f"{self.session}-{self._lines}",
            "sessionId": self.session,
            "cwd": str(self.folder),
            "timestamp": at.isoformat(),
        }
        with self.transcript.open("a", encoding="utf-8") as transcript:
            transcript.write(json.dumps({**line, **own, **fields}) + "\n")


def captured(memory: Memory, *sessions: WorkingSession) -> None:
    """Rings for the sessions as the capture hook does, and drains."""
    memory.paths.spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    for session in sessions:
        ring = {
            "event": "Stop",
            "session_id": session.session,
            "transcript_path": str(session.transcript),
            "cwd": str(session.folder),
            "at": int(datetime.now(UTC).timestamp()),
        }
        with (memory.paths.spool / "doorbell.jsonl").open("a", encoding="utf-8") as spool:
            spool.write(json.dumps(ring) + "\n")
    memory.drain()

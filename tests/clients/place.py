"""A HOME, a project and a store of one test, and the real hosts run in them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iai_memory import Memory, load_settings
from iai_memory.base.locks import held

IAI_MCP = Path(sys.executable).with_name("iai-mcp")
SESSION_SEC = 90


@dataclass
class Ran:
    """How a host ended, and what it said on stdout and stderr."""

    code: int
    out: str
    err: str


@dataclass
class Place:
    """One test's folders; everything that a host may write goes below `root`."""

    root: Path
    clients: Path
    model: Path
    extra: dict[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        """Makes the folders."""
        for folder in (self.home, self.project, self.tmp):
            folder.mkdir(parents=True)

    @property
    def home(self) -> Path:
        """HOME."""
        return self.root / "home"

    @property
    def project(self) -> Path:
        """The folder that is worked in; its name has what shells trip over."""
        return self.root / "my project's"

    @property
    def tmp(self) -> Path:
        """TMPDIR."""
        return self.root / "tmp"

    @property
    def store(self) -> Path:
        """A store that is not the default one."""
        return self.root / "a store"

    def environment(self) -> dict[str, str]:
        """Nothing of the machine but its system folders."""
        return {
            "HOME": str(self.home),
            "TMPDIR": str(self.tmp),
            "CLAUDE_CODE_TMPDIR": str(self.tmp),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "PATH": f"{self.clients}{os.pathsep}{os.defpath}:/usr/local/bin",
            "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
            "ANTHROPIC_API_KEY": "sk-ant-dummy",
            "STUB_KEY": "sk-dummy",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "DISABLE_AUTOUPDATER": "1",
            "MCP_CONNECTION_NONBLOCKING": "0",
            **self.extra,
        }

    def iai_mcp(self, *arguments: str, stdin: str = "") -> Ran:
        """Our own command on this test's store."""
        return self._run([str(IAI_MCP), *arguments], self._ours, stdin)

    @contextmanager
    def working(self, *arguments: str) -> Generator[subprocess.Popen[str]]:
        """Our own command beside what the block does, which ends it."""
        with self._started([str(IAI_MCP), *arguments], self._ours) as process:
            try:
                yield process
            finally:
                process.kill()

    @property
    def _ours(self) -> dict[str, str]:
        return {"IAI_MCP_STORE": str(self.store), "IAI_MCP_MODEL": str(self.model)}

    def ask(self, *arguments: str) -> Any:
        """What our own command prints with --json."""
        ran = self.iai_mcp(*arguments, "--json")
        assert ran.code == 0, ran
        return json.loads(ran.out)

    def ingest(self, text: str) -> None:
        """Stores a memory of this project and brings the page up to date."""
        self.ask("ingest", text, "--project", ".")
        self.refresh()

    def refresh(self) -> str:
        """Brings the page of this project up to date; returns it."""
        return str(self.ask("session-start", "--refresh", "--cwd", str(self.project))["payload"])

    def drain(self) -> None:
        """Lets the next server read what the hooks noted, as happens when a host starts again."""
        settings = load_settings(store=self.store, model=self.model)
        memory = Memory(settings=settings, origin="hook")
        # The host's own server may still be at it, and whoever comes second gives way.
        with held(memory.paths.lock("drain"), timeout=60):
            pass
        memory.drain()

    def said(self) -> list[tuple[str, str]]:
        """Role and text of every captured turn, oldest first."""
        records = self.ask("timeline", "--turns", "--limit", "200")["records"]
        return [(r["role"], r["text"]) for r in reversed(records) if r["role"] != "note"]

    def run(self, *command: str, stdin: str = "", **more: str) -> Ran:
        """A host's own command, with more in its environment."""
        return self._run(list(command), more, stdin)

    def converse(self, *command: str, messages: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The answer to the last message of a JSON-RPC conversation, which ends with it."""
        with self._started(list(command), {}) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("".join(json.dumps(message) + "\n" for message in messages))
            process.stdin.flush()
            for line in process.stdout:
                answer: dict[str, Any] = json.loads(line)
                if answer.get("id") == messages[-1]["id"]:
                    process.stdin.close()
                    return answer
        raise AssertionError(f"{command} did not answer")

    def doctor(self) -> dict[str, tuple[bool, str]]:
        """What `iai-mcp doctor` finds, by the name of the check."""
        found = json.loads(self.iai_mcp("doctor", "--json").out)
        return {check["name"]: (check["ok"], check["finding"]) for check in found}

    def _run(self, command: list[str], more: dict[str, str], stdin: str) -> Ran:
        with self._started(command, more) as process:
            out, err = process.communicate(stdin, timeout=SESSION_SEC)
        return Ran(process.returncode, out, err)

    @contextmanager
    def _started(
        self, command: list[str], more: dict[str, str]
    ) -> Generator[subprocess.Popen[str]]:
        """A process that is not there any more afterwards, nor is what it started."""
        with subprocess.Popen(
            command,
            env={**self.environment(), **more},
            cwd=self.project,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="surrogateescape",  # a prompt may have what is no UTF-8
            start_new_session=True,
        ) as process:
            bound = threading.Timer(SESSION_SEC, _kill_group, [process.pid])
            bound.start()
            try:
                yield process
                process.wait()
            finally:
                bound.cancel()
                # A host that is killed leaves its servers behind: the group goes as one.
                _kill_group(process.pid)


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)

"""Trust of Codex in our hooks: it skips a hook that the user has not trusted, silently."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from iai_memory import __version__
from iai_memory.capture.hosts.locations import codex_home

from .codex import CONFIG
from .errors import HostFileFault
from .file_change import read_bytes
from .hooks_json import Hook, script_of

_ANSWER_SEC = 15.0


@dataclass(frozen=True, slots=True)
class HookTrust:
    """Our hooks that Codex runs, and those that it skips.

    Attributes:
        trusted: Number of hooks that it runs.
        skipped: A sentence on each other hook, such as "Stop is untrusted".
        source: "codex", or "config.toml", which does not show that a hook changed since.
    """

    trusted: int
    skipped: list[str]
    source: str


def trust_in_hooks(hooks_file: Path, hooks: list[Hook], cwd: Path) -> HookTrust:
    """Return which of our hooks in one file Codex trusts, and which it skips.

    The answer is that of `codex app-server`, if there is a codex on the PATH and it answers within
    15 s; else it is read from Codex's `config.toml`.
    """
    listed = _hooks_listed_by_codex(cwd)
    if listed is None:
        return _trust_in_config(hooks_file, hooks)
    ours = [
        hook
        for hook in listed
        if script_of(hook.get("command"))
        and Path(str(hook.get("sourcePath"))).resolve() == hooks_file.resolve()
    ]
    states = {_listed_as(hook): _state(hook) for hook in ours}
    trust = {
        hook.key: states.get((hook.event.lower(), hook.script.name), "not read") for hook in hooks
    }
    skipped = [f"{event} is {state}" for event, state in trust.items() if state != "trusted"]
    return HookTrust(len(trust) - len(skipped), skipped, "codex")


def _listed_as(hook: dict[str, Any]) -> tuple[str, str]:
    script = script_of(hook.get("command"))
    return str(hook.get("eventName")).lower(), "" if script is None else script.name


def _state(hook: dict[str, Any]) -> str:
    return str(hook.get("trustStatus")) if hook.get("enabled", True) else "switched off"


def _trust_in_config(hooks_file: Path, hooks: list[Hook]) -> HookTrust:
    try:
        config = tomllib.loads((read_bytes(codex_home() / CONFIG) or b"").decode())
    except (HostFileFault, ValueError, RecursionError):
        config = {}
    table = config.get("hooks")
    states = table.get("state") if isinstance(table, dict) else None
    keys = states if isinstance(states, dict) else {}
    skipped = [
        f"{hook.key} is untrusted" for hook in hooks if _state_key(hooks_file, hook) not in keys
    ]
    return HookTrust(len(hooks) - len(skipped), skipped, CONFIG)


def _state_key(hooks_file: Path, hook: Hook) -> str:
    event = re.sub(r"(?<!^)(?=[A-Z])", "_", hook.event).lower()
    return f"{hooks_file}:{event}:{hook.at[0]}:{hook.at[1]}"


def _hooks_listed_by_codex(cwd: Path) -> list[dict[str, Any]] | None:
    """Return the hooks that Codex reads in a folder; None if it gives no answer."""
    program = shutil.which("codex")
    if program is None:
        return None
    try:
        server = subprocess.Popen(
            [program, "app-server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=cwd,
            text=True,
            start_new_session=True,  # npm's codex is a script around the program: both must end
        )
    except OSError:
        return None
    bound = threading.Timer(_ANSWER_SEC, _kill, [server])
    bound.start()
    try:
        with server:
            assert server.stdin is not None
            assert server.stdout is not None
            return _request_hooks(server.stdin, server.stdout, cwd)
    except (OSError, ValueError, RecursionError):
        return None
    finally:
        bound.cancel()
        _kill(server)


def _request_hooks(requests: IO[str], answers: IO[str], cwd: Path) -> list[dict[str, Any]] | None:
    client = {"name": "iai-mcp", "version": __version__}
    for message in (
        {"id": 0, "method": "initialize", "params": {"clientInfo": client}},
        {"method": "initialized"},
        {"id": 1, "method": "hooks/list", "params": {"cwds": [str(cwd)]}},
    ):
        requests.write(json.dumps(message) + "\n")
        requests.flush()
    for line in answers:
        answer = json.loads(line)
        if answer.get("id") == 1:
            requests.close()
            return list(_listed(answer.get("result"))) if "result" in answer else None
    return None


def _listed(result: Any) -> Iterator[dict[str, Any]]:
    for folder in result.get("data", []) if isinstance(result, dict) else []:
        for hook in folder.get("hooks", []) if isinstance(folder, dict) else []:
            if isinstance(hook, dict):
                yield hook


def _kill(server: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)

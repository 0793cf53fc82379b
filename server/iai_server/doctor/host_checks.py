"""What `iai-mcp doctor` says of the hosts that are connected, and of capture."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from iai_memory import Memory, Settings
from iai_memory.base.presence import alive_servers
from iai_memory.capture.spool import Spool
from iai_memory.errors import InvalidInput, StoreUnavailable

from ..hosts.codex_trust import trust
from ..hosts.errors import HostFileFault
from ..hosts.hook_scripts import script_faults
from ..hosts.hooks_json import EVENTS, Hook, HooksInJson
from ..hosts.host import Host
from ..hosts.host_file import HostFile
from ..hosts.launch_command import SERVER
from ..hosts.registry import HostName, host

_ANSWERED_WITHIN = timedelta(minutes=10)


class Finding(NamedTuple):
    """One link of the chain, whether it holds, and what was found."""

    name: str
    ok: bool
    finding: str


def host_findings(memory: Memory) -> list[Finding]:
    """Every connected host's server, hooks and trust, and what capture has left undone."""
    cwd = Path.cwd()
    findings = [
        finding
        for project in _scopes(cwd)
        for name in HostName
        for finding in _of_host(name, memory.settings, project, cwd)
    ]
    try:
        findings += _repetitions(memory.settings, cwd)
    except HostFileFault as exc:
        findings.append(Finding("hosts", False, str(exc)))
    if not findings:
        say = "none is connected: run `iai-mcp connect claude-code`, claude-desktop or codex"
        findings.append(Finding("hosts", True, say))
    return [*findings, *_capture(memory)]


def _scopes(cwd: Path) -> tuple[Path | None, ...]:
    # In the home folder a project's hooks would be the user's own.
    return (None,) if cwd == Path.home().resolve() else (None, cwd)


def _of_host(
    name: HostName, settings: Settings, project: Path | None, cwd: Path
) -> Iterator[Finding]:
    label = name if project is None else f"{name} in this folder"
    again = f"run `iai-mcp connect {name}{'' if project is None else ' --project'}`"
    try:
        found = host(name, settings, project)
        server = found.server.present()
        hooks = _hooks(found.hooks)
    except InvalidInput:
        return  # it knows no projects
    except HostFileFault as exc:
        yield Finding(label, False, str(exc))
        return
    if server is None and not hooks:
        return
    yield _server(label, found, server, again)
    if found.hooks is not None:
        yield _hook_finding(f"{label}: hooks", hooks, again)
        if name is HostName.CODEX and hooks:
            yield _trust(f"{label}: trust in hooks", found.hooks.path, hooks, cwd)


def _repetitions(settings: Settings, cwd: Path) -> Iterator[Finding]:
    """Hooks that run twice, so that a session begins with two pages."""
    plugin = _plugin(settings)
    if plugin is not None:
        yield Finding("claude-code: plugin", True, f"{plugin} is enabled")
    if plugin is not None and _readable_hooks(host(HostName.CLAUDE_CODE, settings).hooks):
        say = "the page comes twice, from the plugin and from settings.json"
        yield Finding("claude-code: once", False, f"{say}: run `iai-mcp disconnect claude-code`")
    # Claude Code runs a hook once that two files name alike; Codex runs it twice.
    files = [host(HostName.CODEX, settings, scope).hooks for scope in _scopes(cwd)]
    if len(files) > 1 and all(_readable_hooks(file) for file in files):
        say = "the page comes twice, for you and for this folder"
        yield Finding("codex: once", False, f"{say}: run `iai-mcp disconnect codex --project`")


def _plugin(settings: Settings) -> str | None:
    """The name of our plugin in Claude Code, if it is installed and enabled for this user."""
    file = host(HostName.CLAUDE_CODE, settings).hooks
    try:
        content = json.loads(file.path.read_bytes()) if file is not None else {}
    except (OSError, ValueError):
        return None
    enabled = content.get("enabledPlugins") if isinstance(content, dict) else None
    names = enabled if isinstance(enabled, dict) else {}
    return next((n for n, on in names.items() if on and n.startswith(f"{SERVER}@")), None)


def _readable_hooks(file: HostFile | None) -> list[Hook]:
    try:
        return _hooks(file)
    except HostFileFault:
        return []  # told where the file's own host is checked


def _server(label: str, found: Host, entry: dict[str, object] | None, again: str) -> Finding:
    name = f"{label}: server"
    if entry is None:
        return Finding(name, False, f"{found.server.path} has hooks but no server: {again}")
    command = Path(str(entry["command"]))
    if command.is_absolute() and not os.access(command, os.X_OK):
        return Finding(name, False, f"{command} cannot be run: {again}")
    env = entry.get("env")
    store = env.get("IAI_MCP_STORE") if isinstance(env, dict) else None
    if store != found.launch.environment.get("IAI_MCP_STORE"):
        where = store or "the default folder"
        return Finding(
            name,
            False,
            f"uses the store in {where}, this command another: {again}, or set "
            f"IAI_MCP_STORE to that one",
        )
    return Finding(name, True, f"{command}, in {found.server.path}")


def _hooks(file: HostFile | None) -> list[Hook]:
    if file is None or file.present() is None:
        return []
    return HooksInJson().hooks(file.path.read_text(encoding="utf-8-sig"))


def _hook_finding(name: str, hooks: list[Hook], again: str) -> Finding:
    events = [hook.event for hook in hooks]
    faults = {fault.path: fault.what for hook in hooks for fault in script_faults(hook.script)}
    wrong = [
        *(f"{event.name} has no hook" for event in EVENTS if event.name not in events),
        *(
            f"{event} has {events.count(event)}"
            for event in sorted(set(events))
            if events.count(event) > 1
        ),
        *(f"{path} {what}" for path, what in faults.items()),
    ]
    if wrong:
        return Finding(name, False, f"{', '.join(wrong)}: {again}")
    return Finding(name, True, f"{len(hooks)}, of this version")


def _trust(name: str, file: Path, hooks: list[Hook], cwd: Path) -> Finding:
    found = trust(file, hooks, cwd)
    if found.skipped:
        say = f"codex skips hooks without a word: {', '.join(found.skipped)}"
        return Finding(name, False, f"{say}; start codex, type /hooks and trust them")
    return Finding(name, True, f"{found.trusted} trusted, says {found.source}")


def _capture(memory: Memory) -> Iterator[Finding]:
    spool = Spool(memory.paths)
    failed = spool.failed()
    if failed:
        yield Finding(
            "capture: given up",
            False,
            f"{len(failed)} rings, the reasons are in {failed[0].parent}: run `iai-mcp import "
            f"claude` or `iai-mcp import codex`, then remove them",
        )
    try:
        bells = spool.unanswered()
    except StoreUnavailable as exc:
        yield Finding("capture: backlog", False, str(exc))
        return
    serving = len(alive_servers(memory.paths))
    old = [b for b in bells if datetime.now(UTC) - b.rung_at > _ANSWERED_WITHIN]
    if old and serving:
        yield Finding(
            "capture: backlog",
            False,
            f"{len(old)} rings wait for more than 10 minutes though a server runs: see "
            f"`iai-mcp events`",
        )
    else:
        wait = "; the next server reads them" if bells and not serving else ""
        yield Finding("capture: backlog", True, f"{len(bells)} rings wait{wait}")

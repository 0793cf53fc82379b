"""The checks of connected hosts: server, hooks, trust in hooks."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from iai_memory import Memory, Settings
from iai_memory.errors import InvalidInput

from ..hosts.codex_trust import trust_in_hooks
from ..hosts.errors import HostFileFault
from ..hosts.file_change import read_bytes
from ..hosts.hook_files import PROMPT_HOOK
from ..hosts.hook_scripts import script_faults
from ..hosts.hooks_json import EVENTS, Hook, HooksInJson
from ..hosts.host import Host
from ..hosts.host_file import HostFile
from ..hosts.launch_command import SERVER, Started, started_by
from ..hosts.names import HostName
from ..hosts.registry import host
from .check import Check


def check_hosts(memory: Memory) -> list[Check]:
    """Check every connected host, for the user and for the current folder."""
    cwd = Path.cwd()
    checks = [
        check
        for project in _scopes(cwd)
        for name in HostName
        for check in _check_host(name, memory.settings, project, cwd)
    ]
    try:
        checks += _check_repetitions(memory.settings)
    except HostFileFault as exc:
        checks.append(Check("hosts", False, str(exc)))
    if not checks:
        finding = "none is connected: run `iai-mcp connect --all`, or with the name of one"
        checks.append(Check("hosts", True, finding))
    return checks


def _scopes(cwd: Path) -> tuple[Path | None, ...]:
    # In the home folder, the files of a project are those of the user.
    return (None,) if cwd == Path.home().resolve() else (None, cwd)


def _check_host(
    name: HostName, settings: Settings, project: Path | None, cwd: Path
) -> Iterator[Check]:
    label = name if project is None else f"{name} in this folder"
    fix = f"run `iai-mcp connect {name}{'' if project is None else ' --project'}`"
    try:
        found = host(name, settings, project)
        servers = [
            (file.path, started)
            for file in found.servers
            if (started := started_by(file.entry())) is not None
        ]
        hooks = _hooks_in(found.hooks)
        retired = [file.path for file in found.retired if file.entry() is not None]
    except InvalidInput:
        return  # the host has no files of a project
    except HostFileFault as exc:
        yield Check(label, False, str(exc))
        return
    for path in retired:
        finding = f"{path} names paths of one machine, and others read it: {fix}"
        yield Check(f"{label}: shared", False, finding)
    if not servers and not hooks:
        return
    yield _check_server(label, found, servers, fix)
    if found.hooks is not None:
        yield _check_hooks(f"{label}: hooks", hooks, fix)
        if name is HostName.CODEX and hooks:
            yield _check_trust(f"{label}: trust in hooks", found.hooks.path, hooks, cwd)


def _check_repetitions(settings: Settings) -> Iterator[Check]:
    """Check that no hook runs twice, or a session would begin with two pages."""
    plugin = _plugin(settings)
    if plugin is not None:
        yield Check("claude-code: plugin", True, f"{plugin} is enabled")
    if plugin is not None and _readable_hooks_in(host(HostName.CLAUDE_CODE, settings).hooks):
        finding = "the page comes twice, from the plugin and from settings.json"
        yield Check("claude-code: once", False, f"{finding}: run `iai-mcp disconnect claude-code`")


def _plugin(settings: Settings) -> str | None:
    """Return the name of our plugin in Claude Code, if it is enabled for this user."""
    file = host(HostName.CLAUDE_CODE, settings).hooks
    try:
        content = json.loads(read_bytes(file.path) or b"{}") if file is not None else {}
    except (HostFileFault, ValueError, RecursionError):
        return None
    enabled = content.get("enabledPlugins") if isinstance(content, dict) else None
    names = enabled if isinstance(enabled, dict) else {}
    return next((name for name, on in names.items() if on and name.startswith(f"{SERVER}@")), None)


def _readable_hooks_in(file: HostFile | None) -> list[Hook]:
    try:
        return _hooks_in(file)
    except HostFileFault:
        return []  # reported where the file's own host is checked


def _check_server(label: str, found: Host, servers: list[tuple[Path, Started]], fix: str) -> Check:
    name = f"{label}: server"
    if not servers:
        paths = " and ".join(str(file.path) for file in found.servers)
        return Check(name, False, f"{paths} has hooks but no server: {fix}")
    faults = [fault for path, one in servers if (fault := _server_fault(path, one, found, fix))]
    if faults:
        return Check(name, False, "; ".join(faults))
    return Check(name, True, ", ".join(f"{one.command}, in {path}" for path, one in servers))


def _server_fault(path: Path, server: Started, found: Host, fix: str) -> str | None:
    store = server.environment.get("IAI_MCP_STORE")
    if not server.command.is_absolute():  # everybody's entry: the store is each user's own
        on_path = shutil.which(server.command.name) is not None
        missing = f"{path} starts `{server.command}`, which is not on the PATH"
        return None if on_path else f"{missing}: install iai-mcp so that it is"
    if not os.access(server.command, os.X_OK):
        return f"{server.command} cannot be run: {fix}"
    if store != found.launch.environment.get("IAI_MCP_STORE"):
        return (
            f"uses the store in {store or 'the default folder'}, this command another: {fix}, or "
            f"set IAI_MCP_STORE to that one"
        )
    return None


def _hooks_in(file: HostFile | None) -> list[Hook]:
    if file is None or file.entry() is None:
        return []
    return HooksInJson().hooks((read_bytes(file.path) or b"").decode("utf-8-sig"))


def _check_hooks(name: str, hooks: list[Hook], fix: str) -> Check:
    events = [hook.key for hook in hooks]
    declined = any(hook.declines_prompt_recall for hook in hooks)
    faults = {fault.path: fault.what for hook in hooks for fault in script_faults(hook.script)}
    wrong = [
        *(
            f"{event.key} has no hook"
            for event in EVENTS
            if event.key not in events and not (declined and event.script == PROMPT_HOOK)
        ),
        *(
            f"{event} has {events.count(event)}"
            for event in sorted(set(events))
            if events.count(event) > 1
        ),
        *(f"{path} {what}" for path, what in faults.items()),
        *(
            f"{hook.event} runs at {hook.matcher} only, and hosts have more sources"
            for hook in hooks
            if hook.has_old_matcher
        ),
        *(
            f"the command of {hook.key} is of an older form: it names no `iai-mcp` to run"
            for hook in hooks
            if not hook.names_command
        ),
    ]
    if wrong:
        return Check(name, False, f"{', '.join(wrong)}: {fix}")
    off = "; nothing is recalled at prompts, as you chose" if declined else ""
    return Check(name, True, f"{len(hooks)}, of this version{off}")


def _check_trust(name: str, file: Path, hooks: list[Hook], cwd: Path) -> Check:
    found = trust_in_hooks(file, hooks, cwd)
    if found.skipped:
        finding = f"codex skips hooks without a word: {', '.join(found.skipped)}"
        return Check(name, False, f"{finding}; start codex, type /hooks and trust them")
    return Check(name, True, f"{found.trusted} trusted, says {found.source}")

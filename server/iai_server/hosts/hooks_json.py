"""Our hooks under `hooks`, in the shape that Claude Code and Codex share."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .file_format import NotMergeable
from .hook_files import CAPTURE_HOOK, PROMPT_HOOK, RECALL_HOOK
from .json_edit import JsonText, Keys
from .launch_command import Launch
from .server_json import predicates

_HOOKS: Keys = ("hooks",)
# Stands before the command of the capture hook where the prompt hook was declined, so that the next
# connect, and doctor, know of it.
_DECLINED = "IAI_MCP_PROMPT_RECALL=0 "


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the hosts for which we install a hook.

    Attributes:
        name: The host's name of it.
        script: The hook script that it runs.
        timeout: Seconds that the host gives the script.
    """

    name: str
    script: str
    timeout: int

    @property
    def key(self) -> str:
        """Its name, with the script where that is not the only one of the event."""
        return _key(self.name, self.script)

    def group(self, command: str) -> dict[str, Any]:
        """Return the entry of a host's file that runs the command at this event."""
        return {"hooks": [{"type": "command", "command": command, "timeout": self.timeout}]}


# The recall hook gives the live command 10 s. SessionEnd has 1 to 1.5 s where none is named, and
# Codex warns in every session when more than 3 s are asked for.
EVENTS = (
    # Without a matcher: hosts add sources, and a session of each wants its page.
    Event("SessionStart", RECALL_HOOK, 15),
    Event("UserPromptSubmit", CAPTURE_HOOK, 5),
    Event("UserPromptSubmit", PROMPT_HOOK, 5),
    Event("Stop", CAPTURE_HOOK, 5),
    Event("PreCompact", CAPTURE_HOOK, 5),
    Event("SessionEnd", CAPTURE_HOOK, 3),
)


# What connect wrote until hosts had sources that are not among these.
OLD_MATCHER = "startup|resume|clear|compact"


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook of ours in a host's file.

    Attributes:
        event: The event that runs it.
        command: Its shell command.
        script: The script that the command runs.
        at: Its group and its place in the group.
        matcher: The sources of the event for which the group runs; None for all.
        is_alone: Whether it is the only hook of its group.
    """

    event: str
    command: str
    script: Path
    at: tuple[int, int]
    matcher: str | None
    is_alone: bool

    @property
    def key(self) -> str:
        """The key of the event that it is for."""
        return _key(self.event, self.script.name)

    @property
    def declines_prompt_recall(self) -> bool:
        """Whether it notes that the user wants no prompt hook."""
        return self.command.startswith(_DECLINED)

    @property
    def has_old_matcher(self) -> bool:
        """Whether it runs at fewer sources than connect asks for, though no user said so."""
        return self.matcher == OLD_MATCHER

    @property
    def names_command(self) -> bool:
        """Whether its command names the `iai-mcp` that the script runs."""
        return "IAI_MCP_CLI=" in self.command

    @property
    def keys(self) -> Keys:
        """Its path in the file's JSON."""
        return (*_HOOKS, self.event, self.at[0], "hooks", self.at[1])


class HooksInJson:
    """A JSON file with `hooks`; ours are those that run one of our scripts and nothing else.

    What is ours is a mapping from an event's key to the command that it runs.
    """

    def __init__(self, prompt_recall: bool | None = None) -> None:
        """Take the user's choice about the prompt hook; None is that of an earlier connect."""
        self._prompt_recall = prompt_recall

    def entry_in(self, text: str) -> dict[str, str] | None:
        """Return our commands by event; None if there are none."""
        return {hook.key: hook.command for hook in self.hooks(text)} or None

    def hooks(self, text: str) -> list[Hook]:
        """Return every hook of ours.

        Raises:
            NotMergeable: The text is not JSON, or its hooks are not what hosts read.
        """
        with predicates():
            return list(_hooks(JsonText(text)))

    def with_entry(self, text: str, ours: dict[str, str]) -> str:
        """Return the text with one hook of ours for each event; a user's timeout and matcher stay.

        New ones go to the end: Codex's trust in a hook is bound to its place.
        """
        with predicates():
            json_text = JsonText(text)
            ours = self._chosen(json_text, ours)
            for event in EVENTS:
                old = [hook for hook in _hooks(json_text) if hook.key == event.key]
                if event.key not in ours:
                    for hook in reversed(old):
                        _remove(json_text, hook, JsonText(""))
                    continue
                for twice in reversed(old[1:]):
                    _remove(json_text, twice, JsonText(""))
                if old and old[0].has_old_matcher:
                    if old[0].is_alone:
                        json_text.remove((*_HOOKS, event.name, old[0].at[0], "matcher"))
                    else:  # the others in its group keep their matcher
                        _remove(json_text, old[0], JsonText(""))
                        old = []
                if not old:
                    json_text.append((*_HOOKS, event.name), event.group(ours[event.key]))
                elif old[0].command != ours[event.key]:
                    json_text.put((*old[0].keys, "command"), ours[event.key])
            return json_text.checked()

    def without_entry(self, text: str, before: str) -> str:
        """Return the text without our hooks."""
        with predicates():
            json_text, had = JsonText(text), JsonText(before)
            while hooks := list(_hooks(json_text)):
                _remove(json_text, hooks[-1], had)
            return json_text.checked()

    def snippet(self, ours: dict[str, str]) -> str:
        """Return the file as it would be with nothing else in it."""
        ours = self._chosen(JsonText(""), ours)
        groups: dict[str, list[dict[str, Any]]] = {}
        for event in EVENTS:
            if event.key in ours:
                groups.setdefault(event.name, []).append(event.group(ours[event.key]))
        return json.dumps({"hooks": groups}, ensure_ascii=False, indent=2)

    def _chosen(self, json_text: JsonText, ours: dict[str, str]) -> dict[str, str]:
        """Return the commands without the prompt hook's, and a note of it, where it is declined."""
        declined = any(hook.declines_prompt_recall for hook in _hooks(json_text))
        wanted = not declined if self._prompt_recall is None else self._prompt_recall
        if wanted or _PROMPT not in ours:
            return ours
        kept = {key: command for key, command in ours.items() if key != _PROMPT}
        return kept | {_AT_PROMPT: _DECLINED + kept[_AT_PROMPT]}


def hook_commands(launch: Launch) -> dict[str, str]:
    """Return the command of each event."""
    return {event.key: launch.hook_command(event.script) for event in EVENTS}


def script_of(command: Any) -> Path | None:
    """Return the script of ours that a command runs, after variables and nothing else."""
    if not isinstance(command, str):
        return None
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    while words and _is_assignment(words[0]):
        del words[0]
    if len(words) != 1 or Path(words[0]).name not in (RECALL_HOOK, CAPTURE_HOOK, PROMPT_HOOK):
        return None
    return Path(words[0])


def _key(event: str, script: str) -> str:
    return f"{event} (prompt recall)" if script == PROMPT_HOOK else event


_PROMPT = _key("UserPromptSubmit", PROMPT_HOOK)
_AT_PROMPT = _key("UserPromptSubmit", CAPTURE_HOOK)


def _is_assignment(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier()


def _hooks(json_text: JsonText) -> Iterator[Hook]:
    events = _typed(json_text.get(_HOOKS), dict, "hooks", "an object")
    for event, groups in events.items():
        for i, group in enumerate(_typed(groups, list, f"hooks.{event}", "an array")):
            where = f"hooks.{event}.{i}"
            members = _typed(group, dict, where, "an object")
            hooks = _typed(members.get("hooks"), list, where, "an array")
            for j, hook in enumerate(hooks):
                command = hook.get("command") if isinstance(hook, dict) else None
                script = script_of(command)
                if script is not None and isinstance(command, str):
                    matcher = members.get("matcher")
                    yield Hook(event, command, script, (i, j), matcher, len(hooks) == 1)


def _typed(value: Any, kind: type, where: str, wanted: str) -> Any:
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise NotMergeable(f"has a {where} that is not {wanted}")
    return value


def _remove(json_text: JsonText, hook: Hook, had: JsonText) -> None:
    """Remove a hook, then each container around it that is empty now and was not in `had`."""
    json_text.remove(hook.keys)
    group: Keys = (*_HOOKS, hook.event, hook.at[0])
    if not json_text.get((*group, "hooks")):
        json_text.remove(group)
    for holder in ((*_HOOKS, hook.event), _HOOKS):
        if not json_text.get(holder) and not had.has(holder):
            json_text.remove(holder)

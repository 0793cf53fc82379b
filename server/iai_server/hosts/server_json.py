"""Our entry under `mcpServers`, as Claude Code and Claude Desktop read it."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from .file_format import NotMergeable
from .json_edit import JsonText, Keys, NotJson
from .launch_command import OWN_VARIABLES, SERVER, is_ours

_SERVERS: Keys = ("mcpServers",)
_ENTRY: Keys = (*_SERVERS, SERVER)


class ServerInJson:
    """A JSON file with `mcpServers`; ours is the entry called `iai-mcp` that starts us."""

    def entry_in(self, text: str) -> dict[str, Any] | None:
        """Return the entry, whichever installation it starts."""
        with predicates():
            entry = JsonText(text).get(_ENTRY)
        return entry if is_ours(entry) else None

    def with_entry(self, text: str, ours: dict[str, Any]) -> str:
        """Return the text with the entry; a user's additions to an older entry of ours stay."""
        with predicates():
            json_text = JsonText(text)
            if not json_text.has(_ENTRY):
                json_text.put(_ENTRY, ours)
                return json_text.checked()
            old = json_text.get(_ENTRY)
            if not is_ours(old):
                raise NotMergeable(f"has another server called {SERVER}")
            for keys, value in differences(old, ours):
                if value is None:
                    json_text.remove((*_ENTRY, *keys))
                else:
                    json_text.put((*_ENTRY, *keys), value)
            if not json_text.get((*_ENTRY, "env")) and "env" in old and "env" not in ours:
                json_text.remove((*_ENTRY, "env"))
            return json_text.checked()

    def without_entry(self, text: str, before: str) -> str:
        """Return the text without the entry."""
        with predicates():
            json_text, had = JsonText(text), JsonText(before)
            json_text.remove(_ENTRY)
            if not json_text.get(_SERVERS) and not had.has(_SERVERS):
                json_text.remove(_SERVERS)
            return json_text.checked()

    def snippet(self, ours: dict[str, Any]) -> str:
        """Return the file as it would be with nothing else in it."""
        return json.dumps({"mcpServers": {SERVER: ours}}, ensure_ascii=False, indent=2)


def differences(old: dict[str, Any], ours: dict[str, Any]) -> Iterator[tuple[Keys, Any]]:
    """Yield the keys to set in an older entry, with their values; None removes one."""
    for key in ("type", "command", "args"):
        if key in ours and old.get(key) != ours[key]:
            yield (key,), ours[key]
    old_env, env = old.get("env"), ours.get("env", {})
    if not isinstance(old_env, dict):
        if env:
            yield ("env",), env
        return
    for name in OWN_VARIABLES:
        if old_env.get(name) != env.get(name):
            yield ("env", name), env.get(name)


@contextmanager
def predicates() -> Generator[None]:
    """Raise `NotMergeable` in place of `NotJson`, with the same predicate."""
    try:
        yield
    except NotJson as exc:
        raise NotMergeable(str(exc)) from exc

"""Our entry among the servers of a JSON file, as most hosts read it."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from .file_format import NotMergeable
from .json_edit import JsonText, Keys, NotJson
from .launch_command import OWN_VARIABLES, SERVER, started_by


class ServerInJson:
    """A JSON file with servers; ours is the one called `iai-mcp` that starts us."""

    def __init__(self, servers: str = "mcpServers", environment: str = "env") -> None:
        """Take the names of the object of all servers, and of the variables of one."""
        self._servers: Keys = (servers,)
        self._entry: Keys = (servers, SERVER)
        self._environment = environment

    def entry_in(self, text: str) -> dict[str, Any] | None:
        """Return the entry, whichever installation it starts."""
        with predicates():
            entry = JsonText(text).get(self._entry)
        return None if started_by(entry) is None else entry

    def with_entry(self, text: str, ours: dict[str, Any]) -> str:
        """Return the text with the entry; a user's additions to an older entry of ours stay."""
        with predicates():
            json_text = JsonText(text)
            if not json_text.has(self._entry):
                json_text.put(self._entry, ours)
                return json_text.checked()
            old = json_text.get(self._entry)
            if started_by(old) is None:
                raise NotMergeable(f"has another server called {SERVER}")
            for keys, value in differences(old, ours, self._environment):
                if value is None:
                    json_text.remove((*self._entry, *keys))
                else:
                    json_text.put((*self._entry, *keys), value)
            variables = (*self._entry, self._environment)
            if json_text.get(variables) == {} and self._environment not in ours:
                json_text.remove(variables)
            return json_text.checked()

    def without_entry(self, text: str, before: str) -> str:
        """Return the text without the entry."""
        with predicates():
            json_text, had = JsonText(text), JsonText(before)
            json_text.remove(self._entry)
            if not json_text.get(self._servers) and not had.has(self._servers):
                json_text.remove(self._servers)
            return json_text.checked()

    def snippet(self, ours: dict[str, Any]) -> str:
        """Return the file as it would be with nothing else in it."""
        return json.dumps({self._servers[0]: {SERVER: ours}}, ensure_ascii=False, indent=2)


def differences(
    old: dict[str, Any], ours: dict[str, Any], environment: str = "env"
) -> Iterator[tuple[Keys, Any]]:
    """Yield the keys to set in an older entry, with their values; None removes one."""
    for key in ("type", "command", "args"):
        if key in ours and old.get(key) != ours[key]:
            yield (key,), ours[key]
    old_env, env = old.get(environment), ours.get(environment, {})
    if not isinstance(old_env, dict):
        if env:
            yield (environment,), env
        return
    for name in OWN_VARIABLES:
        if old_env.get(name) != env.get(name):
            yield (environment, name), env.get(name)


@contextmanager
def predicates() -> Generator[None]:
    """Raise `NotMergeable` in place of `NotJson`, with the same predicate."""
    try:
        yield
    except NotJson as exc:
        raise NotMergeable(str(exc)) from exc

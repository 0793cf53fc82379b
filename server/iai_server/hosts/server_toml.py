"""Our table under `mcp_servers`, as Codex reads it; comments and order of the rest stay."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable

from .file_format import NotMergeable
from .launch_command import SERVER, started_by
from .server_json import differences

_SERVERS = "mcp_servers"
_HEADER = re.compile(r"[ \t]*\[.*\]")


class ServerInToml:
    """A TOML file with `mcp_servers`; ours is the table called `iai-mcp` that starts us."""

    def entry_in(self, text: str) -> dict[str, Any] | None:
        """Return the entry, whichever installation it starts."""
        entry = _entry(_loaded(text))
        return None if started_by(entry) is None else entry

    def with_entry(self, text: str, ours: dict[str, Any]) -> str:
        """Return the text with the table; a user's additions to an older table of ours stay."""
        wanted = _loaded(text)
        old = _entry(wanted)
        if old is not None and started_by(old) is None:
            raise NotMergeable(f"has another server called {SERVER}")
        if old is None:
            wanted.setdefault(_SERVERS, {})[SERVER] = ours
            return _proved(_added(text, ours), wanted)
        with _predicates():
            document = tomlkit.parse(text)
            table = document[_SERVERS][SERVER]
            for keys, value in list(differences(old, ours)):
                for target in (table, old):
                    _set(target, keys, value)
            if "env" in old and not old["env"] and "env" not in ours:
                del old["env"]
                del table["env"]
            return _proved(tomlkit.dumps(document), wanted)

    def without_entry(self, text: str, before: str) -> str:
        """Return the text without the table."""
        wanted, had = _loaded(text), _loaded(before)
        del wanted[_SERVERS][SERVER]
        if not wanted[_SERVERS] and _SERVERS not in had:
            del wanted[_SERVERS]
        cut = _cut(text)
        if _means(cut, wanted):
            return cut
        with _predicates():
            document = tomlkit.parse(text)
            del document[_SERVERS][SERVER]
            if _SERVERS not in wanted:
                del document[_SERVERS]
            return _proved(tomlkit.dumps(document), wanted)

    def snippet(self, ours: dict[str, Any]) -> str:
        """Return the table as text."""
        return _block(ours)


def _added(text: str, ours: dict[str, Any]) -> str:
    """Return the text with the table at its end, where it changes nothing before it."""
    servers = _loaded(text).get(_SERVERS)
    with _predicates():
        document = tomlkit.parse(text)
        if (
            isinstance(servers, dict) and not isinstance(document[_SERVERS], InlineTable)
        ) or servers is None:
            newline = "\r\n" if "\r\n" in text else "\n"
            gap = "" if not text else newline if text.endswith("\n") else newline * 2
            return text + gap + _block(ours).replace("\n", newline)
        document[_SERVERS][SERVER] = ours
        return tomlkit.dumps(document)


def _cut(text: str) -> str:
    """Return the text without the lines of our table and its sub-tables.

    Comments before the next header stay: tomlkit would count them to our table and drop them.
    """
    kept: list[str] = []
    held: list[str] = []
    inside = False
    for line in text.splitlines(keepends=True):
        header = _HEADER.match(line)
        if header is not None:
            kept += held
            held = []
            was, inside = inside, _is_our_table(header[0])
            if inside and not was and kept and not kept[-1].strip():
                del kept[-1]
        elif inside:
            held = [] if line.strip() and not line.lstrip().startswith("#") else [*held, line]
        if not inside:
            kept.append(line)
    return "".join(kept + held)


def _is_our_table(header: str) -> bool:
    try:
        return SERVER in tomllib.loads(header).get(_SERVERS, {})
    except tomllib.TOMLDecodeError:
        return False


def _block(ours: dict[str, Any]) -> str:
    document = tomlkit.document()
    servers = tomlkit.table(is_super_table=True)
    table = tomlkit.table()
    for key, value in ours.items():
        table.add(key, value)
    servers.add(SERVER, table)
    document.add(_SERVERS, servers)
    return tomlkit.dumps(document)


def _set(target: Any, keys: tuple[str | int, ...], value: Any) -> None:
    *holders, last = keys
    for key in holders:
        target = target[key]
    if value is None:
        del target[last]
    else:
        target[last] = value


def _entry(document: dict[str, Any]) -> Any:
    servers = document.get(_SERVERS)
    if servers is not None and not isinstance(servers, dict):
        raise NotMergeable(f"has a {_SERVERS} that is not a table")
    return None if servers is None else servers.get(SERVER)


def _loaded(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise NotMergeable(f"is not TOML ({exc})") from exc


def _means(text: str, wanted: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False


def _proved(text: str, wanted: dict[str, Any]) -> str:
    """Return the text if it parses to `wanted`: tomlkit cannot keep every text."""
    if not _means(text, wanted):
        raise NotMergeable("is written in a way that cannot be kept")
    return text


@contextmanager
def _predicates() -> Generator[None]:
    try:
        yield
    except (TOMLKitError, ValueError, KeyError, TypeError) as exc:
        raise NotMergeable(f"is written in a way that cannot be kept ({exc})") from exc

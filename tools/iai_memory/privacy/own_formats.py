"""What of a file of ours may be the user's words, so that a removal of text leaves the rest alone.

Our files are JSON, one object or one a line, or lines of text. The names of fields, the names of
events, ids and times are ours: the scrub of an everyday word once renamed the field `event` of the
whole ledger, and a restore then brought back what had been forgotten. Where an object is keyed by
names of files or folders, these are the user's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

# Of a field of these names the value is ours, too: what reads the file decides by it.
_DECIDING: Final = frozenset(
    {
        *("event", "at", "pid", "id", "ids", "old_id", "new_id", "by", "host", "hosts", "origin"),
        *("when", "tried", "undone", "created", "rendered_at", "format", "version", "table"),
        *("purpose", "kind", "kept", "put_back", "folder", "digests", "purged", "unfinished"),
        *("began_at", "queued_at", "tried_at", "lost_at", "started_at", "stamp", "step"),
        *("command", "embedder", "trigger"),
    }
)
_FILES_WITHIN: Final = frozenset({"content", "history"})  # of a backup's lines, JSON as a text
_OUR_NAME: Final = re.compile("[a-z][a-z0-9_]*")


def cleaned(text: str, clean: Callable[[str], str]) -> str:
    """Return the text of a file of ours with each of the user's words as `clean` returns it."""
    whole = _parsed(text)
    if whole is not None:
        return _written(text, whole, clean)
    return "\n".join(
        clean(part) if value is None else _written(part, value, clean)
        for part, value in _parts(text)
    )


def words(text: str) -> Iterator[str]:
    """Yield each text in a file of ours that may be the user's."""
    whole = _parsed(text)
    if whole is not None:
        yield from _words(whole)
        return
    for part, value in _parts(text):
        yield from [part] if value is None else _words(value)


def _parts(text: str) -> Iterator[tuple[str, Any]]:
    """Yield each line that is JSON with what it says, and the lines between as one, with None."""
    plain: list[str] = []
    for line in text.split("\n"):
        value = _parsed(line)
        if value is None:
            plain.append(line)
            continue
        if plain:
            yield "\n".join(plain), None
        plain = []
        yield line, value
    if plain:
        yield "\n".join(plain), None


def _parsed(text: str) -> Any:
    """Return the object or list that the text is; None for any other text."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _written(text: str, value: Any, clean: Callable[[str], str]) -> str:
    """Return the text as it is where nothing changes, else written anew in its own style."""
    after = _changed(value, clean)
    if after == value:
        return text
    end = "\n" if text.endswith("\n") else ""
    indent = 1 if "\n" in text.strip() else None
    return json.dumps(after, ensure_ascii=text.isascii(), indent=indent) + end


def _changed(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_changed(one, clean) for one in value]
    if isinstance(value, dict):
        return {
            name if _OUR_NAME.fullmatch(name) else clean(name): one
            if name in _DECIDING
            else _changed(one, clean)
            for name, one in value.items()
        }
    return value


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _words(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if not _OUR_NAME.fullmatch(name):
                yield name
            if name in _FILES_WITHIN and isinstance(one, str):
                yield from words(one)
            elif name not in _DECIDING:
                yield from _words(one)

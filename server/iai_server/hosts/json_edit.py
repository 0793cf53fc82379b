"""Edits of a JSON text in one place that leave every other byte as it was.

Hosts write their files in their own style, and people edit them by hand. Parsing and dumping would
lose indentation, number formats and escapes; these edits find the place in the text instead. The
same edit is made on the parsed value, and `JsonText.checked` compares the two.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

Keys = tuple[str | int, ...]

_BLANK = re.compile(r"[ \t\r\n]*")
_EMPTY = "{}\n"
_DEFAULT_UNIT = "  "


class NotJson(Exception):
    """The text is not one JSON object; the message says why, as a predicate."""


@dataclass(frozen=True, slots=True)
class _Child:
    """One member or item: the places of its key and of its value."""

    key: str | int
    at: int
    start: int
    end: int


class JsonText:
    """A JSON object as text, and as the value that the text means."""

    def __init__(self, text: str) -> None:
        """Read the text; nothing but blanks is an empty object.

        Raises:
            NotJson: It is not one JSON object.
        """
        self.text = text if text.strip(" \t\r\n") else _EMPTY
        self.value = _loaded(self.text)

    def get(self, path: Keys) -> Any:
        """Return the value at the path; None if nothing is there."""
        value: Any = self.value
        for key in path:
            if isinstance(key, str):
                value = value.get(key) if isinstance(value, dict) else None
            else:
                value = value[key] if isinstance(value, list) and key < len(value) else None
        return value

    def has(self, path: Keys) -> bool:
        """Return whether the path leads to a value, even if that is null."""
        holder = self.get(path[:-1])
        if isinstance(holder, dict):
            return path[-1] in holder
        return isinstance(holder, list) and isinstance(path[-1], int) and path[-1] < len(holder)

    def put(self, path: Keys, value: Any) -> None:
        """Set the value of a member; make missing objects on the way, each at its parent's end.

        Raises:
            NotJson: Something on the way is not an object.
        """
        *_, key = path
        holder: Any = self.get(path[:-1])
        if len(path) > 1 and not self.has(path[:-1]):
            self.put(path[:-1], {key: value})
            return
        if not isinstance(holder, dict if isinstance(key, str) else list):
            raise NotJson(f"has a {_dotted(path[:-1])} that is not an object")
        if self.has(path):
            child = self._child(path)
            indent = _line_indent(self.text, child.at)
            new = self._rendered(value, None if self._is_inline(path[:-1]) else indent)
            self.text = self.text[: child.start] + new + self.text[child.end :]
        else:
            self._insert(path[:-1], json.dumps(key, ensure_ascii=False), value)
        target: Any = holder
        target[key] = value

    def append(self, path: Keys, value: Any) -> None:
        """Add an item to the end of an array; make the array if it is missing.

        Raises:
            NotJson: Something else than an array is there.
        """
        if not self.has(path):
            self.put(path, [value])
            return
        items = self.get(path)
        if not isinstance(items, list):
            raise NotJson(f"has a {_dotted(path)} that is not an array")
        self._insert(path, None, value)
        items.append(value)

    def remove(self, path: Keys) -> None:
        """Remove the member or item at the path, with its comma.

        Raises:
            KeyError: Nothing is there.
        """
        siblings, start, close = self._children(path[:-1])
        child = self._child(path)
        index = siblings.index(child)
        if index:
            cut = (siblings[index - 1].end, child.end)
        elif len(siblings) > 1:
            cut = (child.at, siblings[1].at)
        else:
            cut = (start + 1, close)
        self.text = self.text[: cut[0]] + self.text[cut[1] :]
        del self.get(path[:-1])[path[-1]]

    def checked(self) -> str:
        """Return the edited text, once parsing it gives the edited value.

        Raises:
            NotJson: It does not, as with two members of one name.
        """
        if _loaded(self.text) != self.value:
            raise NotJson("has members of one name twice")
        return self.text

    def _insert(self, path: Keys, key: str | None, value: Any) -> None:
        siblings, start, close = self._children(path)
        newline = "\r\n" if "\r\n" in self.text else "\n"
        named = "" if key is None else key + self._colon()
        if self._is_inline(path):
            new = named + self._rendered(value, None)
            at = siblings[-1].end if siblings else close
            self.text = self.text[:at] + (self._comma() if siblings else "") + new + self.text[at:]
        elif siblings:
            indent = _line_indent(self.text, siblings[0].at)
            at = siblings[-1].end
            new = f",{newline}{indent}{named}{self._rendered(value, indent)}"
            self.text = self.text[:at] + new + self.text[at:]
        else:
            outer = _line_indent(self.text, start)
            indent = outer + self._unit()
            new = f"{newline}{indent}{named}{self._rendered(value, indent)}{newline}{outer}"
            self.text = self.text[: start + 1] + new + self.text[close:]

    def _rendered(self, value: Any, indent: str | None) -> str:
        """Return the value's JSON: on one line without an indent, else with its lines indented."""
        if indent is None:
            separators = (self._comma(), self._colon())
            return json.dumps(value, ensure_ascii=False, separators=separators)
        newline = "\r\n" if "\r\n" in self.text else "\n"
        dumped = json.dumps(value, ensure_ascii=False, indent=self._unit())
        return dumped.replace("\n", newline + indent)

    def _is_inline(self, path: Keys) -> bool:
        """Return whether members of this container stand beside each other on one line."""
        siblings, start, _ = self._children(path)
        if siblings:
            return "\n" not in self.text[start : siblings[0].at]
        top, _, _ = self._children(())
        return bool(top) and "\n" not in self.text.strip(" \t\r\n")

    def _unit(self) -> str:
        top, start, _ = self._children(())
        if top and "\n" in self.text[start : top[0].at]:
            return _line_indent(self.text, top[0].at) or _DEFAULT_UNIT
        return _DEFAULT_UNIT

    def _colon(self) -> str:
        top, _, _ = self._children(())
        return ":" if top and self.text[top[0].start - 1] == ":" else ": "

    def _comma(self) -> str:
        return "," if self._colon() == ":" else ", "

    def _child(self, path: Keys) -> _Child:
        for child in reversed(self._children(path[:-1])[0]):  # of two the parser takes the last
            if child.key == path[-1]:
                return child
        raise KeyError(_dotted(path))

    def _children(self, path: Keys) -> tuple[list[_Child], int, int]:
        """Return the children of a container, and the places of its two brackets."""
        start = self._child(path).start if path else _skip(self.text, 0)
        children: list[_Child] = []
        decoder = json.JSONDecoder(parse_constant=str)
        at = _skip(self.text, start + 1)
        while self.text[at] not in "}]":
            key: str | int = len(children)
            value = at
            if self.text[start] == "{":
                key, value = decoder.raw_decode(self.text, at)
                value = _skip(self.text, _skip(self.text, value) + 1)
            _, end = decoder.raw_decode(self.text, value)
            children.append(_Child(key, at, value, end))
            at = _skip(self.text, end)
            if self.text[at] == ",":
                at = _skip(self.text, at + 1)
        return children, start, at


def _loaded(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_constant=str)
    except ValueError as exc:
        raise NotJson(f"is not JSON ({exc})") from exc
    except RecursionError as exc:
        raise NotJson("is nested too deeply") from exc
    if not isinstance(value, dict):
        raise NotJson("is not a JSON object")
    return value


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return at if blank is None else blank.end()


def _line_indent(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _dotted(path: Keys) -> str:
    return ".".join(str(key) for key in path)

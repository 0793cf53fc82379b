"""Edits of a JSON text in one place that leave every other byte as it was.

Hosts write their files in their own style, and people edit them by hand. Parsing and dumping would
lose indentation, number formats, escapes and comments; these edits find the place in the text
instead. The same edit is made on the parsed value, and `JsonText.checked` compares the two.

Comments and trailing commas (JSONC) stay too: `bare_json` puts blanks in their place, so that a
place in the bare text is the same place in the text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from .jsonc import BLANKS, bare_json, end_of_line_comment, without_comments

Keys = tuple[str | int, ...]

_BLANK = re.compile(f"[{BLANKS}]*")
_ENDS_LINE = re.compile(r"[ \t]*(?:\r?\n|\Z)")
_EMPTY = "{}\n"
_DEFAULT_UNIT: Final = "  "


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
        """Read the text; nothing but blanks and comments is an empty object.

        Raises:
            NotJson: It is not one JSON object.
        """
        if not text.strip(BLANKS):
            text = _EMPTY
        elif not without_comments(text).strip(BLANKS):
            text = f"{text.rstrip(BLANKS)}\n{_EMPTY}"
        self._take(text)
        self.value = _loaded(self._bare)

    def _take(self, text: str) -> None:
        self.text = text
        self._uncommented = without_comments(text)
        self._bare = bare_json(self._uncommented)

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
            self._take(self.text[: child.start] + new + self.text[child.end :])
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
        """Remove the member or item at the path, with one comma; comments around it stay.

        Raises:
            KeyError: Nothing is there.
        """
        siblings, start, close = self._children(path[:-1])
        child = self._child(path)
        index = siblings.index(child)
        before = siblings[index - 1].end if index else start + 1
        behind = _skip(self._uncommented, child.end)
        comma = self._uncommented[behind] == ","
        if index and self._is_plain(before, child.at):
            self._cut(before, child.end)
        elif index and not comma:
            at = self._uncommented.index(",", before)
            self._cut(at, at + 1)
            self._cut_line(child.at - 1, child.end - 1)
        elif not index and len(siblings) > 1:
            self._cut(child.at, _skip(self.text, behind + 1))
        elif not index and self._is_plain(before, child.at) and self._is_plain(child.end, close):
            self._cut(before, close)
        else:
            if comma:
                self.text = self.text[:behind] + self.text[behind + 1 :]
            self._cut_line(child.at, child.end)
        del self.get(path[:-1])[path[-1]]

    def checked(self) -> str:
        """Return the edited text, once parsing it gives the edited value.

        Raises:
            NotJson: It does not, as with two members of one name.
        """
        if _loaded(self._bare) != self.value:
            raise NotJson("has members of one name twice")
        return self.text

    def _is_plain(self, start: int, end: int) -> bool:
        """Return whether nothing but blanks and commas stands there."""
        return not self.text[start:end].strip(BLANKS + ",")

    def _cut(self, start: int, end: int) -> None:
        self._take(self.text[:start] + self.text[end:])

    def _cut_line(self, start: int, end: int) -> None:
        """Cut, with the blanks before it where its line ends behind it."""
        if _ENDS_LINE.match(self.text, end):
            start = len(self.text[:start].rstrip(BLANKS))
        self._cut(start, end)

    def _insert(self, path: Keys, key: str | None, value: Any) -> None:
        siblings, start, close = self._children(path)
        newline = self._newline()
        named = "" if key is None else key + self._colon()
        if self._is_inline(path):
            new = named + self._rendered(value, None)
            at = siblings[-1].end if siblings else close
            self._put_at(at, (self._comma() if siblings else "") + new)
        elif siblings:
            indent = _line_indent(self.text, siblings[0].at)
            self._put_behind(
                siblings[-1].end, f"{newline}{indent}{named}{self._rendered(value, indent)}"
            )
        else:
            outer = _line_indent(self.text, start)
            indent = outer + self._unit()
            inside = self.text[start + 1 : close].rstrip(BLANKS)
            new = f"{newline}{indent}{named}{self._rendered(value, indent)}{newline}{outer}"
            self._take(self.text[: start + 1] + inside + new + self.text[close:])

    def _put_at(self, at: int, new: str) -> None:
        self._take(self.text[:at] + new + self.text[at:])

    def _put_behind(self, end: int, new: str) -> None:
        """Put a member on a line of its own behind the last one, and behind its comment."""
        behind = _skip(self._uncommented, end)
        trailing = self._uncommented[behind] == ","
        at = end_of_line_comment(self.text, behind + 1 if trailing else end)
        self._put_at(at, new + ("," if trailing else ""))
        if not trailing:
            self._put_at(end, ",")

    def _rendered(self, value: Any, indent: str | None) -> str:
        """Return the value's JSON: on one line without an indent, else with its lines indented."""
        if indent is None:
            separators = (self._comma(), self._colon())
            return json.dumps(value, ensure_ascii=False, separators=separators)
        dumped = json.dumps(value, ensure_ascii=False, indent=self._unit())
        return dumped.replace("\n", self._newline() + indent)

    def _newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def _is_inline(self, path: Keys) -> bool:
        """Return whether members of this container stand beside each other on one line."""
        siblings, start, close = self._children(path)
        if siblings:
            return "\n" not in self.text[start : siblings[0].at]
        top, _, _ = self._children(())
        one_line = "\n" not in self.text.strip(BLANKS)
        return bool(top) and one_line and self._is_plain(start + 1, close)

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
        text = self._bare
        start = self._child(path).start if path else _skip(text, 0)
        children: list[_Child] = []
        decoder = json.JSONDecoder(parse_constant=str)
        at = _skip(text, start + 1)
        while text[at] not in "}]":
            key: str | int = len(children)
            value = at
            if text[start] == "{":
                key, value = decoder.raw_decode(text, at)
                value = _skip(text, _skip(text, value) + 1)
            _, end = decoder.raw_decode(text, value)
            children.append(_Child(key, at, value, end))
            at = _skip(text, end)
            if text[at] == ",":
                at = _skip(text, at + 1)
        return children, start, at


def _loaded(bare: str) -> dict[str, Any]:
    try:
        value = json.loads(bare, parse_constant=str)
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

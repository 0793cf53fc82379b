"""A line of JSON of any length, shortened while it is read: images go, a long text keeps its ends.

A screenshot makes a line of 20 MB, and the words beside it are a turn. The line is fed in pieces;
what is kept of it is valid wherever the line is.
"""

from __future__ import annotations

import json
import re
from collections import deque
from typing import Final

from ..text.same_words import CUT

# Decoding takes up to nine times these bytes: 32 bits a character, twice, where there is an emoji.
_KEPT_BYTES: Final = 4 * 1024 * 1024
_MAX_BYTES: Final = 5 * 1024 * 1024
_MAX_CONTAINERS: Final = 150_000  # an empty one takes 64 bytes, one with a member 200 and more
_LONGEST_STRING: Final = 3 * 1024 * 1024  # a text of 1 MB, most of it escaped
_SHORTEST_LIMIT: Final = 64 * 1024

# What is between strings, and strings that end in the same piece.
_WHOLE_STRINGS: Final = re.compile(rb'(?:[^"]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
# Whole characters of a string, which is never cut inside an escape or a pair of surrogates.
_INSIDE: Final = re.compile(
    rb'(?:[^"\\]++'
    rb"|\\u(?![dD][89abAB])[0-9a-fA-F]{4}"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}(?:\\u[0-9a-fA-F]{4}|(?=[^\\]|\\[^u]))"
    rb"|\\[^u])*+",
    re.DOTALL,
)
_WHOLE_STRING: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_BLANKS: Final = re.compile(rb"(" + _WHOLE_STRING + rb")|[ \t]{64,}", re.DOTALL)
_STRUCTURE: Final = re.compile(_WHOLE_STRING + rb"|[{}\[\],]", re.DOTALL)
_ESCAPE_BYTES: Final = 12
_PART_OF_A_CHARACTER: Final = re.compile(rb"[\xc0-\xff][\x80-\xbf]{0,2}\Z")
# A run of so many of these, large and small letters and digits, is no text under any key.
_IMAGE_BYTES: Final = 1000
_BASE64: Final = rb"(?:[A-Za-z0-9+/_-]|\\/|\\r|\\n|[\r\n])"
_IMAGE: Final = (
    rb'(?:[dD][aA][tT][aA]:[^",\\]{0,200}(?:\\/[^",\\]{0,200})?,)?'
    rb"(?=[^\"]{0,400}[A-Z])(?=[^\"]{0,400}[a-z])(?=[^\"]{0,400}[0-9])" + _BASE64 + rb"{1000}"
)
_IMAGE_BEGINS: Final = re.compile(_IMAGE)
_IMAGE_GOES_ON: Final = re.compile(rb"(?:[A-Za-z0-9+/_=-]++|\\/|\\r|\\n|\\u003[dD]|[\r\n])*+")
_WHOLE_IMAGE: Final = re.compile(rb'"' + _IMAGE + _BASE64 + rb'*+(?:=|\\u003[dD]){0,2}"')
_IMAGE_HEAD_BYTES: Final = 2 * _IMAGE_BYTES + 500
_CUT_IN_JSON: Final = json.dumps(CUT)[1:-1].encode()


class LongLine:
    """The line as far as it was fed."""

    def __init__(self) -> None:
        """Begin a line."""
        self._kept = bytearray()
        self._rest = b""
        self._string: _String | None = None
        self._containers = 0
        self._is_over = False

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the line."""
        if self._is_over:
            return
        data = self._rest + piece
        at = 0
        while at < len(data):
            if self._string is None:
                at = self._outside(data, at)
                continue
            end = self._inside(self._string, data, at)
            if end == at:  # half an escape or half a character: the next piece has the rest
                break
            at = end
        self._rest = data[at:]
        is_dense = self._containers > _MAX_CONTAINERS
        self._is_over = is_dense or len(self._kept) > _MAX_BYTES

    def end(self) -> bytes | None:
        """Return the shortened line; None if even that is too long to be decoded.

        Of a line that is too long the object is closed before the member that made it so: hosts
        write the words before a tool's result.
        """
        if self._is_over:
            return _closed(self._kept)
        if self._string is not None:
            self._kept += self._string.value()
        self._kept += self._rest
        return bytes(self._kept)

    def _outside(self, data: bytes, at: int) -> int:
        match = _WHOLE_STRINGS.match(data, at)
        end = at if match is None else match.end()
        between = _WHOLE_IMAGE.sub(b'""', data[at:end])
        if b" " * 64 in between or b"\t" * 64 in between:
            between = _BLANKS.sub(rb"\1", between)
        self._containers += between.count(b"{") + between.count(b"[")
        self._kept += between
        if end == len(data):
            return end
        self._kept += b'"'
        room = _KEPT_BYTES - len(self._kept)
        self._string = _String(max(_SHORTEST_LIMIT, min(_LONGEST_STRING, room)))
        return end + 1

    def _inside(self, string: _String, data: bytes, at: int) -> int:
        match = _INSIDE.match(data, at)
        end = at if match is None else match.end()
        if end == len(data):
            end -= _part_of_a_character(data)
        elif data[end] == 0x22:
            string.add(data[at:end])
            self._kept += string.value() + b'"'
            self._string = None
            return end + 1
        elif end == at and len(data) - at >= _ESCAPE_BYTES:
            end = at + 2  # no escape of JSON: whoever decodes it finds that out
        string.add(data[at:end])
        return end


def _closed(kept: bytearray) -> bytes | None:
    """Return the object without its last, unfinished member; None if it has no other."""
    depth, end = 0, None
    for match in _STRUCTURE.finditer(kept):
        token = match[0]
        if token in (b"{", b"["):
            depth += 1
        elif token in (b"}", b"]"):
            depth -= 1
        elif token == b"," and depth == 1:
            end = match.start()
    return None if end is None or depth < 1 else bytes(kept[:end]) + b"}"


def _part_of_a_character(data: bytes) -> int:
    found = _PART_OF_A_CHARACTER.search(data, max(0, len(data) - 3))
    return 0 if found is None else len(found[0])


class _String:
    """A string of JSON while it is read; of one longer than its limit the two ends stay."""

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._may_be_image = True
        self._is_image = False
        self._head: list[bytes] = []
        self._head_bytes = 0
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._is_cut = False

    def add(self, part: bytes) -> None:
        """Take the next bytes, whole characters and escapes."""
        if self._is_image:
            # Half an image may have the next object of a host behind it.
            match = _IMAGE_GOES_ON.match(part)
            part = part if match is None else part[match.end() :]
            if not part:
                return
            self._is_image, self._head_bytes = False, 0
        if self._head_bytes < self._half:
            self._head.append(part)
            self._head_bytes += len(part)
            if self._may_be_image and self._head_bytes >= _IMAGE_HEAD_BYTES:
                self._may_be_image = False
                head = b"".join(self._head)
                if _IMAGE_BEGINS.match(head):
                    self._head.clear()
                    self._is_image = True
                    self.add(head.partition(b",")[2] if head[:5].lower() == b"data:" else head)
            return
        self._tail.append(part)
        self._tail_bytes += len(part)
        while self._tail_bytes - len(self._tail[0]) >= self._half:
            self._tail_bytes -= len(self._tail.popleft())
            self._is_cut = True

    def value(self) -> bytes:
        """Return what is kept, without quotes."""
        return b"".join([*self._head, *([_CUT_IN_JSON] if self._is_cut else []), *self._tail])

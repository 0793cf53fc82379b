"""A line of JSON of any length, shortened while it is read: images go, a long text keeps its ends.

A screenshot makes a line of 20 MB, and the words beside it are a turn. The line is fed in pieces;
what is kept of it is valid wherever the line is.
"""

from __future__ import annotations

import json
import re
from collections import deque
from typing import Final

CUT: Final = "\n\n[… the middle of this text was too long to keep …]\n\n"
"""Stands where a part of a text was left out."""

# Decoding takes up to nine times these bytes: 32 bits a character, twice, where there is an emoji.
_KEPT_BYTES: Final = 4 * 1024 * 1024
_MAX_BYTES: Final = 5 * 1024 * 1024
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
_ESCAPE_BYTES: Final = 12
_PART_OF_A_CHARACTER: Final = re.compile(rb"[\xc0-\xff][\x80-\xbf]{0,2}\Z")
_KEY: Final = rb'("(?:base64|data|image_url|url)"\s*:\s*)'
_DATA: Final = rb"(?:data:[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,40};base64,)?[A-Za-z0-9+/]{4096}"
_IMAGE_KEY: Final = re.compile(_KEY + rb'"\Z')
_IMAGE: Final = re.compile(_DATA)
_WHOLE_IMAGE: Final = re.compile(_KEY + rb'"' + _DATA + rb'[A-Za-z0-9+/]*+={0,2}"')
_IMAGE_BYTES: Final = 4096 + 100
_CUT_IN_JSON: Final = json.dumps(CUT)[1:-1].encode()


class LongLine:
    """The line as far as it was fed."""

    def __init__(self) -> None:
        """Begin a line."""
        self._kept = bytearray()
        self._rest = b""
        self._string: _String | None = None
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
        self._is_over = len(self._kept) > _MAX_BYTES

    def end(self) -> bytes | None:
        """Return the shortened line; None if even that is too long to be decoded."""
        if self._string is not None:
            self._kept += self._string.value()
        self._kept += self._rest
        return None if self._is_over else bytes(self._kept)

    def _outside(self, data: bytes, at: int) -> int:
        match = _WHOLE_STRINGS.match(data, at)
        end = at if match is None else match.end()
        self._kept += _WHOLE_IMAGE.sub(rb'\1""', data[at:end])
        if end == len(data):
            return end
        self._kept += b'"'
        room = (_KEPT_BYTES - len(self._kept)) // 2
        limit = max(_SHORTEST_LIMIT, min(_LONGEST_STRING, room))
        before = bytes(self._kept[-64:])
        self._string = _String(limit, may_be_image=_IMAGE_KEY.search(before) is not None)
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


def _part_of_a_character(data: bytes) -> int:
    found = _PART_OF_A_CHARACTER.search(data, max(0, len(data) - 3))
    return 0 if found is None else len(found[0])


class _String:
    """A string of JSON while it is read; of one longer than its limit the two ends stay."""

    def __init__(self, limit: int, *, may_be_image: bool) -> None:
        self._half = limit // 2
        self._may_be_image = may_be_image
        self._is_image = False
        self._head: list[bytes] = []
        self._head_bytes = 0
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._is_cut = False

    def add(self, part: bytes) -> None:
        """Take the next bytes, whole characters and escapes."""
        if self._is_image:
            return
        if self._head_bytes < self._half:
            self._head.append(part)
            self._head_bytes += len(part)
            if self._may_be_image and self._head_bytes >= _IMAGE_BYTES:
                self._may_be_image = False
                self._is_image = _IMAGE.match(b"".join(self._head)) is not None
            if self._is_image:
                self._head.clear()
            return
        self._tail.append(part)
        self._tail_bytes += len(part)
        while self._tail_bytes - len(self._tail[0]) >= self._half:
            self._tail_bytes -= len(self._tail.popleft())
            self._is_cut = True

    def value(self) -> bytes:
        """Return what is kept, without quotes."""
        return b"".join([*self._head, *([_CUT_IN_JSON] if self._is_cut else []), *self._tail])

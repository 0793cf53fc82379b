"""A line of JSON of any length, shortened while it is read.

A screenshot makes a line of 20 MB, and the words beside it are a turn: images go, a long text keeps
its ends, and so does a list of very many parts. The line is fed in pieces; what is kept of it is
valid wherever the line is.
"""

from __future__ import annotations

import json
import re
from collections import deque
from dataclasses import dataclass
from typing import Final

from ..text.same_words import CUT

# Decoding takes up to nine times these bytes: 32 bits a character, twice, where there is an emoji.
_KEPT_BYTES: Final = 4 * 1024 * 1024
_MAX_BYTES: Final = 5 * 1024 * 1024
# The bytes that small parts take when they are decoded, above what they take in the line.
_MAX_WEIGHT: Final = 16 * 1024 * 1024
_SPARE_WEIGHT: Final = 4 * 1024 * 1024
_LEAST_WEIGHT: Final = 128 * 1024
_CONTAINER_WEIGHT: Final = 240
_STRING_WEIGHT: Final = 70
_NUMBER_WEIGHT: Final = 36
_OUTER: Final = 3  # open where a member of the line's object, or of its message, begins
_DEEPEST: Final = 200  # the decoder's own bound is the interpreter's for recursion
_TAIL_BYTES: Final = 256 * 1024
_LAST_BYTES: Final = 64 * 1024
_LONGEST_STRING: Final = 3 * 1024 * 1024  # a text of 1 MB, most of it escaped
_SHORTEST_LIMIT: Final = 64 * 1024
_SHORTEST_STRING: Final = 8 * 1024

_WHOLE_STRING: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# Up to a bracket, or to a string that does not end in the same piece.
_PLAIN: Final = rb'(?:[^"{}\[\]]++|' + _WHOLE_STRING + rb")*+"
_BETWEEN: Final = re.compile(_PLAIN, re.DOTALL)
_MEMBER: Final = re.compile(rb'(?:[^",{}\[\]]++|' + _WHOLE_STRING + rb")*+", re.DOTALL)
_TWO_DEEP: Final = rb"(?:[^\"{}\[\]]++|" + _WHOLE_STRING + rb"|[{\[]" + _PLAIN + rb"[}\]])*+"
_BALANCED: Final = re.compile(
    rb'(?:[^"{}\[\]]++|' + _WHOLE_STRING + rb"|[{\[]" + _TWO_DEEP + rb"[}\]])*+", re.DOTALL
)
_STRINGS: Final = re.compile(_WHOLE_STRING, re.DOTALL)
_OPENERS: Final = re.compile(rb"(?:[{\[]" + _PLAIN + rb")*+", re.DOTALL)
_CLOSERS: Final = re.compile(rb"(?:[}\]]" + _PLAIN + rb")*+", re.DOTALL)
_QUOTE, _COMMA, _LIST_CLOSER = b'",]'
# Whole characters of a string, which is never cut inside an escape or a pair of surrogates.
_INSIDE: Final = re.compile(
    rb'(?:[^"\\]++'
    rb"|\\u(?![dD][89abAB])[0-9a-fA-F]{4}"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}(?:\\u[0-9a-fA-F]{4}|(?=[^\\]|\\[^u]))"
    rb"|\\[^u])*+",
    re.DOTALL,
)
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


@dataclass(slots=True)
class _Container:
    """An object or a list that is open.

    Attributes:
        closer: The byte that ends it.
        limit: The weight of the line at which nothing more of it is kept.
    """

    closer: int
    limit: int


class LongLine:
    """The line as far as it was fed.

    A list or an object may take three quarters of what its holder has left; what it has more is
    left out up to its last members, so that what stands behind it in the line is always kept.
    """

    def __init__(self) -> None:
        """Begin a line."""
        self._kept = bytearray()
        self._rest = b""
        self._string: _String | None = None
        self._open = [_Container(0, _MAX_WEIGHT + _SPARE_WEIGHT)]
        self._weight = 0
        self._left_out: _LeftOut | None = None
        self.is_cut = False
        """Whether something was left out that no text shows: members of an outer object."""

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the line."""
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

    def end(self) -> bytes:
        """Return the shortened line."""
        if self._string is not None:
            self._keep(b'"' + self._string.value())
        self._keep(self._rest)
        if self._left_out is not None:  # half a line: the next object may be glued to it
            self._kept += self._left_out.tail()
        return bytes(self._kept)

    def _keep(self, part: bytes) -> None:
        if self._left_out is None:
            self._kept += part
        else:
            self._left_out.add(part)

    def _outside(self, data: bytes, at: int) -> int:
        if self._left_out is not None:
            end = self._left_out.skip(data, at)
        else:
            is_over = self._is_over()
            end = _end_of(_MEMBER if is_over else _BETWEEN, data, at)
            self._keep_between(data[at:end])
            if is_over and end < len(data) and data[end] == _COMMA:
                self._left_out = _LeftOut()
        if end == len(data):
            return end
        byte = data[end]
        if byte == _QUOTE:
            self._string = _String(self._room())
        elif byte in b"{[" and self._left_out is None:
            self._begin(byte)
        elif byte in b"}]":
            self._close(byte)
        else:
            self._keep(b",")
        return end + 1

    def _room(self) -> int:
        """Return how many bytes of the next string are kept."""
        if self._left_out is not None:
            return _SHORTEST_LIMIT
        size = len(self._kept)
        least = max(_SHORTEST_STRING, min(_SHORTEST_LIMIT, (_MAX_BYTES - size) // 8))
        return min(_LONGEST_STRING, max(_KEPT_BYTES - size, least))

    def _keep_between(self, between: bytes) -> None:
        if len(between) > _IMAGE_BYTES:
            between = _WHOLE_IMAGE.sub(b'""', between)
        if b" " * 64 in between or b"\t" * 64 in between:
            between = _BLANKS.sub(rb"\1", between)
        quotes = between.count(b'"') - between.count(b'\\"')
        self._weight += quotes // 2 * _STRING_WEIGHT + between.count(b",") * _NUMBER_WEIGHT
        self._kept += between
        if len(self._kept) > _MAX_BYTES + _SHORTEST_LIMIT:  # nothing of JSON is that long
            del self._kept[_MAX_BYTES:]
            self._left_out = _LeftOut()

    def _is_over(self) -> bool:
        limit = _MAX_BYTES if len(self._open) <= _OUTER else _MAX_BYTES - 2 * _SHORTEST_LIMIT
        return self._weight > self._open[-1].limit or len(self._kept) > limit

    def _begin(self, opener: int) -> None:
        closer = opener + 2  # in ASCII
        self._kept.append(opener)
        self._weight += _CONTAINER_WEIGHT
        room = min(_MAX_WEIGHT, self._open[-1].limit) - self._weight
        spare = (_MAX_WEIGHT + _SPARE_WEIGHT - self._weight) // 8
        room = max(room * 3 // 4, min(_LEAST_WEIGHT, spare))
        is_outermost = len(self._open) == 1
        limit = self._open[0].limit if is_outermost else self._weight + room
        self._open.append(_Container(closer, limit))
        if len(self._open) > _DEEPEST:
            self._left_out = _LeftOut()

    def _close(self, closer: int) -> None:
        if self._left_out is not None:
            self._keep_last(self._left_out)
        self._kept.append(closer)
        if len(self._open) > 1:
            self._open.pop()

    def _keep_last(self, left_out: _LeftOut) -> None:
        """Keep the mark of what was left out, and the last members."""
        self._left_out = None
        is_list = self._open[-1].closer == _LIST_CLOSER
        if is_list and not self._kept.endswith(b"["):
            self._kept += b',"' + _CUT_IN_JSON + b'"'
        elif not is_list and len(self._open) <= _OUTER:
            self.is_cut = True
        last = left_out.last_members()
        if last and not self._kept.endswith((b"[", b"{")):
            self._kept += b"," + last

    def _inside(self, string: _String, data: bytes, at: int) -> int:
        match = _INSIDE.match(data, at)
        end = at if match is None else match.end()
        if end == len(data):
            end -= _part_of_a_character(data)
        elif data[end] == _QUOTE:
            string.add(data[at:end])
            self._keep(b'"' + string.value() + b'"')
            self._weight += _STRING_WEIGHT
            self._string = None
            return end + 1
        elif end == at and len(data) - at >= _ESCAPE_BYTES:
            end = at + 2  # no escape of JSON: whoever decodes it finds that out
        string.add(data[at:end])
        return end


class _LeftOut:
    """What is left out of one container: its last bytes stay until it ends."""

    def __init__(self) -> None:
        self._depth = 0
        self._before = b""
        self._last = bytearray()

    def skip(self, data: bytes, at: int) -> int:
        """Take what follows in the container; return where it ends, or a string goes on."""
        while at < len(data):
            end = _end_of(_BALANCED, data, at)
            run = data[end : _end_of(_OPENERS, data, end)]
            if run:
                between = _STRINGS.sub(b"", run)
                self._depth += between.count(b"{") + between.count(b"[")
                end += len(run)
            else:
                end = self._skip_closers(data, end)
            if end == at:
                break
            self.add(data[at:end])
            at = end
        return at

    def _skip_closers(self, data: bytes, at: int) -> int:
        if not self._depth:
            return at
        run = data[at : _end_of(_CLOSERS, data, at)]
        for match in _STRUCTURE.finditer(run):
            if match[0] in (b"}", b"]"):
                self._depth -= 1
                if not self._depth:
                    return at + match.end()
        return at + len(run)

    def add(self, part: bytes) -> None:
        """Take a part that ends outside of a string."""
        self._last += part
        if len(self._last) >= _TAIL_BYTES:
            self._before, self._last = bytes(self._last), bytearray()

    def tail(self) -> bytes:
        """Return the last bytes."""
        return self._before + self._last

    def last_members(self) -> bytes:
        """Return the whole members at the end, as many as are light."""
        tail = self.tail()
        depths: list[tuple[int, int]] = []  # of each comma
        depth = containers = 0
        for match in _STRUCTURE.finditer(tail):
            token = match[0]
            if token == b",":
                depths.append((match.end(), depth))
            elif token in b"{[":
                depth += 1
            elif token in b"}]":
                depth -= 1
        for end, at_depth in depths:
            # The container ends behind the tail: its own commas are as deep as that end.
            if at_depth == depth and len(tail) - end <= _LAST_BYTES:
                containers = tail.count(b"{", end) + tail.count(b"[", end)
                if containers * _CONTAINER_WEIGHT <= _LEAST_WEIGHT:
                    return tail[end:]
        return b""


def _end_of(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    match = pattern.match(data, at)
    return at if match is None else match.end()


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

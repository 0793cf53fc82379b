"""What a line on stdin is: messages, or a refusal that its sender can match to its request."""

from __future__ import annotations

import json
from io import BufferedReader, BytesIO
from typing import Any

import pytest
from mcp_types import JSONRPCNotification, JSONRPCRequest

from iai_server.mcp import lines
from iai_server.mcp.envelope import MAX_BATCH, Refusal, messages_in
from iai_server.mcp.lines import CutLine, read_line

DEEP = b"[" * 100_000 + b"]" * 100_000
DEEP_OBJECTS = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
PING = b'{"jsonrpc":"2.0","id":904,"method":"ping"}'


def refused(line: bytes) -> Refusal:
    """The refusal of a line that says nothing else."""
    [found] = messages_in(line)
    assert isinstance(found, Refusal)
    json.dumps([found.id, found.text], allow_nan=False).encode()
    return found


@pytest.mark.parametrize(
    ("line", "id_", "code"),
    [
        (b'{"id":902,"method":"ping"}', 902, -32600),
        (b'{"jsonrpc":"1.0","id":"a","method":"ping"}', "a", -32600),
        (b'{"jsonrpc":2.0,"id":2,"method":"ping"}', 2, -32600),
        (b'{"jsonrpc":null,"id":2,"method":"ping"}', 2, -32600),
        (b'{"JSONRPC":"2.0","id":3,"method":"ping"}', 3, -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 1.5, -32600),
        (b'{"jsonrpc":"2.0","id":1.0,"method":"ping"}', 1.0, -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', True, -32600),
        (b'{"jsonrpc":"2.0","id":false,"method":"ping"}', False, -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', None, -32600),
        (b'{"jsonrpc":"2.0","id":{"n":1},"method":"ping"}', {"n": 1}, -32600),
        (b'{"jsonrpc":"2.0","id":[1,"a"],"method":"ping"}', [1, "a"], -32600),
        (b'{"jsonrpc":"2.0","id":1e999,"method":"ping"}', None, -32600),
        (b'{"jsonrpc":"2.0","id":NaN,"method":"ping"}', None, -32600),
        (b'{"jsonrpc":"2.0","id":[' + b"1," * 5_000 + b'1],"method":"ping"}', None, -32600),
        (b'{"jsonrpc":"2.0","id":' + b"1" * 5_000 + b',"method":"ping"}', None, -32700),
        (b'{"jsonrpc":"2.0","id":4}', 4, -32600),
        (b'{"jsonrpc":"2.0","id":5,"method":7}', 5, -32600),
        (b'{"jsonrpc":"2.0","id":5,"method":null,"result":{}}', 5, -32600),
        (b'{"jsonrpc":"2.0","method":1}', None, -32600),
        (b'{"foo":"boo"}', None, -32600),
        (b"{}", None, -32600),
        (b'{"jsonrpc":"2.0","id":903,"method":"tools/call","params":"x"}', 903, -32602),
        (b'{"jsonrpc":"2.0","id":903,"method":"ping","params":[]}', 903, -32602),
        (b'{"jsonrpc":"2.0","id":903,"method":"ping","params":0}', 903, -32602),
        (b'{"jsonrpc":"2.0","id":903,"method":"ping","params":false}', 903, -32602),
        (b"7", None, -32600),
        (b"null", None, -32600),
        (b'"ping"', None, -32600),
        (b"[]", None, -32600),
        (b"hello", None, -32700),
        (b"\0", None, -32700),
        (b"\xff\xfe{\0}\0", None, -32700),
        (b"{", None, -32700),
        (PING + PING, 904, -32700),
        (PING[:-1], 904, -32700),
        (b"[" + PING, None, -32700),
        (b"<" + PING, None, -32700),
        (b'{"jsonrpc":"2.0","id":8,"method":"x","params":{"t":"\xff"}}', 8, -32700),
        (b'{"jsonrpc":"2.0","id":"\xff","method":"x"}', None, -32700),
        (b'{"jsonrpc":"2.0","id":8,"method":"x","params":{"t":"\\ud83d"}}', 8, -32700),
        (b'{"method":"x","params":{"t":"\\udc00"},"jsonrpc":"2.0","id":"9"}', "9", -32700),
        (b'{"method":"x","params":{"t":"\\udc00"},"id":"9","jsonrpc":"2.0"}\r\n', "9", -32700),
        (b'{"jsonrpc":"2.0","id":"\\ud83d","method":"x"}', None, -32700),
        (b'{"jsonrpc":"2.0","id":905,"method":"x","params":{"a":' + DEEP + b"}}", 905, -32700),
        (b'{"params":{"id":1,"a":' + DEEP + b'},"method":"x","id":"z"}', "z", -32700),
        (b'{"id":6,"method":"x","params":' + DEEP_OBJECTS + b"}", 6, -32700),
        (b'{"params":{"id":1,"a":' + DEEP + b'},"method":"x"}', None, -32700),
        (b'{"params":' + DEEP + b',"note":"\\"id\\":5}"}', None, -32700),
        (b'{"id":{"a":' + DEEP + b'},"method":"x"}', None, -32700),
        (DEEP, None, -32700),
        (b"[" * 2_100_000, None, -32600),
        (b'{"id":3,"params":"' + b"{" * 2_100_000 + b'"}', 3, -32600),
    ],
    ids=lambda part: repr(part[:40]) if isinstance(part, bytes) else None,
)
def test_what_is_no_request_is_refused_under_the_id_that_was_sent(
    line: bytes, id_: Any, code: int
) -> None:
    found = refused(line)
    assert (found.id, type(found.id), found.code) == (id_, type(id_), code)
    assert "\n" not in found.text
    assert len(found.text) < 300


@pytest.mark.parametrize(
    "line",
    [
        PING,
        PING + b"\r\n",
        b"\xef\xbb\xbf" + PING + b"\n",
        b' \t{"jsonrpc":"2.0",\r"method":"ping",\r\n"id":904}',
        b"[" + PING + b"]",
        b'{"jsonrpc":"2.0","id":904,"method":"ping","more":{}}',
        b'{"jsonrpc":"2.0","id":904,"method":"ping","params":null}',
        b'{"jsonrpc":"2.0","id":904,"method":"ping","params":{"a":NaN}}',
        b'{"jsonrpc":"2.0","id":904,"method":"ping","result":{}}',
        b'{"jsonrpc":"2.0","id":1,"id":904,"method":"ping"}',
    ],
)
def test_what_can_be_read_is_a_request(line: bytes) -> None:
    [found] = messages_in(line)
    assert isinstance(found, JSONRPCRequest)
    assert (found.id, found.method) == (904, "ping")


@pytest.mark.parametrize("id_", [0, -1, 2**70, "", "a\nb", "\x1b[2J", "7", "ü", "x" * 2_000])
def test_every_string_and_whole_number_is_an_id(id_: int | str) -> None:
    [found] = messages_in(json.dumps({"jsonrpc": "2.0", "id": id_, "method": "ping"}).encode())
    assert isinstance(found, JSONRPCRequest)
    assert found.id == id_


@pytest.mark.parametrize("line", [b"", b"\n", b"\r\n", b" \t \r\n", b"\xef\xbb\xbf\n"])
def test_a_blank_line_says_nothing(line: bytes) -> None:
    assert messages_in(line) == []


@pytest.mark.parametrize(
    "line",
    [
        b'{"jsonrpc":"2.0","id":7,"result":[]}',
        b'{"jsonrpc":"2.0","id":7,"error":"x"}',
        b'{"jsonrpc":"1.0","id":7.5,"result":{}}',
        b'{"jsonrpc":"2.0","method":"notifications/x","params":[]}',
        b'{"method":"notifications/x"}',
    ],
)
def test_a_notification_and_an_answer_are_never_answered(line: bytes) -> None:
    assert messages_in(line) == []


def test_the_messages_of_a_batch_are_taken_one_by_one() -> None:
    note = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'
    first, second, third, fourth = messages_in(b"[" + b",".join([PING, note, b"7", b"[]"]) + b"]")
    assert isinstance(first, JSONRPCRequest)
    assert isinstance(second, JSONRPCNotification)
    assert isinstance(third, Refusal)
    assert isinstance(fourth, Refusal)
    assert (third.id, third.code, fourth.id, fourth.code) == (None, -32600, None, -32600)


def test_a_batch_that_is_too_large_is_refused_as_a_whole() -> None:
    assert len(messages_in(b"[" + b",".join([PING] * MAX_BATCH) + b"]")) == MAX_BATCH
    assert refused(b"[" + b",".join([PING] * (MAX_BATCH + 1)) + b"]").code == -32600


@pytest.mark.parametrize(
    ("line", "id_"),
    [
        (b'{"jsonrpc":"2.0","id":3,"params":"%s"}', 3),
        (b'{"params":"%s","jsonrpc":"2.0","id":"last"}', "last"),
        (b'{"params":"%s","a":{"id":3}}', None),
        (b"%s", None),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_of_a_line_that_is_too_long_both_ends_are_kept_and_the_next_one_is_read(
    monkeypatch: pytest.MonkeyPatch, line: bytes, id_: Any, end: bytes
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 200_000)
    stream = BufferedReader(BytesIO(line % (b"x" * 3_000_000) + end + (PING if end else b"")))
    cut = read_line(stream)
    assert isinstance(cut, CutLine)
    assert len(cut.head) + len(cut.tail) <= 200_000
    [found] = messages_in(cut)
    assert isinstance(found, Refusal)
    assert (found.id, found.code) == (id_, -32600)
    assert read_line(stream) == (PING if end else None)
    assert read_line(stream) is None


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_line_of_the_largest_size_is_read_whole(
    monkeypatch: pytest.MonkeyPatch, more: int
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1_000)
    line = b"x" * (999 + more) + b"\n"
    found = read_line(BufferedReader(BytesIO(line)))
    assert found == line if more <= 0 else isinstance(found, CutLine)

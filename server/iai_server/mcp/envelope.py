"""Envelopes of JSON-RPC: a line to messages, and to refusals that its sender can match.

The SDK drops what it cannot read, and takes a request whose id is no id for a notification: its
sender would wait for ever. Here a refusal carries the id as it was sent, wherever one can be made
out, in a form that JSON-RPC does not allow too, because that is what the sender waits for. Without
one the id is null (JSON-RPC 2.0, section 5).

MCP had batches in its version of 2025-03-26 alone; in each version their messages are taken one by
one, and each is answered on a line of its own.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any, Final, NamedTuple

from mcp_types import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    PARSE_ERROR,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)
from pydantic import ValidationError
from pydantic_core import from_json

from .lines import MAX_LINE_BYTES, CutLine

_log = logging.getLogger(__name__)

MAX_BATCH: Final = 1_000
MAX_CONTAINERS: Final = 2_000_000
"""Objects and arrays of a line; each takes 60 bytes of memory and two of the line."""

_BOM: Final = b"\xef\xbb\xbf"
_MAX_ID_CHARS: Final = 1_000
_TAIL_BYTES: Final = 4096
_SCALAR: Final = rb'(?:"(?:[^"\\]|\\.)*+"|[-+.\w]++)'
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[][{},:]|[^][{},:"\s]++|"', re.DOTALL)
_LAST_MEMBERS: Final = re.compile(
    rb'[{,]\s*"id"\s*:\s*(' + _SCALAR + rb')\s*(?:,\s*"\w++"\s*:\s*' + _SCALAR + rb"\s*)*+\}\s*\Z",
    re.DOTALL,
)


class Refusal(NamedTuple):
    """An error that a line is answered with.

    Attributes:
        id: As it was sent; None where it could not be made out.
        code: Of JSON-RPC.
        text: What is wrong and what to send.
    """

    id: Any
    code: int
    text: str


def messages_in(line: bytes | CutLine) -> list[JSONRPCMessage | Refusal]:
    """Return what a line says: a message, several of a batch, nothing for a blank line."""
    if isinstance(line, CutLine):
        text = f"the message has more than {MAX_LINE_BYTES >> 20} MiB: send it in parts"
        return [Refusal(_id_in(line.head, line.tail), INVALID_REQUEST, text)]
    line = line.removeprefix(_BOM)
    if not line.strip():
        return []
    if line.count(b"{") + line.count(b"[") > MAX_CONTAINERS:
        text = f"the message has more than {MAX_CONTAINERS:,} brackets: send it in parts"
        return [Refusal(_id_in(line, line), INVALID_REQUEST, text)]
    try:
        found = from_json(line)
    except ValueError as exc:
        return [Refusal(_id_in(line, line), PARSE_ERROR, _unreadable(exc))]
    said = found if isinstance(found, list) else [found]
    if not 0 < len(said) <= MAX_BATCH:
        text = f"a batch of {len(said):,} messages: send 1 to {MAX_BATCH:,}, or each by itself"
        return [Refusal(None, INVALID_REQUEST, text)]
    return [message for each in said if (message := _message(each)) is not None]


def _unreadable(error: ValueError) -> str:
    return (
        f"the line is no message in JSON ({error}): send one message a line, in valid UTF-8, "
        f"without halves of surrogate pairs, at most 200 levels deep"
    )


def _message(fields: Any) -> JSONRPCMessage | Refusal | None:
    """Return the message or the refusal; None for what is wrong and must not be answered."""
    if not isinstance(fields, dict):
        return Refusal(None, INVALID_REQUEST, "the message is no object: send one with a method")
    if "method" not in fields and ("result" in fields or "error" in fields):
        return _answer(fields)
    fault = _fault(fields)
    if "id" in fields:
        return (
            JSONRPCRequest.model_validate(fields)
            if fault is None
            else Refusal(_as_sent(fields["id"]), *fault)
        )
    if fault is None:
        return JSONRPCNotification.model_validate(fields)
    if isinstance(fields.get("method"), str):
        _log.warning("a notification cannot be used: %s", fault[1])
        return None
    return Refusal(None, *fault)


def _answer(fields: dict[str, Any]) -> JSONRPCMessage | None:
    """Return the answer to a request of ours; an answer is never answered, even a wrong one."""
    kind = JSONRPCResponse if "result" in fields else JSONRPCError
    try:
        return kind.model_validate(fields)
    except ValidationError:
        _log.warning("an answer cannot be used: it is no valid %s", kind.__name__)
        return None


def _fault(fields: dict[str, Any]) -> tuple[int, str] | None:
    """Return what is wrong with a request or a notification: a code and a sentence."""
    if fields.get("jsonrpc") != "2.0":
        return INVALID_REQUEST, 'jsonrpc is not "2.0": send "jsonrpc":"2.0" in each message'
    if not isinstance(fields.get("method"), str):
        return INVALID_REQUEST, 'method is no string: send for example "method":"tools/list"'
    # `type`, because True is an int to isinstance.
    if "id" in fields and type(fields["id"]) not in (int, str):
        return INVALID_REQUEST, "id is neither a string nor a whole number: send one of them"
    if not isinstance(fields.get("params", {}), dict | None):
        return INVALID_PARAMS, "params is no object: send an object, or leave it out"
    return None


def _as_sent(id_: Any) -> Any:
    """Return an id that can be sent back; None for one that is too long or no JSON."""
    try:
        text = json.dumps(id_, ensure_ascii=False, allow_nan=False)
        text.encode()
    except ValueError:
        return None
    return id_ if len(text) <= _MAX_ID_CHARS else None


def _id_in(head: bytes, tail: bytes) -> Any:
    """Return the id of a request that is no JSON as a whole; None where it cannot be made out.

    Hosts name it first or last. Nothing recurses, and both ends are looked at for 64 KiB at most.
    """
    if not head.removeprefix(_BOM).lstrip().startswith(b"{"):
        return None
    value = _first_id(head)
    if value is None and (last := _LAST_MEMBERS.search(tail[-_TAIL_BYTES:])):
        value = last[1]
    try:
        return None if value is None else _as_sent(json.loads(value))
    except ValueError:
        return None


def _first_id(head: bytes) -> bytes | None:
    """Return the value of the outermost object's `id`, as it is written."""
    depth, name, before = 0, b"", b""
    for found in _TOKEN.finditer(head[: 64 << 10]):
        token = found[0]
        if token == b'"':  # a string without an end
            return None
        if depth == 1 and before == b":" and name == b'"id"':
            return None if token in (b"{", b"[") else token
        depth += (token in (b"{", b"[")) - (token in (b"}", b"]"))
        name, before = before, token
    return None

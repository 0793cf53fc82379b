"""Answers to a host's first requests, from a record of the real server's answers.

Hosts wait a second or two for a server's tools, and importing the MCP SDK takes most of that.
`mcp/handshake_record.py` makes the record, `recorded_handshake.py` finds one that may be trusted,
and `serving/launch.py` says how the connection passes to the real server.
"""

from __future__ import annotations

import json
import os

from .message_check import (
    META,
    VERSION_KEY,
    NotCertain,
    check_meta,
    compact_json,
    envelope_version,
    has_shape,
    initialize_version,
    is_id,
    parse_message,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OTHER_VERSION = "other"
"""Stands in the record for every protocol version that the SDK does not know."""

ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
SUBSCRIPTION_KEY = f"{META}subscriptionId"
_LISTEN = "subscriptions/listen"
_EVENTS = ("toolsListChanged", "promptsListChanged", "resourcesListChanged")
_MAX_REPLAYED = 32


class AlreadyAnswered:
    """The messages that the host has already, which the real server must not send again.

    Attributes:
        opening_id: The id under which the real server reads the request that opened the
            connection. It is random, so no host can have chosen it.
        subscriptions: The ids of the subscriptions that were acknowledged.
    """

    def __init__(self) -> None:
        """Nothing was answered yet."""
        self.opening_id = f"replayed-{os.urandom(16).hex()}"
        self.subscriptions: set[int | str] = set()


class HandshakeResponder:
    """One connection, as far as a record can answer it.

    Attributes:
        replay: The lines that the real server must read first, to be in the state in which the host
            believes it: the request that opened the connection, then every notification and
            subscription.
        already_answered: The answers to the replay, which the host has.
    """

    def __init__(self, record: dict[str, Any]) -> None:
        """Answer from `record`, which must match the installed versions."""
        self.replay: list[bytes] = []
        self.already_answered = AlreadyAnswered()
        self._answers: dict[str, dict[str, int]] = record["answers"]
        self._results: list[dict[str, Any]] = record["results"]
        self._version: str | None = None

    def answer(self, line: bytes) -> str:
        """Return the answer to a line, with its line end; empty for a notification.

        Raises:
            NotCertain: The real server must answer this line and all that follow; this object is
                as it was before.
        """
        message = parse_message(line)
        method, params = message["method"], message.get("params", {})
        if len(self.replay) > _MAX_REPLAYED:
            raise NotCertain
        if "id" not in message:
            self._notified(line, method, params)
            return ""
        if method == _LISTEN:
            return self._subscribed(line, message["id"], params)
        version = self._version_of(method, params)
        index = self._answers[version].get(method)
        if index is None:
            raise NotCertain
        result = self._results[index]
        if self._version is None:
            opening = compact_json(message | {"id": self.already_answered.opening_id})
            self.replay.append(opening.encode() + b"\n")
            self._version = result.get("protocolVersion", version)
        return compact_json({"jsonrpc": "2.0", "id": message["id"], "result": result}) + "\n"

    def _notified(self, line: bytes, method: str, params: dict[str, Any]) -> None:
        """Keep a notification for the replay; a cancelled subscription leaves it."""
        if self._version is None:
            raise NotCertain
        cancelled = params.get("requestId") if method == "notifications/cancelled" else None
        if is_id(cancelled) and cancelled in self.already_answered.subscriptions:
            # The real server might see the end before it acknowledges, and then it never does.
            self.already_answered.subscriptions.remove(cancelled)
            self.replay = [kept for kept in self.replay if not _subscribes(kept, cancelled)]
        else:
            self.replay.append(line + b"\n")

    def _subscribed(self, line: bytes, id_: int | str, params: dict[str, Any]) -> str:
        """Return the acknowledgement of a subscription; Claude Code sends nothing before it has it.

        Nothing that can be subscribed to happens before the real server has loaded.
        """
        events: Any = params.get("notifications")
        if (
            self._version is None
            or id_ in self.already_answered.subscriptions
            or not params.keys() <= {"_meta", "notifications"}
            or VERSION_KEY not in params.get("_meta", {})
            or self._version_of(_LISTEN, {"_meta": params["_meta"]}) != self._version
            or not has_shape(events, {f"{event}?": bool for event in _EVENTS})
            or not events.keys() <= set(_EVENTS)
        ):
            raise NotCertain
        self.already_answered.subscriptions.add(id_)
        self.replay.append(line + b"\n")
        granted = {event: True for event in _EVENTS if events.get(event)}
        about = {"_meta": {SUBSCRIPTION_KEY: id_}, "notifications": granted}
        return compact_json({"jsonrpc": "2.0", "method": ACKNOWLEDGED, "params": about}) + "\n"

    def _version_of(self, method: str, params: dict[str, Any]) -> str:
        """Return the protocol version of a request, as a key of the record's `answers`."""
        meta = params.get("_meta", {})
        check_meta(meta)
        if method == "initialize":
            if self._version is not None or VERSION_KEY in meta:
                raise NotCertain
            requested = initialize_version(params)
            return requested if "initialize" in self._answers.get(requested, ()) else OTHER_VERSION
        if not params.keys() <= {"_meta"}:
            raise NotCertain
        version = envelope_version(meta) if VERSION_KEY in meta else self._version
        # Modern versions are named in each request's `_meta`, older ones in `initialize` alone.
        enveloped = "server/discover" in self._answers.get(version or "", ())
        if version is None or enveloped != (VERSION_KEY in meta):
            raise NotCertain
        if self._version not in (None, version):
            raise NotCertain
        return version


def _subscribes(line: bytes, id_: Any) -> bool:
    message = json.loads(line)
    return bool(message["method"] == _LISTEN and message["id"] == id_)

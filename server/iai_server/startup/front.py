"""What a host asks first, answered from a record instead of from the MCP SDK.

Claude Code and Codex ask a server which tools it has within a second or two of starting it, and go
on without them if the answer comes later. The SDK alone takes most of that time to import. So the
first requests are answered from a record of what the real server answered to them
(`handshake_record` makes it, `handshake_file` keeps it).

A message is answered here only if it is certain what the real server would say to it; at the first
one that is not, the real server takes over. Standard library only, and little of it.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False  # typing itself costs 5 ms of the handshake
if TYPE_CHECKING:
    from typing import Any, NoReturn

OTHER_VERSION = "other"
"""Stands in the record for every protocol version that the SDK does not know."""

_META = "io.modelcontextprotocol/"
_VERSION_KEY = f"{_META}protocolVersion"
_CAPABILITIES_KEY = f"{_META}clientCapabilities"
SUBSCRIPTION_KEY = f"{_META}subscriptionId"
_INFO_KEY = f"{_META}clientInfo"
_LEVEL_KEY = f"{_META}logLevel"
_KNOWN_META = (_VERSION_KEY, _CAPABILITIES_KEY, _INFO_KEY, _LEVEL_KEY)
_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
_ENVELOPE = {"jsonrpc", "id", "method", "params"}
_INITIALIZE_PARAMS = {"protocolVersion", "capabilities", "clientInfo", "_meta"}
_MOST_BRACKETS = 100
_MOST_REPLAYED = 32
LISTEN = "subscriptions/listen"
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
_EVENTS = ("toolsListChanged", "promptsListChanged", "resourcesListChanged")


class NotCertain(Exception):
    """Only the real server knows the answer."""


class Told:
    """What a front told the host already, and the real server will say once more.

    Attributes:
        replayed_id: The id under which the real server reads the request that opened the
            connection. No host can have chosen it.
        listening: The ids of the subscriptions that were acknowledged.
    """

    def __init__(self) -> None:
        """Nothing was told yet."""
        self.replayed_id = f"replayed-{os.urandom(16).hex()}"
        self.listening: set[int | str] = set()


class Front:
    """One connection, as far as the record reaches.

    Attributes:
        replay: The lines that the real server must read first to be where this front is: the
            request that opened the connection, then every notification and subscription.
        told: What the real server then must not say again.
    """

    def __init__(self, record: dict[str, Any]) -> None:
        """Answers from the record, which `handshake_file` vouched for."""
        self.replay: list[bytes] = []
        self.told = Told()
        self._answers: dict[str, dict[str, int]] = record["answers"]
        self._results: list[dict[str, Any]] = record["results"]
        self._version: str | None = None

    def answer(self, line: bytes) -> str:
        """The answer to one line, with its line end; empty for a notification.

        Raises:
            NotCertain: The real server must answer this line and all that follow; nothing of it
                has been taken in.
        """
        message = _parsed(line)
        method, params = message["method"], message.get("params", {})
        if len(self.replay) > _MOST_REPLAYED:
            raise NotCertain
        if "id" not in message:
            self._note(line, method, params)
            return ""
        if method == LISTEN:
            return self._listen(line, message["id"], params)
        version = self._spoken(method, params)
        index = self._answers[version].get(method)
        if index is None:
            raise NotCertain
        result = self._results[index]
        if self._version is None:
            opening = _compact(message | {"id": self.told.replayed_id})
            self.replay.append(opening.encode() + b"\n")
            self._version = result.get("protocolVersion", version)
        return _compact({"jsonrpc": "2.0", "id": message["id"], "result": result}) + "\n"

    def _note(self, line: bytes, method: str, params: dict[str, Any]) -> None:
        """Keeps a notification for the real server; one that ends a subscription ends it here."""
        if self._version is None:
            raise NotCertain
        ended = params.get("requestId") if method == "notifications/cancelled" else None
        if _is_token(ended) and ended in self.told.listening:
            # The real server might see the end before it acknowledges, and then it never does.
            self.told.listening.remove(ended)
            self.replay = [kept for kept in self.replay if not _is_listening(kept, ended)]
        else:
            self.replay.append(line + b"\n")

    def _listen(self, line: bytes, id_: int | str, params: dict[str, Any]) -> str:
        """The acknowledgement of a subscription, which Claude Code awaits before it asks on.

        Nothing that can be subscribed to happens before the real server is there.
        """
        wanted: Any = params.get("notifications")
        if (
            self._version is None
            or id_ in self.told.listening
            or not params.keys() <= {"_meta", "notifications"}
            or _VERSION_KEY not in params.get("_meta", {})
            or self._spoken(LISTEN, {"_meta": params["_meta"]}) != self._version
            or not _fits(wanted, {f"{event}?": bool for event in _EVENTS})
            or not wanted.keys() <= set(_EVENTS)
        ):
            raise NotCertain
        self.told.listening.add(id_)
        self.replay.append(line + b"\n")
        honoured = {event: True for event in _EVENTS if wanted.get(event)}
        about = {"_meta": {SUBSCRIPTION_KEY: id_}, "notifications": honoured}
        return _compact({"jsonrpc": "2.0", "method": ACKNOWLEDGED, "params": about}) + "\n"

    def _spoken(self, method: str, params: dict[str, Any]) -> str:
        """The protocol version of a request, as a key of the record."""
        meta = params.get("_meta", {})
        _check_meta(meta)
        if method == "initialize":
            if self._version is not None or _VERSION_KEY in meta:
                raise NotCertain
            asked = _checked_initialize(params)
            return asked if "initialize" in self._answers.get(asked, ()) else OTHER_VERSION
        if not params.keys() <= {"_meta"}:
            raise NotCertain
        version = _checked_envelope(meta) if _VERSION_KEY in meta else self._version
        enveloped = "server/discover" in self._answers.get(version or "", ())
        if version is None or enveloped != (_VERSION_KEY in meta):
            raise NotCertain
        if self._version not in (None, version):
            raise NotCertain
        return version


def _parsed(line: bytes) -> dict[str, Any]:
    """The message, if the SDK's stricter reader reads the same in it; `_meta` is an object."""
    line = line.removesuffix(b"\r")
    # The SDK ends lines at a lone CR too, and its parser gives up on deep nesting earlier.
    if b"\r" in line or line.count(b"{") + line.count(b"[") > _MOST_BRACKETS:
        raise NotCertain
    try:
        message = json.loads(line.decode(), parse_constant=_refuse)
        if b"\\u" in line:
            _compact(message).encode()  # fails on halves of surrogate pairs
    except ValueError:
        raise NotCertain from None
    if not isinstance(message, dict) or not message.keys() <= _ENVELOPE:
        raise NotCertain
    params = message.get("params", {})
    id_ = message.get("id", 0)
    if (
        message.get("jsonrpc") != "2.0"
        or not isinstance(message.get("method"), str)
        or not isinstance(params, dict)
        or not isinstance(params.get("_meta", {}), dict)
        or not _is_token(id_)
    ):
        raise NotCertain
    return message


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _compact(message: dict[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _is_token(value: Any) -> bool:
    return isinstance(value, str) or (type(value) is int and abs(value) < 2**53)


def _is_listening(line: bytes, id_: Any) -> bool:
    message = json.loads(line)
    return bool(message["method"] == LISTEN and message["id"] == id_)


def _check_meta(meta: dict[str, Any]) -> None:
    if not _is_token(meta.get("progressToken", 0)):
        raise NotCertain
    if any(key.startswith(_META) and key not in _KNOWN_META for key in meta):
        raise NotCertain


def _checked_initialize(params: dict[str, Any]) -> str:
    """The protocol version of parameters that the SDK accepts."""
    asked = params.get("protocolVersion")
    if (
        not isinstance(asked, str)
        or not params.keys() <= _INITIALIZE_PARAMS
        or not _fits(params.get("capabilities"), _CAPABILITIES)
        or not _fits(params.get("clientInfo"), _INFO)
    ):
        raise NotCertain
    return asked


def _checked_envelope(meta: dict[str, Any]) -> str:
    """The protocol version of an envelope that the SDK accepts."""
    version = meta[_VERSION_KEY]
    if (
        not isinstance(version, str)
        or not _fits(meta.get(_CAPABILITIES_KEY), _CAPABILITIES)
        or not _fits(meta.get(_INFO_KEY, {"name": "", "version": ""}), _INFO)
        or meta.get(_LEVEL_KEY, "info") not in _LEVELS
    ):
        raise NotCertain
    return version


def _fits(value: Any, shape: Any) -> bool:
    """Whether a value is what the SDK accepts; fields that it does not know, it ignores.

    A shape is a type, `[shape]` for an object of such values, or an object of fields; a field
    whose name ends with `?` may be missing.
    """
    if isinstance(shape, type):
        return type(value) is shape
    if not isinstance(value, dict):
        return False
    if isinstance(shape, list):
        return all(_fits(each, shape[0]) for each in value.values())
    for name, wanted in shape.items():
        given = value.get(name.removesuffix("?"), value)
        if given is value:
            if not name.endswith("?"):
                return False
        elif not _fits(given, wanted):
            return False
    return True


_OPTIONS = {"context?": dict, "tools?": dict, "form?": dict, "url?": dict}
_CAPABILITIES = {
    "experimental?": [dict],
    "extensions?": [dict],
    "roots?": {"listChanged?": bool},
    "sampling?": _OPTIONS,
    "elicitation?": _OPTIONS,
    "tasks?": {"list?": dict, "cancel?": dict, "requests?": [[dict]]},
}
_INFO = {
    "name": str,
    "version": str,
    "title?": str,
    "description?": str,
    "websiteUrl?": str,
    "icons?": type(None),
}

"""Checks of a message: is the MCP SDK's answer to it certain?

They are stricter than the SDK wherever the two could differ. Refusing a message that the SDK would
accept costs the host a second, until the real server has loaded; accepting one that it would refuse
would be a wrong answer.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

META = "io.modelcontextprotocol/"
VERSION_KEY = f"{META}protocolVersion"
_CAPABILITIES_KEY = f"{META}clientCapabilities"
_INFO_KEY = f"{META}clientInfo"
_LEVEL_KEY = f"{META}logLevel"
_KNOWN_META = (VERSION_KEY, _CAPABILITIES_KEY, _INFO_KEY, _LEVEL_KEY)
_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
_ENVELOPE = {"jsonrpc", "id", "method", "params"}
_INITIALIZE_PARAMS = {"protocolVersion", "capabilities", "clientInfo", "_meta"}
_MAX_BRACKETS = 100


class NotCertain(Exception):
    """Only the real server knows the answer."""


def parse_message(line: bytes) -> dict[str, Any]:
    """Return the JSON-RPC request or notification in a line; its `_meta`, if any, is an object.

    Raises:
        NotCertain: The SDK might read it differently.
    """
    line = line.removesuffix(b"\r")
    # The SDK ends lines at a lone CR too, and its parser gives up on deep nesting earlier.
    if b"\r" in line or line.count(b"{") + line.count(b"[") > _MAX_BRACKETS:
        raise NotCertain
    try:
        message = json.loads(line.decode(), parse_constant=_refuse)
        if b"\\u" in line:
            compact_json(message).encode()  # fails on halves of surrogate pairs
    except ValueError:
        raise NotCertain from None
    if not isinstance(message, dict) or not message.keys() <= _ENVELOPE:
        raise NotCertain
    params = message.get("params", {})
    if (
        message.get("jsonrpc") != "2.0"
        or not isinstance(message.get("method"), str)
        or not isinstance(params, dict)
        or not isinstance(params.get("_meta", {}), dict)
        or not is_id(message.get("id", 0))
    ):
        raise NotCertain
    return message


def compact_json(message: dict[str, Any]) -> str:
    """Return the message as JSON on one line, byte for byte as the SDK writes it."""
    return json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def is_id(value: Any) -> bool:
    """Return whether a value can be the id of a request, or a progress token."""
    return isinstance(value, str) or (type(value) is int and abs(value) < 2**53)


def check_meta(meta: dict[str, Any]) -> None:
    """Check the part of `_meta` that every request may have.

    Raises:
        NotCertain: The progress token is invalid, or a field of the protocol is unknown.
    """
    if not is_id(meta.get("progressToken", 0)):
        raise NotCertain
    if any(key.startswith(META) and key not in _KNOWN_META for key in meta):
        raise NotCertain


def initialize_version(params: dict[str, Any]) -> str:
    """Return the protocol version that an `initialize` request asks for.

    Raises:
        NotCertain: The SDK might refuse the parameters.
    """
    version = params.get("protocolVersion")
    if (
        not isinstance(version, str)
        or not params.keys() <= _INITIALIZE_PARAMS
        or not has_shape(params.get("capabilities"), _CAPABILITIES)
        or not has_shape(params.get("clientInfo"), _INFO)
    ):
        raise NotCertain
    return version


def envelope_version(meta: dict[str, Any]) -> str:
    """Return the protocol version that a request names in its `_meta`.

    Raises:
        NotCertain: The SDK might refuse the envelope.
    """
    version = meta[VERSION_KEY]
    if (
        not isinstance(version, str)
        or not has_shape(meta.get(_CAPABILITIES_KEY), _CAPABILITIES)
        or not has_shape(meta.get(_INFO_KEY, {"name": "", "version": ""}), _INFO)
        or meta.get(_LEVEL_KEY, "info") not in _LEVELS
    ):
        raise NotCertain
    return version


def has_shape(value: Any, shape: Any) -> bool:
    """Return whether the SDK accepts a value; it ignores fields that it does not know.

    A shape is a type, `[shape]` for an object of such values, or an object of fields; a field
    whose name ends with `?` may be missing.
    """
    if isinstance(shape, type):
        return type(value) is shape
    if not isinstance(value, dict):
        return False
    if isinstance(shape, list):
        return all(has_shape(each, shape[0]) for each in value.values())
    for name, field_shape in shape.items():
        field = value.get(name.removesuffix("?"), value)
        if field is value:
            if not name.endswith("?"):
                return False
        elif not has_shape(field, field_shape):
            return False
    return True


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


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

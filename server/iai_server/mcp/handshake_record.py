"""The recorder of the real server's handshake: `python -m iai_server.mcp.handshake_record`.

Run it after every change of a tool, a prompt, a resource or the instructions, and after every
upgrade of the SDK or pydantic; a test compares the file with the real server.
"""

from __future__ import annotations

import json
import logging
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    PROTOCOL_VERSION_META_KEY,
    JSONRPCRequest,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from iai_memory import __version__
from iai_memory.base.files import make_private_folder, replace_file
from iai_memory.base.json_file import read_own_file
from iai_memory.errors import StoreUnavailable

from ..startup.handshake_responder import OTHER_VERSION
from ..startup.recorded_handshake import PACKAGED
from .app import App
from .server import build_app

_log = logging.getLogger(__name__)
_MAX_BYTES = 1 << 20

METHODS = (
    "ping",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
)
NEEDS = ("mcp", "mcp-types", "pydantic", "pydantic-core")
"""The distributions whose versions can change the answers."""


def record_handshake(app: App) -> str:
    """Return the real server's answers to a handshake, in every protocol version.

    Returns:
        JSON: `version` of iai-mcp and of the distributions that it `needs`; `answers`, which gives
        for a protocol version and a method the index of its result in `results`.
    """
    results: list[dict[str, Any]] = []
    answers: dict[str, dict[str, int]] = {}
    for protocol_version in (
        *HANDSHAKE_PROTOCOL_VERSIONS,
        OTHER_VERSION,
        *MODERN_PROTOCOL_VERSIONS,
    ):
        answers[protocol_version] = {}
        for method, result in anyio.run(_results, app, protocol_version).items():
            if result not in results:
                results.append(result)
            answers[protocol_version][method] = results.index(result)
    # A host with an unknown version continues in the answer's version, whose key then applies.
    answers[OTHER_VERSION] = {"initialize": answers[OTHER_VERSION]["initialize"]}
    found = {
        "version": __version__,
        "needs": {name: version(name) for name in NEEDS},
        "answers": answers,
        "results": results,
    }
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Write the packaged record."""
    Path(PACKAGED).write_text(record_handshake(build_app(_no_memory)), encoding="utf-8")
    sys.stderr.write(f"{PACKAGED} is up to date\n")


def _no_memory() -> NoReturn:
    raise StoreUnavailable("a recorded request opened the memory: list it as a constant")


def keep_own_handshake(app: App, path: Path) -> None:
    """Write a record for the installed versions, unless it is there already.

    A folder that cannot be written costs the next start its speed, nothing else.
    """
    text = record_handshake(app).encode()
    try:
        if _content(path) != text:
            make_private_folder(path.parent)
            replace_file(path, text)
    except (OSError, StoreUnavailable) as exc:
        _log.warning("the next start will be slow, %s cannot be written: %s", path, exc)


def _content(path: Path) -> bytes | None:
    try:
        return read_own_file(path, _MAX_BYTES)
    except FileNotFoundError:
        return None


def opening(protocol_version: str, method: str) -> dict[str, Any]:
    """Return the smallest valid parameters of a request; in modern versions an envelope."""
    if protocol_version in MODERN_PROTOCOL_VERSIONS:
        meta = {PROTOCOL_VERSION_META_KEY: protocol_version, CLIENT_CAPABILITIES_META_KEY: {}}
        return {"_meta": meta}
    if method == "initialize":
        client = {"name": "recorder", "version": "1"}
        return {"protocolVersion": protocol_version, "capabilities": {}, "clientInfo": client}
    return {}


async def _results(app: App, protocol_version: str) -> dict[str, dict[str, Any]]:
    """Return the results of all methods that the version has, by method, in one connection."""
    send, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, receive = anyio.create_memory_object_stream[SessionMessage](0)
    found: dict[str, dict[str, Any]] = {}
    async with anyio.create_task_group() as tasks, send, receive:
        tasks.start_soon(app.serve_streams, incoming, outgoing)
        modern = protocol_version in MODERN_PROTOCOL_VERSIONS
        for method in ("server/discover" if modern else "initialize", *METHODS):
            params = opening(protocol_version, method)
            await send.send(
                SessionMessage(JSONRPCRequest(jsonrpc="2.0", id=1, method=method, params=params))
            )
            message = (await receive.receive()).message.model_dump(
                by_alias=True, exclude_unset=True
            )
            if "result" in message:
                found[method] = message["result"]
        await send.aclose()
    return found


if __name__ == "__main__":
    main()

"""The responder answers the handshake from a record byte for byte like the real server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.handshakes import CONSTANTS, MODERN, RECORD, real_only, request, spoken

from iai_server.mcp.app import App
from iai_server.mcp.handshake_record import opening, record_handshake
from iai_server.startup.handshake_responder import HandshakeResponder
from iai_server.startup.recorded_handshake import PACKAGED, packaged_handshake


def test_the_record_is_what_the_real_server_answers(app: App) -> None:
    assert Path(PACKAGED).read_text(encoding="utf-8") == record_handshake(app), (
        "tools, texts or versions changed: run `python -m iai_server.mcp.handshake_record`"
    )


def test_the_record_is_trusted_with_the_versions_of_the_lock_file() -> None:
    assert packaged_handshake() == RECORD


@pytest.mark.parametrize(("version", "method"), CONSTANTS)
def test_the_responder_answers_byte_for_byte_like_the_real_server(
    app: App, version: str, method: str
) -> None:
    first = "server/discover" if version == MODERN else "initialize"
    responder = HandshakeResponder(RECORD)
    asked = [request(1, first, opening(version, first))]
    if method != first:
        asked.append(request('näh "2"\n\u2028', method, opening(version, method)))
    with spoken(real_only(app)) as real:
        for line in asked:
            real.ask(line)
            assert responder.answer(line.rstrip(b"\n")).encode() == real.answers(1)[0]


@pytest.mark.parametrize("id_", [0, -7, 2**52, "", "1", 'quote " and \\ and \x1f and \x7f', "日本"])
def test_an_id_comes_back_as_it_was_sent(app: App, id_: int | str) -> None:
    line = request(id_, "initialize", opening("2025-06-18", "initialize"))
    with spoken(real_only(app)) as real:
        real.ask(line)
        [said] = real.answers(1)
    assert json.loads(HandshakeResponder(RECORD).answer(line[:-1]))["id"] == id_
    assert json.loads(said)["id"] == id_

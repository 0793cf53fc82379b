"""A host hears the same whoever answers: the responder, or the server behind it."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.handshakes import (
    CLAUDE,
    CODEX,
    INITIALIZED,
    LEGACY,
    LISTEN,
    MODERN,
    Ready,
    real_only,
    request,
    spoken,
    with_responder,
)
from tests.support.talking import WAIT_SEC

from iai_server.mcp.app import App
from iai_server.mcp.handshake_record import opening


@dataclass(frozen=True)
class Said:
    """What a host may write, and how many answers that has."""

    line: bytes
    answers: int


def _said(method: str, *params: dict[str, Any]) -> list[Said]:
    return [Said(request(f"{method} {n}", method, each), 1) for n, each in enumerate(params)]


ENVELOPE = opening(MODERN, "ping")
NOTHING_CHANGES = [
    *_said("ping", {}, ENVELOPE, {"_meta": {"progressToken": True}}),
    *_said("tools/list", {}, ENVELOPE, {"cursor": "x"}, {"_meta": {"progressToken": 7}}),
    *_said("prompts/list", {}, ENVELOPE),
    *_said("resources/list", {}, ENVELOPE),
    *_said("resources/templates/list", {}, CLAUDE),
    *_said("server/discover", {}, CLAUDE, ENVELOPE),
    *_said("tools/call", {}, {"name": "nope", **ENVELOPE}, {"name": "nope", "arguments": {}}),
    *_said("prompts/get", {"name": "remember"}, {"name": "remember", **ENVELOPE}),
    *_said("no/such/method", {}, ENVELOPE),
    *_said(
        "subscriptions/listen",
        {**ENVELOPE, "notifications": {}},
        {**ENVELOPE, "notifications": {"toolsListChanged": True, "promptsListChanged": False}},
        {**ENVELOPE, "notifications": {"toolsListChanged": "yes"}},
        {**ENVELOPE, "notifications": {"resourceSubscriptions": ["memory://session-start"]}},
        {"notifications": {}},
        LISTEN,
        ENVELOPE,
    ),
    Said(b'{"jsonrpc":"2.0","id":3,"method":"ping","params":{"x":"\\ud83d"}}\n', 1),
    Said(b'{"jsonrpc":"2.0","id":4,"method":"ping"}\r\n', 1),
    Said(b'{"id":5,"method":"ping","jsonrpc":"2.0","more":1}\n', 1),
    Said(b'{"jsonrpc":"2.0","id":6,\r"method":"ping"}\n', 1),
    Said(b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}\n', 1),
    Said(b'{"jsonrpc":"2.0","id":null,"method":"ping"}\n', 1),
    Said(b'{"jsonrpc":"2.0","id":true,"method":"ping"}\n', 1),
    Said(b'{"jsonrpc":"1.0","id":7,"method":"ping"}\n', 1),
    Said(b'[{"jsonrpc":"2.0","id":8,"method":"ping"},{"jsonrpc":"2.0","method":"x"},7]\n', 2),
    Said(b'{"jsonrpc":"2.0","id":9,"result":{}}\n', 0),
    Said(b'{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}\n', 0),
    Said(
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"never"}}\n', 0
    ),
    Said(b'{"jsonrpc":"2.0","method":"notifications/none","params":[]}\n', 0),
    Said(b"\xff\xfe garbage\n", 1),
    Said(b'\xef\xbb\xbf{"jsonrpc":"2.0","id":10,"method":"ping"}\n', 1),
    Said(b"\n", 0),
]
INITIALIZES = [
    *_said("initialize", *(opening(version, "initialize") for version in [*LEGACY, "1", MODERN])),
    *_said("initialize", CODEX, {}, {"protocolVersion": 1}, {**CODEX, **CLAUDE}),
]
STATE_CHANGES = [Said(INITIALIZED, 0), *INITIALIZES]
# A request ahead of the handshake races with it inside the SDK; so such a host never shakes hands.
conversations = st.one_of(
    st.tuples(
        st.sampled_from([*INITIALIZES, *_said("server/discover", CLAUDE, ENVELOPE)]),
        st.lists(st.sampled_from([*NOTHING_CHANGES, *STATE_CHANGES]), max_size=8),
    ).map(lambda both: [both[0], *both[1]]),
    st.tuples(
        st.sampled_from(INITIALIZES[:4]),
        st.just(STATE_CHANGES[0]),
        st.lists(st.sampled_from(NOTHING_CHANGES), max_size=8),
    ).map(lambda all_: [*all_[:2], *all_[2]]),
    st.lists(st.sampled_from(NOTHING_CHANGES), max_size=5),
)


@settings(max_examples=150)
@given(
    conversation=conversations,
    cuts=st.lists(st.integers(min_value=0, max_value=2_000), max_size=4),
    ready_at=st.integers(min_value=0, max_value=5),
)
def test_a_host_hears_the_same_whoever_answers(
    app: App, conversation: list[Said], cuts: list[int], ready_at: int
) -> None:
    said = b"".join(each.line for each in conversation)
    count = sum(each.answers for each in conversation)
    with spoken(real_only(app)) as real:
        real.ask(said)
        expected = sorted(real.answers(count))
    # An open subscription ends with an error; nothing else is said that was not asked.
    assert all(b'"code":-32000' in line for line in real.rest)
    edges = sorted({min(cut, len(said)) for cut in (0, *cuts, len(said))})
    chunks = [said[start:end] for start, end in itertools.pairwise(edges)]
    ready = Ready()
    try:
        # The last word is one that only the real server can answer, so there is always a hand-over.
        with spoken(with_responder(app, ready)) as both:
            for number, chunk in enumerate(chunks):
                if number == ready_at:
                    ready.now()
                both.ask(chunk)
            both.ask(b"\n")
            assert sorted(both.answers(count)) == expected
        assert both.rest == real.rest
    finally:
        ready.close()


@pytest.mark.parametrize("handed_over", [False, True])
def test_a_subscription_that_was_ended_can_be_made_again(app: App, handed_over: bool) -> None:
    listen = request("listen:0", "subscriptions/listen", LISTEN)
    ended = request("", "notifications/cancelled", {"requestId": "listen:0"})
    ended = ended.replace(b'"id": "", ', b"")
    ready = Ready()
    try:
        with spoken(real_only(app)) as real, spoken(with_responder(app, ready)) as both:
            for said, count in [
                (request(0, "server/discover", CLAUDE), 1),
                (listen, 1),
                (ended, 0),
                (request(1, "tools/list", CLAUDE), 1),
                (listen, 1),
                (request(2, "no/such/method", CLAUDE), 1),
            ]:
                real.ask(said)
                both.ask(said)
                assert real.answers(count) == both.answers(count)
                if handed_over:
                    ready.now()
        assert len(real.rest) == 1
        assert real.rest == both.rest
    finally:
        ready.close()


def test_loading_begins_when_the_host_has_its_answers(app: App) -> None:
    ready = Ready()
    try:
        with spoken(with_responder(app, ready)) as both:
            assert not ready.started.is_set()
            both.ask(request(1, "initialize", CODEX) + INITIALIZED)
            both.answers(1)
            assert ready.started.wait(WAIT_SEC)
            both.ask(request(2, "tools/list", {}))
            assert len(json.loads(both.answers(1)[0])["result"]["tools"]) == 8
            ready.now()
            both.ask(request(3, "no/such/method", {}))
            assert json.loads(both.answers(1)[0])["error"]["code"] == -32601
    finally:
        ready.close()

"""The responder answers nobody whom the SDK would refuse."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.shared.inbound import InboundModernRoute, classify_inbound_request
from mcp_types import InitializeRequestParams
from mcp_types.methods import validate_client_request
from mcp_types.version import LATEST_HANDSHAKE_VERSION
from tests.support.handshakes import (
    CLAUDE,
    CODEX,
    INITIALIZED,
    LEGACY,
    LISTEN,
    MODERN,
    RECORD,
    request,
)

from iai_server.startup.handshake_responder import HandshakeResponder
from iai_server.startup.message_check import NotCertain

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
options = st.dictionaries(st.sampled_from(["form", "url", "tools", "context", "new"]), json_values)
capabilities = json_values | st.fixed_dictionaries(
    {},
    optional={
        "roots": json_values | st.fixed_dictionaries({"listChanged": json_values}),
        "sampling": json_values | options,
        "elicitation": json_values | options,
        "experimental": json_values,
        "extensions": json_values,
        "tasks": json_values
        | st.dictionaries(st.sampled_from(["list", "cancel", "requests"]), json_values),
        "unheard of": json_values,
    },
)
names = st.text(max_size=3)
client_info = json_values | st.fixed_dictionaries(
    {"name": names, "version": names},
    optional={
        key: names | json_values
        for key in ("title", "description", "websiteUrl", "icons", "website_url", "else")
    },
)


@settings(max_examples=300)
@given(
    st.fixed_dictionaries(
        {"protocolVersion": st.sampled_from([*LEGACY, MODERN, "1"]) | json_values},
        optional={"capabilities": capabilities, "clientInfo": client_info, "_meta": json_values},
    )
)
def test_the_responder_initializes_nobody_whom_the_sdk_refuses(params: dict[str, Any]) -> None:
    try:
        HandshakeResponder(RECORD).answer(request(1, "initialize", params)[:-1])
    except NotCertain:
        return
    validate_client_request("initialize", LATEST_HANDSHAKE_VERSION, params)
    InitializeRequestParams.model_validate(params, by_name=False)


@settings(max_examples=300)
@given(
    st.fixed_dictionaries(
        {"io.modelcontextprotocol/protocolVersion": st.just(MODERN) | json_values},
        optional={
            "io.modelcontextprotocol/clientCapabilities": capabilities,
            "io.modelcontextprotocol/clientInfo": client_info,
            "io.modelcontextprotocol/logLevel": st.sampled_from(["info", "loud"]) | json_values,
            "io.modelcontextprotocol/other": json_values,
            "progressToken": json_values,
            "traceparent": json_values,
        },
    )
)
def test_the_responder_discovers_for_nobody_whom_the_sdk_refuses(meta: dict[str, Any]) -> None:
    params = {"_meta": meta}
    try:
        HandshakeResponder(RECORD).answer(request(1, "server/discover", params)[:-1])
    except NotCertain:
        return
    body = {"method": "server/discover", "params": params}
    assert isinstance(classify_inbound_request(body), InboundModernRoute)
    validate_client_request("server/discover", MODERN, params)


def test_the_hosts_of_today_are_answered_by_the_responder() -> None:
    claude, codex = HandshakeResponder(RECORD), HandshakeResponder(RECORD)
    for method in ("server/discover", "server/discover", "tools/list", "prompts/list"):
        assert claude.answer(request(0, method, CLAUDE)[:-1])
    assert claude.answer(request("listen:0", "subscriptions/listen", LISTEN)[:-1])
    assert codex.answer(request(0, "initialize", CODEX)[:-1])
    assert not codex.answer(INITIALIZED[:-1])
    assert codex.answer(request(1, "tools/list", {"_meta": {"progressToken": 0}})[:-1])

"""The eight tools, three resources and two prompts, as a client sees them."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # a dependency of the SDK without stubs
import pytest
from mcp import MCPError
from mcp_types import INVALID_PARAMS, PromptMessage, TextContent, TextResourceContents
from tests.support.talking import ChildServer, Host, child_server, connected, said, structured

from iai_memory import Memory, load_settings
from iai_memory.text.fence import FENCE_BEGIN, FENCE_END
from iai_server.mcp.server import build_app
from iai_server.serving.runtime import Runtime

TOOLS = [
    "forget",
    "ingest",
    "pin",
    "recall",
    "session_start",
    "status",
    "supersede",
    "timeline",
]
NASTY = "x'; DROP TABLE memories; -- \" ) OR true \\ %_"
NO_DATE = 'is not an ISO date or time: send for example "2026-05-08" or "2026-05-08T14:00:00Z"'
UNKNOWN = "01900000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def host(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Host]:
    """A client of a server in this process, on a store of its own."""
    folder = tmp_path_factory.mktemp("tools")
    runtime = Runtime(load_settings(store=folder / "store", model=model_folder), folder)
    runtime.start()
    with connected(build_app(runtime.for_request), mode="legacy") as connection:
        yield connection


@pytest.fixture(scope="module")
def child(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[ChildServer]:
    """A real server, on a store of its own."""
    with child_server(tmp_path_factory.mktemp("child") / "store", model_folder) as server:
        yield server


@pytest.fixture(scope="module")
def listed(host: Host) -> list[dict[str, Any]]:
    """The tools as they go over the wire."""
    tools = host.portal.call(host.client.list_tools).tools
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]


def test_there_are_exactly_eight_tools(listed: list[dict[str, Any]]) -> None:
    assert sorted(tool["name"] for tool in listed) == TOOLS


def test_names_descriptions_and_input_schemas_cost_at_most_1500_tokens(
    listed: list[dict[str, Any]],
) -> None:
    for_a_model = [
        {key: tool[key] for key in ("name", "description", "inputSchema")} for tool in listed
    ]
    # Four characters make about one token of JSON.
    assert len(_compact(for_a_model)) <= 6_000
    # Output schemas are for hosts: no model is shown them.
    assert len(_compact({"tools": listed})) <= 18_600


def test_schemas_are_of_one_type_each_and_arguments_know_no_null(
    host: Host, listed: list[dict[str, Any]]
) -> None:
    """The dialects of several hosts refuse a list of types, and null among the arguments."""
    for tool in listed:
        assert '"type":[' not in _compact([tool["inputSchema"], tool["outputSchema"]])
        assert '"null"' not in _compact(tool["inputSchema"])
    # What was sent under the schema of an earlier version still is no fault.
    assert "hits" in host.ask("recall", {"query": "which port?", "since": None, "tags": None})


def test_schemas_carry_no_titles_and_close_themselves(listed: list[dict[str, Any]]) -> None:
    for tool in listed:
        assert '"title":"' not in _compact([tool["inputSchema"], tool["outputSchema"]])
        assert tool["inputSchema"]["additionalProperties"] is False
        jsonschema.Draft202012Validator.check_schema(tool["inputSchema"])
        jsonschema.Draft202012Validator.check_schema(tool["outputSchema"])


def test_a_real_server_lists_the_same_tools(
    child: ChildServer, listed: list[dict[str, Any]]
) -> None:
    assert child.request("tools/list", {})["result"]["tools"] == listed


def test_the_instructions_say_when_to_recall_in_600_characters(host: Host) -> None:
    instructions = host.client.instructions or ""
    assert "`recall`" in instructions
    assert len(instructions) <= 600


def test_annotations_say_what_only_reads_and_what_hides(listed: list[dict[str, Any]]) -> None:
    marks = {tool["name"]: tool["annotations"] for tool in listed}
    reading = {name for name, mark in marks.items() if mark["readOnlyHint"]}
    assert reading == {"recall", "timeline", "session_start", "status"}
    assert {name for name, mark in marks.items() if mark.get("destructiveHint")} == {"forget"}
    assert all(mark["idempotentHint"] for mark in marks.values())
    assert not any(mark["openWorldHint"] for mark in marks.values())


def test_every_result_fits_its_schema_and_its_text_says_the_same(
    host: Host, listed: list[dict[str, Any]]
) -> None:
    results = {
        "ingest": host.call("ingest", {"memories": [{"text": "The oak door is green."}]}),
        "recall": host.call("recall", {"query": "which colour is the door?"}),
        "timeline": host.call("timeline"),
        "session_start": host.call("session_start", {"refresh": True}),
        "status": host.call("status"),
    }
    [stored] = structured(results["ingest"])["results"]
    results["pin"] = host.call("pin", {"id": stored["id"], "add_tags": ["colour"]})
    results["supersede"] = host.call("supersede", {"id": stored["id"], "text": "It is blue."})
    results["forget"] = host.call("forget", {"ids": [stored["id"], UNKNOWN]})
    assert sorted(results) == TOOLS
    for tool in listed:
        result = results[tool["name"]]
        assert not result.is_error
        jsonschema.validate(structured(result), tool["outputSchema"])
        assert json.loads(said(result)) == result.structured_content
        assert "\n" not in said(result)


def test_a_memory_goes_through_all_its_states(host: Host) -> None:
    [stored] = host.ask("ingest", {"memories": [{"text": "The ferry leaves at 9."}]})["results"]
    assert host.ask("recall", {"query": "ferry leaves"})["hits"][0]["id"] == stored["id"]

    changed = host.ask("supersede", {"id": stored["id"], "text": "The ferry leaves at 10."})
    current = [hit["id"] for hit in host.ask("recall", {"query": "ferry leaves"})["hits"]]
    assert changed["new_id"] in current
    assert stored["id"] not in current
    past = host.ask("recall", {"query": "ferry leaves", "include_superseded": True})["hits"]
    assert stored["id"] in [hit["id"] for hit in past]

    gone = host.ask("forget", {"ids": [changed["new_id"]]})
    assert gone["undo"] == f"iai-mcp restore {changed['new_id']}"
    left = host.ask("recall", {"query": "ferry leaves", "include_superseded": True})["hits"]
    assert changed["new_id"] not in [hit["id"] for hit in left]


def test_what_is_stored_belongs_to_this_project_unless_another_or_none_is_named(
    host: Host,
) -> None:
    told = [
        {"text": "Bees fly at eleven degrees."},
        {"text": "Bees sleep at night.", "project": "."},
        {"text": "Bees drink at the pond.", "project": "pond"},
        {"text": "Bees are insects.", "global": True},
    ]
    stored = host.ask("ingest", {"memories": told})["results"]
    records = {one["id"]: one for one in host.ask("timeline", {"limit": 500})["records"]}
    found = [records[one["id"]].get("project") for one in stored]
    own = found[0]
    assert own is not None
    assert found == [own, own, "pond", None]

    of_this = host.ask("timeline", {"project": ".", "limit": 500})["records"]
    assert {stored[0]["id"], stored[1]["id"]} <= {one["id"] for one in of_this}
    page = host.ask("session_start")["payload"]
    assert "eleven degrees" in page
    assert "the pond" not in page

    both = {"memories": [{"text": "x", "project": "pond", "global": True}]}
    assert "project and global at once" in str(host.call("ingest", both).content)


@pytest.mark.parametrize("folder", ["/", "~"])
def test_the_root_and_the_home_folder_are_no_project_to_store_in(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    memory = Memory(store=tmp_path / "store", cwd=Path(folder).expanduser())
    assert memory.default_project is None
    assert Memory(store=tmp_path / "store", cwd=tmp_path / "work").default_project is not None


def test_the_page_and_each_record_are_resources(host: Host) -> None:
    text = "A text that is longer than what a listing shows. " * 100
    [stored] = host.ask("ingest", {"memories": [{"text": text}]})["results"]
    record = json.loads(_resource(host, f"memory://record/{stored['id']}"))
    assert record["text"] == text
    page = _resource(host, "memory://session-start")
    assert page == host.ask("session_start")["payload"]
    assert page.startswith(FENCE_BEGIN)
    assert FENCE_END in page


def test_what_a_session_was_given_by_a_tool_is_a_resource(host: Host) -> None:
    turn = {"text": "The lighthouse lamp is 88 watts.", "session_id": "keeper-1"}
    [stored] = host.ask("ingest", {"memories": [turn]})["results"]
    hits = host.ask("recall", {"query": "How many watts has the lighthouse lamp?"})["hits"]
    assert hits[0]["id"] == stored["id"]
    host.ask("timeline", {"session_id": "keeper-1"})

    found = json.loads(_resource(host, "memory://injections/keeper"))
    assert found["session"] == "keeper-1"
    given = {one["tool"]: one for one in found["injections"]}
    assert given["recall"]["memories"][0]["id"] == stored["id"]
    assert given["recall"]["memories"][0]["confidence"] == hits[0]["confidence"]
    assert [one["id"] for one in given["timeline"]["memories"]] == [stored["id"]]
    with pytest.raises(MCPError, match="no session has an id that begins with"):
        _resource(host, "memory://injections/nobody")
    host.ask("ingest", {"memories": [{**turn, "text": "It has two.", "session_id": "keeper-2"}]})
    with pytest.raises(MCPError, match="2 sessions have ids that begin with keeper") as error:
        _resource(host, "memory://injections/keeper")
    assert error.value.code == INVALID_PARAMS


@pytest.mark.parametrize("id_", [UNKNOWN, "nonsense", "%27%3B%20DROP"])
def test_an_unknown_record_is_a_protocol_error_that_says_what_to_send(host: Host, id_: str) -> None:
    with pytest.raises(MCPError, match="send an id that recall returned"):
        _resource(host, f"memory://record/{id_}")


def test_prompts_ask_for_the_tools(host: Host) -> None:
    names = [prompt.name for prompt in host.portal.call(host.client.list_prompts).prompts]
    assert sorted(names) == ["remember", "what-do-you-know"]
    assert "`ingest`" in _prompt(host, "remember", {})
    assert "about: tides" in _prompt(host, "what-do-you-know", {"subject": "tides"})


def test_lists_that_come_as_json_strings_are_read_as_lists(host: Host) -> None:
    """Claude Desktop sends them so."""
    memories = json.dumps([{"text": "A heron stood by the weir.", "tags": ["bird"]}])
    assert host.ask("ingest", {"memories": memories})["stored"] == 1
    [hit] = host.ask("recall", {"query": "heron", "tags": '["bird"]'})["hits"]
    assert hit["text"] == "A heron stood by the weir."


def test_quotes_and_semicolons_in_filters_are_only_text(host: Host) -> None:
    memory = {"text": "A filter test.", "project": NASTY, "session_id": NASTY, "tags": [NASTY]}
    host.ask("ingest", {"memories": [memory]})
    [hit] = host.ask("recall", {"query": "filter", "project": NASTY, "tags": [NASTY]})["hits"]
    assert hit["project"] == NASTY
    [record] = host.ask("timeline", {"project": NASTY, "session_id": NASTY})["records"]
    assert record["session_id"] == NASTY
    other = NASTY.replace("x", "y")
    assert host.ask("recall", {"query": "filter", "project": other})["hits"] == []
    assert host.ask("recall", {"query": "filter", "tags": [other]})["hits"] == []
    assert host.ask("timeline", {"session_id": other})["records"] == []


def test_a_nul_character_is_kept_verbatim(child: ChildServer) -> None:
    text = "before\x00after"
    child.ask("ingest", {"memories": [{"text": text}]})
    assert child.ask("recall", {"query": "before after"})["hits"][0]["text"] == text


BAD_INPUT: list[tuple[str, str, dict[str, Any], str]] = [
    ("blank query", "recall", {"query": " \n"}, "query is blank: send at least one word"),
    ("no query", "recall", {}, "recall needs query: send it"),
    ("query a number", "recall", {"query": 5}, "query of recall cannot be used: send text"),
    (
        "limit 0",
        "recall",
        {"query": "a", "limit": 0},
        "limit is 0: send a whole number from 1 to 50",
    ),
    (
        "limit 51",
        "recall",
        {"query": "a", "limit": 51},
        "limit is 51: send a whole number from 1 to 50",
    ),
    (
        "limit text",
        "recall",
        {"query": "a", "limit": "many"},
        "limit of recall cannot be used: send a whole number",
    ),
    (
        "limit null",
        "recall",
        {"query": "a", "limit": None},
        "limit of recall cannot be used: send a whole number",
    ),
    (
        "limit half",
        "recall",
        {"query": "a", "limit": 1.5},
        "limit of recall cannot be used: send a whole number",
    ),
    (
        "limit huge",
        "timeline",
        {"limit": 10**30},
        f"limit is {10**30}: send a whole number from 1 to 500",
    ),
    (
        "budget 1",
        "recall",
        {"query": "a", "budget_tokens": 1},
        "budget_tokens is 1: send a whole number from 50 to 100,000",
    ),
    (
        "flag text",
        "recall",
        {"query": "a", "include_superseded": "maybe"},
        "include_superseded of recall cannot be used: send true or false",
    ),
    ("since no date", "recall", {"query": "a", "since": "yesterday"}, f"since {NO_DATE}"),
    ("until no day", "timeline", {"until": "2026-02-30"}, f"until {NO_DATE}"),
    (
        "since after until",
        "timeline",
        {"since": "2026-02-02", "until": "2026-02-01"},
        "since is after until: swap them",
    ),
    (
        "tags text",
        "recall",
        {"query": "a", "tags": "bird"},
        "tags of recall cannot be used: send a list",
    ),
    (
        "tags of numbers",
        "recall",
        {"query": "a", "tags": [1]},
        "tags[0] of recall cannot be used: send text",
    ),
    (
        "blank tag",
        "recall",
        {"query": "a", "tags": [" "]},
        'tags is not a list of words: send for example ["decision"]',
    ),
    ("blank project", "timeline", {"project": ""}, "project is blank: send at least one word"),
    ("no memories", "ingest", {}, "ingest needs memories: send it"),
    (
        "memories empty",
        "ingest",
        {"memories": []},
        'memories is empty: send for example [{"text": "…"}]',
    ),
    (
        "memories text",
        "ingest",
        {"memories": "x"},
        "memories of ingest cannot be used: send a list",
    ),
    ("memory without text", "ingest", {"memories": [{}]}, "ingest needs memories[0].text: send it"),
    (
        "memory a text",
        "ingest",
        {"memories": ["x"]},
        "memories[0] of ingest cannot be used: send an object",
    ),
    (
        "blank text",
        "ingest",
        {"memories": [{"text": "good"}, {"text": "\t"}]},
        "text is blank: send at least one word",
    ),
    (
        "text over 1 MB",
        "ingest",
        {"memories": [{"text": "ä" * 500_001}]},
        "text has 1,000,002 bytes, at most 1,000,000 are kept: send it in parts",
    ),
    (
        "unknown field",
        "ingest",
        {"memories": [{"text": "a", "colour": 1}]},
        "ingest has no field memories[0].colour: leave it out",
    ),
    (
        "unknown role",
        "ingest",
        {"memories": [{"text": "a", "role": "king"}]},
        "memories[0].role of ingest cannot be used: send 'note', 'assistant' or 'tool'",
    ),
    (
        "created no date",
        "ingest",
        {"memories": [{"text": "a", "created_at": "noon"}]},
        f"created_at {NO_DATE}",
    ),
    (
        "half a surrogate pair",
        "ingest",
        {"memories": [{"text": "a\ud800"}]},
        "text has half of a surrogate pair: send valid Unicode",
    ),
    (
        "deep nesting",
        "ingest",
        {"memories": [{"text": json.loads("[" * 100 + "]" * 100)}]},
        "memories[0].text of ingest cannot be used: send text",
    ),
    (
        "unknown argument",
        "pin",
        {"id": UNKNOWN, "color\n": 1},
        "pin has no argument 'color\\n': send id, pinned, add_tags, remove_tags",
    ),
    ("argument for status", "status", {"a": 1}, "status has no argument 'a': send none"),
    (
        "unknown id",
        "pin",
        {"id": UNKNOWN},
        f"no memory has the id '{UNKNOWN}': send an id that recall returned",
    ),
    (
        "nasty id",
        "supersede",
        {"id": "';\n--", "text": "a"},
        'no memory has the id "\';\\n--": send an id that recall returned',
    ),
    ("ids text", "forget", {"ids": "abc"}, "ids of forget cannot be used: send a list"),
    (
        "ids empty",
        "forget",
        {"ids": []},
        "ids is not a list of ids: send the id of at least one recalled memory",
    ),
    (
        "unknown tool",
        "purge\n",
        {},
        "no tool is called 'purge\\n': call one of recall, timeline, session_start, status, "
        "ingest, supersede, forget, pin",
    ),
]


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [pytest.param(*rest, id=name) for name, *rest in BAD_INPUT],
)
def test_bad_input_is_one_sentence_and_changes_nothing(
    host: Host, tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    before = host.ask("status")
    result = host.call(tool, arguments)
    assert result.is_error
    assert result.structured_content is None
    assert said(result) == sentence
    after = host.ask("status")
    assert after["table_version"] == before["table_version"]
    assert after["records"] == before["records"]


def test_a_field_named_by_the_caller_comes_back_cut_and_escaped(host: Host) -> None:
    result = host.call("ingest", {"memories": [{"text": "a", "\x1b[31m" + "x" * 100: 1}]})
    assert said(result) == f"ingest has no field memories[0].\\x1b[31m{'x' * 35}: leave it out"


def test_forgetting_an_unknown_id_says_so_and_changes_nothing(host: Host) -> None:
    before = host.ask("status")["table_version"]
    assert host.ask("forget", {"ids": [UNKNOWN]})["not_found"] == [UNKNOWN]
    assert host.ask("status")["table_version"] == before


def test_a_request_with_half_a_surrogate_pair_is_answered_on_the_wire(child: ChildServer) -> None:
    before = child.ask("status")["table_version"]
    child.send(
        b'{"method":"tools/call","params":{"name":"ingest","arguments":{"memories":'
        b'[{"text":"broken \\ud83d"}]}},"jsonrpc":"2.0","id":"half"}'
    )
    answer = child.receive()
    assert answer["id"] == "half"
    assert answer["error"]["code"] == -32700
    assert "without halves of surrogate pairs" in answer["error"]["message"]
    assert child.ask("status")["table_version"] == before


def test_a_whole_surrogate_pair_is_one_character(child: ChildServer) -> None:
    child.send(
        b'{"method":"tools/call","params":{"name":"ingest","arguments":{"memories":'
        b'[{"text":"a fox \\ud83e\\udd8a"}]}},"jsonrpc":"2.0","id":"fox"}'
    )
    assert child.receive()["result"]["structuredContent"]["stored"] == 1
    assert child.ask("recall", {"query": "fox"})["hits"][0]["text"] == "a fox 🦊"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _resource(host: Host, uri: str) -> str:
    [content] = host.portal.call(host.client.read_resource, uri).contents
    assert isinstance(content, TextResourceContents)
    return content.text


def _prompt(host: Host, name: str, arguments: dict[str, str]) -> str:
    messages: list[PromptMessage] = host.portal.call(
        host.client.get_prompt, name, arguments
    ).messages
    [message] = messages
    assert isinstance(message.content, TextContent)
    return message.content.text

"""What an answer says of itself: whatever is out of sight gives another answer than a true miss."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pytest
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent
from tests.support.copies import made_once
from tests.support.damage import index_files, removed
from tests.support.model_folders import model_of_rubbish
from tests.support.pages import WAIT_SEC, ring
from tests.support.pairs import few_quick

from iai_memory import Memory, load_settings
from iai_memory.base.locks import held, waiting_until
from iai_memory.base.out_of_sight import MAKES_INCOMPLETE, OutOfSight, told
from iai_memory.capture.given_up import GivenUp
from iai_memory.capture.ring import ring_of
from iai_memory.errors import StoreBusy
from iai_memory.results import Recalled, SessionStartPage, Timeline
from iai_memory.store.record import REWOUND
from iai_memory.text.nearest import nearest
from iai_server.cli.main import run
from iai_server.mcp.server import build_app

FACT: Final = "The staging database listens on port 5544."
QUESTION: Final = "which port is staging on?"
SHOWN: Final = (OutOfSight.NOTHING_THEN, OutOfSight.RESPELLED, OutOfSight.OTHER_LANGUAGE)
"""What is of another time or in another language, or has a word in another spelling, is shown."""

HARD: Final = "on what does the machine hear?"
OTHER: Final = "The cat sleeps on the sofa."


@dataclass
class Case:
    """A store in which a fact is out of sight, and the arguments of the recall that misses it.

    `locked` is a lock that somebody else holds while it is asked.
    """

    memory: Memory
    question: str = QUESTION
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    locked: str | None = None


Make = Callable[[Memory, Path, pytest.MonkeyPatch], Case]


def nobody() -> None:
    """Nothing follows a commit."""


def fact(memory: Memory, **fields: Any) -> str:
    """Stores the fact, and something else beside it; returns its id."""
    memory.ingest({"text": OTHER, "project": "beta", "tags": ["pets"], "session_id": "s-9"})
    [result] = memory.ingest({"text": FACT, "project": "alpha", **fields}).results
    assert result.id is not None
    return result.id


def unread_event(memory: Memory, *_: Any) -> Case:
    memory.ingest(OTHER)
    ring(memory, FACT)
    return Case(memory, locked="drain")


def not_drained(memory: Memory, *_: Any) -> Case:
    memory.ingest(OTHER)
    ring(memory, FACT)
    return Case(memory, locked="write")


def unread_transcript(memory: Memory, *_: Any) -> Case:
    transcript = ring(memory, OTHER)
    memory.drain()
    line = json.loads(transcript.read_text().splitlines()[0])
    line |= {"uuid": "another", "message": {"role": "user", "content": FACT}}
    with transcript.open("a") as file:
        file.write(json.dumps(line) + "\n")
    return Case(memory, locked="drain")


def given_up(memory: Memory, folder: Path, _: Any) -> Case:
    memory.ingest(OTHER)
    transcript = folder / "unreadable.jsonl"
    transcript.write_text(FACT)
    noted = ring_of({"transcript_path": str(transcript), "event": "Stop"}, datetime.now(UTC))
    assert noted is not None
    memory.paths.spool.mkdir(parents=True, exist_ok=True)
    GivenUp(memory.paths).add(noted, "it cannot be read")
    return Case(memory)


def barred(memory: Memory, *_: Any) -> Case:
    memory.ingest(OTHER)
    (memory.paths.spool / "doorbell.jsonl").mkdir(parents=True)
    return Case(memory)


def damaged_words(memory: Memory, *_: Any) -> Case:
    memory.ingest(OTHER)
    memory.store.compact(keep=timedelta(0))
    for path in index_files(memory.paths):
        removed(path)
    return Case(memory, locked="write")


def lost(memory: Memory, *_: Any) -> Case:
    ring(memory, OTHER)
    memory.drain()
    memory.embed_pending()
    path = memory.paths.spool / "sessions.json"
    noted = json.loads(path.read_text())
    for one in noted.values():
        one["lost_at"] = datetime.now(UTC).isoformat()
        one["books"]["failed"] = 2
    path.write_text(json.dumps(noted))
    return Case(memory)


def aliases_unreadable(memory: Memory, *_: Any) -> Case:
    fact(memory, project="gamma")
    memory.paths.projects.write_text("{")
    return Case(memory, options={"project": "beta"})


def session_lost(memory: Memory, *_: Any) -> Case:
    memory.ingest(OTHER)
    spool = memory.paths.spool
    spool.mkdir(parents=True)
    rung = {"session_id": "s-1", "event": "Stop", "at": datetime.now(UTC).isoformat()}
    (spool / "doorbell.jsonl").write_text(json.dumps(rung) + "\n")
    assert memory.drain().nameless == 1
    return Case(memory)


def capture_off(memory: Memory, *_: Any) -> Case:
    memory.ingest(OTHER)
    return Case(Memory(settings=memory.settings.model_copy(update={"disable": True})))


def folder_ignored(memory: Memory, folder: Path, patch: pytest.MonkeyPatch) -> Case:
    memory.ingest(OTHER)
    (folder / ".iai-mcp-ignore").touch()
    (folder / "inner").mkdir()
    patch.chdir(folder / "inner")
    settings = memory.settings
    return Case(Memory(settings=settings, cwd=folder / "inner", on_commit=nobody))


def without_model(memory: Memory, *_: Any) -> Case:
    fact(memory)
    settings = load_settings(store=memory.paths.root, model=None)
    return Case(Memory(settings=settings, on_commit=nobody), HARD)


def damaged_model(memory: Memory, folder: Path, _: Any) -> Case:
    fact(memory)
    settings = load_settings(store=memory.paths.root, model=folder / "nowhere")
    return Case(Memory(settings=settings, on_commit=nobody), HARD)


def other_model(memory: Memory, folder: Path, _: Any) -> Case:
    fact(memory)
    rubbish = model_of_rubbish(folder / "other")
    manifest = json.loads((rubbish / "manifest.json").read_text())
    manifest["identity"]["revision"] = "another"
    (rubbish / "manifest.json").write_text(json.dumps(manifest))
    return Case(Memory(settings=load_settings(store=memory.paths.root, model=rubbish)))


def pending(memory: Memory, *_: Any) -> Case:
    memory.ingest(OTHER)
    words = Memory(settings=load_settings(store=memory.paths.root, model=None))
    words.ingest([f"{FACT} It is the {number}th server." for number in range(400)])
    return Case(memory, HARD)


def at_another_time(memory: Memory, *_: Any) -> Case:
    at = datetime.now(UTC) - timedelta(days=90)
    memory.ingest({"text": FACT, "created_at": at.isoformat()})
    return Case(memory, f"yesterday: {QUESTION}", {"min_confidence": 0.99})


def forgotten(memory: Memory, *_: Any) -> Case:
    memory.forget([fact(memory)])
    return Case(memory)


def superseded(memory: Memory, *_: Any) -> Case:
    old = fact(memory)
    new = memory.supersede(old, "It moved.").new_id
    memory.forget([new])
    return Case(memory)


def rewound(memory: Memory, *_: Any) -> Case:
    at = datetime.now(UTC) - timedelta(days=1)
    memory.ingest({"text": FACT, "role": "user", "created_at": at.isoformat(), "tags": [REWOUND]})
    return Case(memory, "what did we do yesterday?")


def narrowed(**options: Any) -> Make:
    """A recall whose filter leaves the fact out, and leaves something else in."""

    def make(memory: Memory, *_: Any) -> Case:
        fact(memory)
        return Case(memory, options=options)

    return make


def other_origin(memory: Memory, *_: Any) -> Case:
    memory.ingest(OTHER, origin="tool")
    return Case(
        narrowed()(memory, Path(), pytest.MonkeyPatch()).memory, options={"origins": ["tool"]}
    )


def below_confidence(memory: Memory, *_: Any) -> Case:
    fact(memory)
    return Case(memory, "where do pets rest?", {"min_confidence": 0.99})


def respelled(memory: Memory, *_: Any) -> Case:
    """A fact, and a question with a misspelt word of it."""
    fact(memory)
    return Case(memory, "on which port does the databse listen?")


def unlikely(memory: Memory, *_: Any) -> Case:
    """Two exchanges of a session, of which one answers."""
    said = [
        ("user", "Why does the importer retry three times?"),
        ("assistant", "The mirror answers 503 while it rotates its logs; the third one works."),
        ("user", FACT),
        ("assistant", "The cat sleeps on the sofa, and nobody wakes it before noon."),
    ]
    memory.ingest(
        [
            {
                "role": role,
                "text": text,
                "host": "claude-code",
                "session_id": "s",
                "turn_id": f"t-{minute}",
                "created_at": f"2026-05-08T09:0{minute}:00Z",
            }
            for minute, (role, text) in enumerate(said)
        ]
    )
    return Case(memory, "why does the importer retry three times?")


def many(memory: Memory, *_: Any) -> Case:
    days = ["Monday", "Tuesday", "Friday"]
    memory.ingest([f"On {day} the staging database listened on port 5544." for day in days])
    return Case(memory)


def behind_limit(memory: Memory, *_: Any) -> Case:
    return Case(many(memory).memory, options={"limit": 1})


def behind_budget(memory: Memory, *_: Any) -> Case:
    words = "which port is staging on, and who is told of it when it changes? " * 8
    memory.ingest([f"{number} {words}" for number in ("one", "two", "three", "four", "five")])
    return Case(memory, options={"budget_tokens": 50})


CASES: Final[Mapping[OutOfSight, Make]] = MappingProxyType(
    {
        OutOfSight.UNREAD_EVENT: unread_event,
        OutOfSight.UNREAD_TRANSCRIPT: unread_transcript,
        OutOfSight.NOT_DRAINED: not_drained,
        OutOfSight.EVENT_GIVEN_UP: given_up,
        OutOfSight.SPOOL_BARRED: barred,
        OutOfSight.TURN_LOST: lost,
        OutOfSight.SESSION_LOST: session_lost,
        OutOfSight.CAPTURE_OFF: capture_off,
        OutOfSight.FOLDER_IGNORED: folder_ignored,
        OutOfSight.PENDING_VECTOR: pending,
        OutOfSight.NO_MODEL: without_model,
        OutOfSight.DAMAGED_MODEL: damaged_model,
        OutOfSight.DAMAGED_WORDS: damaged_words,
        OutOfSight.UNREADABLE_QUESTION: lambda memory, *_: Case(many(memory).memory, "🚀"),
        OutOfSight.RESPELLED: respelled,
        OutOfSight.OTHER_LANGUAGE: lambda memory, *_: Case(
            many(memory).memory, "auf welchem Port ist die Datenbank staging?"
        ),
        OutOfSight.OTHER_MODEL: other_model,
        OutOfSight.ALIASES_UNREADABLE: aliases_unreadable,
        OutOfSight.UNKNOWN_PROJECT: narrowed(project="alhpa"),
        OutOfSight.UNKNOWN_TAG: narrowed(tags=["pest"]),
        OutOfSight.UNKNOWN_ORIGIN: narrowed(origins=["import"]),
        OutOfSight.OTHER_PROJECT: narrowed(project="beta"),
        OutOfSight.OTHER_TIME: narrowed(until="2020-01-01"),
        OutOfSight.NOTHING_THEN: at_another_time,
        OutOfSight.LATER_THAN_AS_OF: narrowed(as_of="2020-01-01"),
        OutOfSight.OTHER_TAG: narrowed(tags=["pets"]),
        OutOfSight.OTHER_ORIGIN: other_origin,
        OutOfSight.FORGOTTEN: forgotten,
        OutOfSight.SUPERSEDED: superseded,
        OutOfSight.REWOUND: rewound,
        OutOfSight.BELOW_CONFIDENCE: below_confidence,
        OutOfSight.UNLIKELY: unlikely,
        OutOfSight.BEHIND_LIMIT: behind_limit,
        OutOfSight.BEHIND_BUDGET: behind_budget,
        OutOfSight.NOTHING_STORED: lambda memory, *_: Case(memory),
    }
)


@pytest.fixture
def memory(tmp_path: Path, model_folder: Path) -> Memory:
    """An empty memory with the model; its process drains and embeds when it is told to."""
    settings = load_settings(store=tmp_path / "store", model=model_folder)
    return Memory(settings=settings, on_commit=nobody)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the fact, only to read."""
    return made_once(tmp_path_factory, fact)


def from_tool(case: Case) -> dict[str, Any]:
    """What a model gets; of an error its sentence."""
    app = build_app(lambda: case.memory)
    try:
        done = asyncio.run(app.call_tool("recall", {"query": case.question, **case.options}))
    except ToolError as exc:
        return {"error": str(exc)}
    assert isinstance(done, CallToolResult)
    assert isinstance(done.content[0], TextContent)
    found: dict[str, Any] = json.loads(done.content[0].text)
    return found


def from_cli(
    case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *more: str
) -> str:
    """What a command prints."""
    settings = case.memory.settings
    monkeypatch.setenv("IAI_MCP_STORE", str(settings.store))
    monkeypatch.setenv("IAI_MCP_MODEL", str(settings.model or "installed"))
    monkeypatch.setenv("IAI_MCP_DISABLE", "1" if settings.disable else "")
    names = {"tags": "tag", "origins": "origin"}
    given: list[str] = []
    for name, value in case.options.items():
        option = f"--{names.get(name, name).replace('_', '-')}"
        for one in value if isinstance(value, list) else [value]:
            given += [option, str(one)]
    run(["recall", case.question, *given, *more])
    told = capsys.readouterr()
    return told.out or told.err


@pytest.mark.parametrize("reason", list(CASES))
def test_whatever_is_out_of_sight_gives_another_answer_than_a_true_miss(
    reason: OutOfSight,
    memory: Memory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    case = CASES[reason](memory, tmp_path, monkeypatch)
    with held(memory.paths.lock(case.locked), timeout=1) if case.locked else nullcontext():
        found = from_tool(case)
        text = from_cli(case, monkeypatch, capsys)
        # Each waits for seconds for a lock that somebody else holds.
        plain = "" if case.locked else from_cli(case, monkeypatch, capsys, "--json")
    assert "nothing answers that" not in text
    assert "nothing has these words" not in text
    if "error" in found:
        assert reason is OutOfSight.OTHER_MODEL
        assert "reembed" in found["error"]
        assert "reembed" in text
        return
    for answer in (found, *([json.loads(plain)] if plain else [])):
        if reason not in SHOWN:
            assert not any(FACT in hit["text"] for hit in answer["hits"])
        coverage = answer["coverage"]
        assert reason in [one["reason"] for one in coverage["hidden"]]
        assert coverage["complete"] == (reason not in MAKES_INCOMPLETE)
        assert answer["confidence"] is None or coverage["complete"]
        if not answer["hits"] or not coverage["complete"]:
            assert coverage["note"]
            assert coverage["note"].split(":")[0] in text


def test_what_was_forgotten_or_replaced_is_told_where_it_has_the_words_of_the_question(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    memory.forget([fact(memory)])
    superseded(memory)
    miss = Case(memory, "who won the chess tournament in Oslo?")
    assert "hidden" not in from_tool(miss)["coverage"]
    assert "nothing answers that" in from_cli(miss, monkeypatch, capsys)
    reasons = [one["reason"] for one in from_tool(Case(memory))["coverage"]["hidden"]]
    assert reasons == [OutOfSight.FORGOTTEN, OutOfSight.SUPERSEDED]


def test_a_true_miss_is_complete_and_says_that_nothing_answers(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fact(memory)
    case = Case(memory, "who won the chess tournament in Oslo?")
    found = from_tool(case)
    assert found["coverage"] == {
        "complete": True,
        "searched": {"memories": 2, "by_words": 2, "by_meaning": 2},
    }
    assert (found["hits"], found["degraded"]) == ([], False)
    assert "nothing answers that" in from_cli(case, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("asked", "known", "first"),
    [
        ("alhpa", ["alpha", "beta"], "alpha"),
        ("ALPHA", ["beta", "alpha"], "alpha"),
        (
            "git.example/team/webshop",
            ["github.com/team/webshop", "github.com/team/web"],
            "github.com/team/webshop",
        ),
        ("parser", ["/home/ann/parsers", "/home/ann/notes"], "/home/ann/parsers"),
    ],
)
def test_the_nearest_known_name_comes_first(asked: str, known: list[str], first: str) -> None:
    assert nearest(asked, known)[0] == first


def test_each_reason_has_a_case_and_a_sentence() -> None:
    assert {*CASES, OutOfSight.UNKNOWN_SESSION, OutOfSight.OTHER_SESSION} == set(OutOfSight)
    assert all(told(reason, count) for reason in OutOfSight for count in (1, 2))


def test_a_session_that_no_memory_has_is_named_to_the_timeline(memory: Memory) -> None:
    fact(memory, session_id="5f0e2a60-1111-4000-8000-000000000001")
    coverage = memory.timeline(session_id="5f0e2a60-1111-4000-8000-000000000002").coverage
    assert not coverage.complete
    assert coverage.unknown[0].nearest == ["5f0e2a60-1111-4000-8000-000000000001"]
    assert OutOfSight.OTHER_SESSION in [one.reason for one in coverage.hidden]
    assert memory.timeline(session_id="s-9").coverage.complete


def test_a_timeline_counts_what_is_behind_its_limit(memory: Memory) -> None:
    many(memory)
    found = memory.timeline(limit=1)
    assert (len(found.records), found.coverage.cut, found.coverage.complete) == (1, 2, True)
    assert found.coverage.searched.memories == 3


def test_a_page_says_that_its_project_is_unknown_and_that_events_wait(memory: Memory) -> None:
    fact(memory)
    assert memory.session_start("alpha").coverage.complete
    [unknown] = memory.session_start("alhpa").coverage.unknown
    assert (unknown.value, unknown.nearest[0]) == ("alhpa", "alpha")
    ring(memory, "a new turn")
    coverage = memory.session_start().coverage
    assert (coverage.complete, coverage.unread.events) == (False, 1)


def test_names_of_forgotten_memories_are_not_told(memory: Memory) -> None:
    memory.forget([fact(memory, tags=["secret-plan"])])
    coverage = memory.recall(QUESTION, tags=["secret-plam"]).coverage
    assert "secret-plan" not in coverage.model_dump_json()
    assert not coverage.complete


def test_control_characters_of_names_do_not_reach_a_terminal(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fact(memory)
    case = Case(memory, options={"project": "al\x1b[31mpha"})
    assert "\x1b" not in from_cli(case, monkeypatch, capsys)


def test_vectors_that_wait_make_an_answer_degraded_and_not_sure(memory: Memory) -> None:
    found = pending(memory).memory.recall(HARD)
    assert (found.degraded, found.confidence, found.fix) == (True, None, "iai-mcp sleep")
    assert (found.coverage.pending, found.coverage.searched.by_meaning) == (400, 1)


def test_an_answer_is_not_complete_while_no_memory_has_its_vector(memory: Memory) -> None:
    words = Memory(settings=load_settings(store=memory.paths.root, model=None), on_commit=nobody)
    words.ingest([f"{FACT} It is the {number}th server." for number in range(400)])
    found = memory.recall(QUESTION)
    assert found.hits
    assert (found.coverage.complete, found.coverage.pending, found.confidence) == (False, 400, None)
    assert "400 memories wait for vectors" in (found.coverage.note or "")


@pytest.mark.parametrize(
    ("asked", "is_told"),
    [
        ("what did we say yesterday about the staging port?", True),
        ("was haben wir gestern über den staging port gesagt?", True),
        ("what did we say in the last 90 days about the staging port?", False),
        ("what did we say on 3 March about the staging port?", False),
        ("which port is staging on?", False),
    ],
)
def test_hits_of_another_time_than_the_question_names_are_said_to_be_so(
    asked: str, is_told: bool, memory: Memory
) -> None:
    at = datetime.now(UTC) - timedelta(days=60)
    memory.ingest({"text": FACT, "created_at": at.isoformat()})
    found = memory.recall(asked, min_confidence=0)
    assert [hit.text for hit in found.hits] == [FACT]
    assert found.coverage.complete
    assert ("a hit, if there is one, is of another" in (found.coverage.note or "")) is is_told


def test_a_memory_that_is_asked_for_by_its_id_is_a_complete_answer(memory: Memory) -> None:
    words = Memory(settings=load_settings(store=memory.paths.root, model=None), on_commit=nobody)
    found = words.recall(fact(words))
    assert (found.mode, found.confidence, found.degraded) == ("id", 1.0, False)
    assert found.coverage.complete
    assert found.coverage.note is None


def test_a_tag_in_another_case_is_known(memory: Memory) -> None:
    fact(memory)
    assert memory.recall(QUESTION, project="alpha", tags=["PETS"]).coverage.unknown == []


def test_what_a_drain_stored_counts_though_the_model_cannot_be_used(
    memory: Memory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number in range(70):
        ring(memory, f"turn {number} of a long session")
    monkeypatch.setenv("IAI_MCP_STORE", str(memory.paths.root))
    monkeypatch.setenv("IAI_MCP_MODEL", str(tmp_path / "nowhere"))
    assert run(["drain"]) == 0
    told = capsys.readouterr()
    assert "70 turns stored" in told.out
    assert "found by words: IAI_MCP_MODEL names" in told.err
    run(["status"])
    assert "run `IAI_MCP_MODEL" not in capsys.readouterr().out


def test_a_few_vectors_that_wait_are_made_before_the_command_answers(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = Memory(settings=load_settings(store=memory.paths.root, model=None), on_commit=nobody)
    fact(words)
    found = json.loads(from_cli(Case(memory), monkeypatch, capsys, "--json"))
    assert (found["degraded"], found["coverage"]["complete"]) == (False, True)
    assert found["coverage"]["searched"]["by_meaning"] == 2


def test_the_tools_read_what_waits_before_they_answer(memory: Memory) -> None:
    """A host may ask within the half second in which nobody looks at the spool."""
    app = build_app(lambda: memory)

    def asked(tool: str, **arguments: str) -> str:
        done = asyncio.run(app.call_tool(tool, arguments))
        assert isinstance(done, CallToolResult)
        return json.dumps(done.structured_content)

    for tool, arguments, text in (
        ("recall", {"query": "pears"}, "The garden has pears."),
        ("timeline", {}, "The cellar has wine."),
        ("session_start", {}, "The attic has owls."),
    ):
        ring(memory, text, session_id=tool)
        answer = asked(tool, **arguments)
        assert text in answer
        assert '"complete": true' in answer


def test_where_nothing_waits_an_answer_is_not_held_up_by_locks(memory: Memory) -> None:
    fact(memory)
    memory.recall(QUESTION, catch_up=True)
    with ExitStack() as stack:
        for name in ("drain", "embed", "write", "page-mark"):
            stack.enter_context(held(memory.paths.lock(name), timeout=1))
        found = memory.recall(QUESTION, catch_up=True)
    assert found.coverage.complete
    assert found.hits[0].text == FACT


@pytest.mark.parametrize("lock", ["drain", "embed", "write", "page-mark"])
def test_a_lock_that_nobody_lets_go_does_not_keep_an_answer_back(memory: Memory, lock: str) -> None:
    """Each of them is waited for: for a minute by who writes, for five seconds by who marks."""
    words = Memory(settings=load_settings(store=memory.paths.root, model=None), on_commit=nobody)
    fact(words)
    ring(memory, "The garden has pears.")
    with held(memory.paths.lock(lock), timeout=1):
        began = time.monotonic()
        found = memory.recall(HARD, catch_up=True)
        took = time.monotonic() - began
    assert not found.coverage.complete
    assert found.coverage.note
    assert took < WAIT_SEC
    assert memory.recall(HARD, catch_up=True).coverage.complete


def test_a_lock_is_not_waited_for_after_the_end_of_waiting(tmp_path: Path) -> None:
    with (
        held(tmp_path / "a.lock", timeout=0),
        waiting_until(time.monotonic()),
        pytest.raises(StoreBusy, match="waited 0 s"),
        held(tmp_path / "a.lock", timeout=60),
    ):
        pass


def test_more_than_a_step_that_waits_is_left_to_the_server(memory: Memory) -> None:
    found = pending(memory).memory.recall(HARD, catch_up=True)
    assert (found.degraded, found.coverage.pending) == (True, 400)


def test_a_few_vectors_that_wait_are_made_before_the_tool_answers(memory: Memory) -> None:
    words = Memory(settings=load_settings(store=memory.paths.root, model=None), on_commit=nobody)
    words.ingest(OTHER)
    memory.recall(HARD, catch_up=True)
    words.ingest(FACT)  # by another process, after there was nothing left to do
    found = from_tool(Case(memory, HARD))
    assert (found["degraded"], found["coverage"]["complete"]) == (False, True)
    assert found["coverage"]["searched"]["by_meaning"] == 2


@pytest.mark.parametrize("words_only", [False, True], ids=["by meaning", "by words"])
def test_what_is_cut_is_shown_with_a_larger_limit_and_more_budget(
    memory: Memory, words_only: bool
) -> None:
    memory.ingest(
        [
            f"The port of staging is 55{number}, as the operators say since last week."
            for number in range(20)
        ]
    )
    memory.ingest([f"{text} {number}" for text in (OTHER, FACT) for number in range(3)])
    if words_only:
        settings = load_settings(store=memory.paths.root, model=None)
        memory = Memory(settings=settings, on_commit=nobody)
    few = memory.recall(QUESTION, limit=2)
    cut = few.coverage.cut
    assert few.coverage.hidden[0].reason == OutOfSight.BEHIND_LIMIT
    assert cut
    more = memory.recall(QUESTION, limit=2 + cut, budget_tokens=10_000)
    assert len(more.hits) == 2 + cut
    tight = memory.recall(QUESTION, limit=2 + cut, budget_tokens=50)
    assert len(tight.hits) < 2 + cut <= len(tight.hits) + tight.coverage.cut


def test_hits_that_only_the_own_minimum_hides_are_counted(memory: Memory) -> None:
    many(memory)
    found = memory.recall(QUESTION, min_confidence=1)
    shown = memory.recall(QUESTION)
    assert (found.hits, found.coverage.cut) == ([], len(shown.hits))
    nothing = memory.recall("who won the chess tournament in Oslo?", min_confidence=1)
    assert (nothing.hits, nothing.coverage.cut, nothing.coverage.note) == ([], 0, None)


def test_unlikely_hits_are_counted_and_shown_where_they_are_asked_for(memory: Memory) -> None:
    case = unlikely(memory)
    found = memory.recall(case.question)
    [hidden] = [one for one in found.coverage.hidden if one.reason == OutOfSight.UNLIKELY]
    everything = memory.recall(case.question, min_confidence=0)
    assert len(everything.hits) == len(found.hits) + (hidden.count or 0)
    assert OutOfSight.UNLIKELY not in [one.reason for one in everything.coverage.hidden]


def note_of(answer: Recalled | Timeline | SessionStartPage) -> str:
    """The one line that an answer says of itself."""
    return answer.coverage.note or ""


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("github.com/acme/shop", "GitHub.com/Acme/shop"),
        ("www.github.com/acme/shop", "github.com/acme/shop"),
        ("/home/ann/shop", "/home/ann/shop/"),
        ("C:\\trade\\shop", "/mnt/c/trade/shop"),
        ("alpha", "omega"),
    ],
)
def test_another_spelling_and_an_alias_of_a_project_are_known_to_every_answer(
    memory: Memory, stored: str, asked: str
) -> None:
    fact(memory)
    memory.ingest({"text": "The lamp is green.", "project": stored})
    if asked == "omega":
        memory.store.aliases.link(asked, stored, "alias")
    found = memory.recall("which lamp is green?", project=asked)
    answers: list[Recalled | Timeline | SessionStartPage] = [
        found,
        memory.timeline(project=asked),
        memory.session_start(asked),
    ]
    for answer in answers:
        assert (answer.coverage.complete, answer.coverage.unknown) == (True, [])
        assert "nothing yet" not in note_of(answer)
    assert found.coverage.searched.memories == (2 if asked == "omega" else 1)


def test_every_answer_for_an_unknown_project_says_so_also_where_it_shows_what_is_of_none(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fact(memory)
    memory.ingest(FACT)
    said = "nothing yet for this project: no memory has 'alhpa'; there are alpha, beta"
    case = Case(memory, options={"project": "alhpa"})
    found = from_tool(case)
    assert [hit["text"] for hit in found["hits"]] == [FACT]
    assert found["coverage"]["note"] == f"{said}; what is shown belongs to no project"
    assert (found["coverage"]["complete"], found["confidence"]) == (False, None)
    assert f"{said}; what is shown belongs to no project" in from_cli(case, monkeypatch, capsys)
    listed = memory.timeline(project="alhpa")
    assert [one.text for one in listed.records] == [FACT]
    assert note_of(listed) == f"{said}; what is shown belongs to no project"
    run(["timeline", "--project", "alhpa"])
    assert f"{said}; what is shown belongs to no project" in capsys.readouterr().out
    page = memory.session_start("alhpa")
    assert said in note_of(page)
    assert FACT in page.payload


def test_several_filters_that_no_memory_meets_are_all_named(memory: Memory) -> None:
    fact(memory)
    found = memory.recall(QUESTION, project="bata", tags=["pest", "pets"], origins=["import"])
    assert [(one.filter, one.value, one.nearest[0]) for one in found.coverage.unknown] == [
        ("project", "bata", "beta"),
        ("tag", "pest", "pets"),
        ("origin", "import", "cli"),
    ]
    listed = memory.timeline(project="bata", session_id="s-8")
    assert [one.filter for one in listed.coverage.unknown] == ["project", "session"]


@pytest.mark.parametrize(
    ("kind", "odd"),
    few_quick(
        ["project", "tags", "session_id"],
        [
            "x" * 3_000,
            "/".join(["folder"] * 500),
            "a\x1b[31mb\x07",
            "two\nlines",
            "\u202eabc",
            "'; DROP TABLE memories; --",
            "%_\\",
            "🐈 cat",
            " ",
            "\ud83d",
        ],
    ),
)
def test_an_odd_value_of_a_filter_is_named_or_refused_and_reaches_no_terminal(
    known: Path, kind: str, odd: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    if kind == "session_id":
        arguments = ["timeline", "--session", odd]
    else:
        arguments = ["recall", QUESTION, f"--{kind.removesuffix('s')}", odd]
    monkeypatch.setenv("IAI_MCP_STORE", str(known))
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    for more in ([], ["--json"]):
        run([*arguments, *more])
        told = capsys.readouterr()
        text = told.out + told.err
        assert len(text) < 4_000
        assert text
        assert all(letter.isprintable() or letter == "\n" for letter in text)
        assert "Traceback" not in text


def test_the_nearest_of_thousands_of_sessions_is_named() -> None:
    ids = [f"{number:08x}-1111-4000-8000-{number * 7919:012x}" for number in range(3_000)]
    assert nearest(ids[42][:-1] + "x", ids, at_least=0.6)[0] == ids[42]
    assert nearest("unlike", ids, at_least=0.6) == []

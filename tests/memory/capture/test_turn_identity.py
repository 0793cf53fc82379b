"""A turn is stored once, in whatever file and session it stands and however often it is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.support.transcript_lines import claude, codex

from iai_memory import Memory
from iai_memory.base.clock import parse_time
from iai_memory.capture.history_import import HistoryImport
from iai_memory.capture.hosts.decoding import line_id
from iai_memory.capture.selection import Selection, identity_of
from iai_memory.capture.transcript_files import look_at
from iai_memory.capture.turn import Host, Turn
from iai_memory.results import IngestReport
from iai_memory.store.idempotency import TurnIdentity
from iai_memory.text.same_words import CUT
from iai_memory.writing.new_memory import NewMemory

PARENT, FORK, OTHER = (f"0b7c6a1e-5a53-4a6e-9f2c-1d6f0a9b3c{end}" for end in ("11", "22", "33"))


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """An empty memory without a model."""
    return words_only


def said(number: int, session: str = PARENT, **fields: Any) -> dict[str, Any]:
    """A line of Claude Code: the nth thing that was said."""
    own: dict[str, Any] = {
        "uuid": f"6f1d2c3b-0000-4000-8000-{number:012x}",
        "timestamp": f"2026-10-01T08:{number:02}:00.250Z",
        "sessionId": session,
    }
    return claude(f"thing {number}", **(own | fields))


def write(path: Path, lines: Sequence[dict[str, Any]]) -> Path:
    """A transcript with these lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def read(memory: Memory, path: Path, host: Host = "claude-code", origin: str = "import") -> int:
    """Import a transcript; how many turns were new."""

    def ingest(batch: list[NewMemory]) -> IngestReport:
        return memory.ingest(batch, origin=origin)

    run = HistoryImport(ingest, memory.tag_rewound, selection=Selection())
    counts = run.run([look_at(path)], host).counts
    assert counts.failed == 0
    return counts.stored


def told(memory: Memory) -> list[str]:
    """All texts, sorted."""
    return sorted(one.text for one in memory.timeline(limit=500, turns=True).records)


@pytest.mark.parametrize("first", ["parent", "fork", "fork of the fork"])
def test_forks_and_their_parent_store_each_turn_once_whichever_comes_first(
    memory: Memory, tmp_path: Path, first: str
) -> None:
    files = {
        "parent": [said(1), said(2), said(3)],
        "fork": [said(1, FORK), said(2, FORK), said(4, FORK)],
        "fork of the fork": [said(1, OTHER), said(2, OTHER), said(4, OTHER), said(5, OTHER)],
    }
    paths = {name: write(tmp_path / f"{name}.jsonl", lines) for name, lines in files.items()}
    for path in sorted(paths.values(), key=lambda path: path != paths[first]):
        read(memory, path)
    assert told(memory) == [f"thing {number}" for number in range(1, 6)]
    sessions = {one.text: one.session_id for one in memory.timeline(turns=True).records}
    assert sessions["thing 1"] == files[first][0]["sessionId"]


def test_a_resume_a_copy_and_a_snapshot_bring_nothing_but_what_is_new(
    memory: Memory, tmp_path: Path
) -> None:
    lines = [said(1), said(2)]
    assert read(memory, write(tmp_path / "a" / f"{PARENT}.jsonl", lines), origin="hook") == 2
    assert read(memory, write(tmp_path / "a" / f"{OTHER}.jsonl", [*lines, said(3)])) == 1
    assert read(memory, write(tmp_path / "snapshot" / "my notes.jsonl", lines)) == 0
    assert read(memory, write(tmp_path / "b" / f"{PARENT}.jsonl", lines), origin="hook") == 0


def test_an_id_is_the_same_in_capitals_and_another_ones_at_another_host(
    memory: Memory, tmp_path: Path
) -> None:
    line = said(171)
    loud = {**line, "uuid": line["uuid"].upper(), "sessionId": FORK}
    assert read(memory, write(tmp_path / "a.jsonl", [line, loud])) == 1
    rollout = {
        "timestamp": "2026-10-01T08:00:00Z",
        "type": "response_item",
        "payload": {
            "type": "message",
            "id": line["uuid"],
            "role": "user",
            "content": [{"type": "input_text", "text": "another thing"}],
        },
    }
    meta = {"type": "session_meta", "payload": {"id": OTHER, "cwd": "/home/sam"}}
    path = write(tmp_path / f"rollout-{OTHER}.jsonl", [meta, rollout])
    assert read(memory, path, "codex") == 1


def test_sanitised_lines_without_ids_are_stored_once_and_all_of_them(
    memory: Memory, tmp_path: Path
) -> None:
    lines = [
        said(1, uuid=None),
        said(2, uuid=None),
        said(1, uuid=None, timestamp="2026-10-01T09:00:00Z"),
        said(1, FORK, uuid=None),
    ]
    assert read(memory, write(tmp_path / "a.jsonl", lines)) == 4
    assert read(memory, write(tmp_path / "b.jsonl", lines)) == 0


def rollout(*threads: str, said: list[dict[str, Any]], copied: int = 0) -> list[dict[str, Any]]:
    """A rollout of the first thread; the others are its ancestors, the first items copies."""
    metas = [
        {"type": "session_meta", "payload": {"id": one, "cwd": "/home/sam"}} for one in threads
    ]
    at = f"2026-11-0{len(threads)}T10:00:00Z"
    copies = [{**item, "timestamp": at} for item in said[:copied]]
    return [*metas, *copies, *said[copied:]]


def message(text: str, role: str = "user", id_: str | None = None) -> dict[str, Any]:
    """A message of a rollout; without an id, as most releases wrote it."""
    line = codex(text, role)
    line["payload"]["id"] = id_
    return line


LONG = "msg_01a22a77-2629-7f70-a271-f4a6e73771{:02x}"


@pytest.mark.parametrize("id_of", [lambda n: None, lambda n: f"msg_{n}", LONG.format])
@pytest.mark.parametrize("first", [0, 1, 2])
def test_forks_of_codex_that_repeat_their_ancestors_store_each_turn_once(
    memory: Memory, tmp_path: Path, id_of: Callable[[int], str | None], first: int
) -> None:
    texts = ["which port?", "5544", "go on", "done", "go on", "done too"]
    roles = ["user", "assistant"] * 3
    whole = [
        message(text, role, id_of(number))
        for number, (text, role) in enumerate(zip(texts, roles, strict=True))
    ]
    own = message("in the fork", id_=id_of(20))
    last = message("in its fork", id_=id_of(30))
    files = [
        rollout(PARENT, said=whole),
        rollout(FORK, PARENT, said=[*whole[:4], own], copied=4),
        rollout(OTHER, FORK, PARENT, said=[*whole[:4], own, last], copied=5),
    ]
    paths = [
        write(tmp_path / f"rollout-{number}-{thread}.jsonl", lines)
        for number, (thread, lines) in enumerate(zip((PARENT, FORK, OTHER), files, strict=True))
    ]
    for _ in range(2):
        for number in sorted(range(3), key=lambda number: number != first):
            read(memory, paths[number], "codex")
    assert told(memory) == sorted([*texts, "in the fork", "in its fork"])


def test_a_fork_of_codex_that_names_its_parent_adds_its_own_turns(
    memory: Memory, tmp_path: Path
) -> None:
    parent = rollout(PARENT, said=[message("first", id_="msg_1")])
    fork = rollout(FORK, said=[message("first", id_="msg_1"), message("second", id_="msg_2")])
    fork[0]["payload"] |= {"forked_from_id": PARENT, "history_base": {"thread_id": PARENT}}
    assert read(memory, write(tmp_path / "a.jsonl", parent), "codex") == 1
    assert read(memory, write(tmp_path / "b.jsonl", fork), "codex") == 2


def test_equal_words_of_two_threads_of_codex_are_two_turns(memory: Memory, tmp_path: Path) -> None:
    for number, thread in enumerate((PARENT, OTHER)):
        for id_ in (None, "msg_1"):
            lines = rollout(thread, said=[message(f"hi {id_}", id_=id_)])
            assert read(memory, write(tmp_path / f"{number}-{id_}.jsonl", lines), "codex") == 1


def test_a_turn_that_an_earlier_version_knew_by_its_line_is_known(
    memory: Memory, tmp_path: Path
) -> None:
    lines = rollout(PARENT, said=[message("first"), message("second")])
    path = write(tmp_path / "a.jsonl", lines)
    id_ = line_id(path.read_bytes().splitlines()[1])
    old = NewMemory(
        "first", "user", turn_id=id_, host="codex", identity=TurnIdentity.of_id("codex", id_)
    )
    assert memory.ingest([old]).stored == 1
    assert read(memory, path, "codex") == 1
    assert told(memory) == ["first", "second"]


def test_a_known_turn_is_known_by_its_redacted_words_too(memory: Memory, tmp_path: Path) -> None:
    secret = "the password is hunter2-Xk39fjw!"
    lines = [said(1, uuid=None, message={"role": "user", "content": secret})]
    assert read(memory, write(tmp_path / "a.jsonl", lines)) == 1
    assert read(memory, write(tmp_path / "b.jsonl", lines)) == 0
    [text] = told(memory)
    assert "hunter2" not in text


def test_a_turn_without_an_id_is_known_by_host_session_role_time_and_text() -> None:
    at, later = (parse_time(f"2026-05-08T10:00:0{second}Z", "at") for second in (0, 1))
    one = Turn("user", "yes", at, "claude-code", "s", None, None)
    others = [
        Turn("user", "no", at, "claude-code", "s", None, None),
        Turn("assistant", "yes", at, "claude-code", "s", None, None),
        Turn("user", "yes", at, "claude-code", "t", None, None),
        Turn("user", "yes", later, "claude-code", "s", None, None),
        Turn("user", "yes", at, "codex", "s", None, None),
    ]
    keys = [identity_of(turn).key(turn.text) for turn in (one, *others)]
    assert len(set(keys)) == len(keys)
    assert identity_of(one).key(one.text) == keys[0]


def test_what_was_forgotten_does_not_come_back_with_a_fork(memory: Memory, tmp_path: Path) -> None:
    read(memory, write(tmp_path / "a.jsonl", [said(1), said(2)]))
    [record] = [one for one in memory.timeline(turns=True).records if one.text == "thing 1"]
    memory.forget([record.id])
    assert read(memory, write(tmp_path / "b.jsonl", [said(1, FORK), said(2, FORK)])) == 0
    assert told(memory) == ["thing 2"]


def test_a_callers_own_numbers_count_within_their_session(memory: Memory) -> None:
    numbered = {"text": "mine", "turn_id": "1", "role": "user"}
    for host in (None, "some-host", "claude-code"):
        for session in ("a", "b"):
            given = {**numbered, "session_id": f"{host} {session}", "host": host}
            assert memory.ingest([given, given]).stored == 1


def test_plain_data_cannot_claim_to_be_a_turn_of_a_transcript(memory: Memory) -> None:
    with pytest.raises(ValueError, match="a memory has no field 'identity'"):
        memory.ingest({"text": "mine", "identity": "anything"})


def test_a_forks_own_turn_that_an_earlier_version_knew_by_its_session_is_known(
    memory: Memory, tmp_path: Path
) -> None:
    lines = rollout(FORK, PARENT, said=[message("own", id_="msg_9")])
    identity = TurnIdentity.within("codex", FORK, "user", "msg_9")
    old = NewMemory("own", "user", turn_id="msg_9", host="codex", identity=identity)
    assert memory.ingest([old]).stored == 1
    assert read(memory, write(tmp_path / "a.jsonl", lines), "codex") == 0


def test_equal_prompts_without_ids_are_all_stored_by_drains_that_go_on_in_the_middle(
    memory: Memory, tmp_path: Path
) -> None:
    lines = rollout(PARENT, said=[message("go on") for _ in range(4)])
    path = tmp_path / f"rollout-2026-11-01T10-00-00-{PARENT}.jsonl"
    rings = memory.paths.spool / "doorbell.jsonl"
    rings.parent.mkdir(parents=True, exist_ok=True)
    for count in range(2, len(lines) + 1):
        write(path, lines[:count])
        ring = {"event": "Stop", "session_id": PARENT, "transcript_path": str(path), "at": count}
        rings.write_text(json.dumps(ring) + "\n")
        Memory(memory.paths.root).drain()
    assert told(memory) == ["go on"] * 4
    assert read(memory, path, "codex") == 0


ZERO = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    "id_", [ZERO, ZERO.replace("0", "f"), "REDACTED", "msg_1", "0000000000000000000000000000002a"]
)
def test_turns_of_a_sanitised_transcript_share_an_id_and_are_all_stored_once(
    memory: Memory, tmp_path: Path, id_: str
) -> None:
    answer = claude([{"type": "text", "text": "thing 1"}], "assistant")["message"]
    lines = [
        said(1, uuid=id_),
        said(2, uuid=id_),
        said(1, uuid=id_, type="assistant", message=answer),
        said(1, uuid=id_, timestamp="2026-10-01T09:00:00Z"),
        said(1, FORK, uuid=id_),
    ]
    for name in ("a", "a re-export"):
        read(memory, write(tmp_path / name / "a.jsonl", lines))
    assert told(memory) == ["thing 1"] * 4 + ["thing 2"]


def wordings(*texts: str, role: str = "user") -> list[dict[str, Any]]:
    """Lines of one id, each with other words."""
    return [said(171, type=role, message={"role": role, "content": text}) for text in texts]


@pytest.mark.parametrize("by_one", [True, False])
def test_other_words_or_another_role_under_one_id_are_another_turn(
    memory: Memory, tmp_path: Path, by_one: bool
) -> None:
    lines = [
        *wordings("take the left one", "no, the right one"),
        *wordings("take the left one", role="assistant"),
    ]
    parts = [[line] for line in lines] if by_one else [lines]
    for number, part in enumerate([*parts, *parts]):
        read(memory, write(tmp_path / f"{number}.jsonl", part))
    assert told(memory) == ["no, the right one", "take the left one", "take the left one"]


@pytest.mark.parametrize(
    "copy",
    [
        "the whole story of how",
        "the whole story of\u2026",
        "the whole story of how it ...",
        "the whole story of how [truncated 12 characters]",
        f"the whole{CUT}went",
    ],
)
def test_a_copy_that_was_cut_is_the_same_turn(memory: Memory, tmp_path: Path, copy: str) -> None:
    whole, cut = wordings("the whole story of how it went", copy)
    assert read(memory, write(tmp_path / "a.jsonl", [whole, cut])) == 1
    assert read(memory, write(tmp_path / "b.jsonl", [cut])) == 0
    assert told(memory) == ["the whole story of how it went"]


def test_words_that_were_redacted_or_scrubbed_are_known_and_do_not_come_back(
    memory: Memory, tmp_path: Path
) -> None:
    token = "ghp_" + "a1B2" * 9
    path = write(tmp_path / "a.jsonl", wordings(f"use {token} for the heron server"))
    assert read(memory, path) == 1
    memory.scrub("heron")
    assert (
        read(memory, write(tmp_path / "b.jsonl", wordings(f"use {token} for the heron server")))
        == 0
    )
    [text] = told(memory)
    assert "heron" not in text
    assert token not in text


def test_a_turn_that_an_earlier_version_knew_by_its_short_id_is_known_by_its_words(
    memory: Memory, tmp_path: Path
) -> None:
    old = NewMemory(
        "thing 1",
        "user",
        turn_id=ZERO,
        host="claude-code",
        identity=TurnIdentity.of_id("claude-code", ZERO),
    )
    assert memory.ingest([old]).stored == 1
    lines = [said(1, uuid=ZERO), said(2, uuid=ZERO)]
    assert read(memory, write(tmp_path / "a.jsonl", lines)) == 1
    assert told(memory) == ["thing 1", "thing 2"]


def test_other_words_that_another_process_stored_meanwhile_stay_beside_ours(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def turn(text: str) -> NewMemory:
        identity = TurnIdentity.of_id("claude-code", said(171)["uuid"])
        return NewMemory(text, "user", host="claude-code", identity=identity)

    writing = memory.store.writing

    def later(**how: Any) -> Any:
        monkeypatch.setattr(memory.store, "writing", writing)
        Memory(memory.paths.root).ingest([turn("theirs")])
        return writing(**how)

    monkeypatch.setattr(memory.store, "writing", later)
    report = memory.ingest([turn("ours"), turn("ours"), turn("theirs, and more")])
    assert (report.stored, report.duplicates) == (2, 1)
    assert told(memory) == ["ours", "theirs", "theirs, and more"]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (1, 2, 0)])
@pytest.mark.parametrize("own", [["go on"], ["and now", "go on", "go on"]])
def test_a_fork_of_codex_that_says_what_its_parent_said_again_loses_nothing(
    memory: Memory, tmp_path: Path, order: Sequence[int], own: Sequence[str]
) -> None:
    said = [message(text) for text in ("which port?", "go on", "go on")]
    fork = [*said[:2], *map(message, own)]
    files = [
        rollout(PARENT, said=said),
        rollout(FORK, PARENT, said=fork, copied=2),
        rollout(OTHER, FORK, PARENT, said=[*fork, message("go on")], copied=len(fork)),
    ]
    for _ in range(2):
        for number in order:
            read(memory, write(tmp_path / f"rollout-{number}.jsonl", files[number]), "codex")
    assert told(memory) == sorted(["which port?", "go on", "go on", *own, "go on"])


@pytest.mark.parametrize(("taken", "gone"), [(1, {"c", "C"}), (2, {"b", "B", "c", "C"}), (9, None)])
def test_prompts_that_codex_rolled_back_are_rewound_with_what_followed_them(
    memory: Memory, tmp_path: Path, taken: int, gone: set[str] | None
) -> None:
    talk = [one for text in "abc" for one in (message(text), message(text.upper(), "assistant"))]
    back = {"type": "event_msg", "payload": {"type": "thread_rolled_back", "num_turns": taken}}
    path = write(tmp_path / "rollout-1.jsonl", rollout(PARENT, said=talk))
    read(memory, path, "codex")
    lines = rollout(PARENT, said=[*talk, back, message("d")])
    read(memory, write(path, lines), "codex")
    tagged = {one.text for one in memory.timeline(turns=True).records if "rewound" in one.tags}
    assert tagged == (gone or set("abcABC"))


def test_a_rollback_in_a_fork_of_codex_takes_nothing_back_in_its_parent(
    memory: Memory, tmp_path: Path
) -> None:
    said = [message(text, id_=id_) for text, id_ in (("a", None), ("b", LONG.format(7)))]
    back = {"type": "event_msg", "payload": {"type": "thread_rolled_back", "num_turns": 3}}
    fork = rollout(FORK, PARENT, said=[*said, message("b"), back, message("c")], copied=2)
    read(memory, write(tmp_path / "rollout-1.jsonl", rollout(PARENT, said=said)), "codex")
    read(memory, write(tmp_path / "rollout-2.jsonl", fork), "codex")
    tags = sorted((one.text, one.tags) for one in memory.timeline(turns=True).records)
    assert tags == [("a", []), ("b", []), ("b", ["rewound"]), ("c", [])]

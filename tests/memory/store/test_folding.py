"""A store that knew turns by their session: copies of one turn are folded, and can come back."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.support.kills import open_until_killed
from tests.support.old_stores import START, UUID, forked, old_store, turn

from iai_memory import Memory
from iai_memory.errors import UnknownRecord
from iai_memory.store.indexes import create_text_index
from iai_memory.transfer.jsonl_import import ImportCounts, import_lines


def shown(memory: Memory) -> list[tuple[str | None, str | None]]:
    """Session and number of every turn that is shown, oldest first."""
    records = memory.timeline(limit=500, turns=True).records
    return [(one.session_id, one.text.split()[-1]) for one in reversed(records)]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the store lies; no model, as no vector is to be made here."""
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    return tmp_path / "store"


def test_the_copies_that_a_fork_left_are_folded_and_counted(root: Path) -> None:
    old_store(root, *forked(3))
    memory = Memory(root)
    assert shown(memory) == [("parent", "0"), ("parent", "1"), ("parent", "2"), ("fork", "3")]
    state = memory.status()
    assert (state.records, state.folded, state.tombstoned, state.superseded) == (4, 3, 0, 0)
    [event] = memory.ledger.newest(5, event="store_upgraded")
    assert (event["before"], event["schema"], event["folded"]) == ("2", "3", 3)


def test_a_fork_of_a_fork_and_an_id_in_capitals_are_the_same_turn(root: Path) -> None:
    loud = {"turn_id": UUID.format(171).upper()}
    old_store(
        root, turn(171, "a", 1), turn(171, "b", 2), turn(171, "c", 3, **loud), turn(172, "c", 4)
    )
    memory = Memory(root)
    assert shown(memory) == [("a", "171"), ("c", "172")]
    assert memory.status().folded == 2


@pytest.mark.parametrize(
    "other",
    [
        {"host": "codex"},
        {"host": None},
        {"host": "some-host"},
        {"origin": "tool"},
        {"turn_id": None},
        {"turn_id": UUID.format(8)},
        {"turn_id": "[redacted:scrub]"},
    ],
)
def test_what_is_not_surely_the_same_turn_is_left_alone(root: Path, other: dict[str, Any]) -> None:
    old_store(root, turn(7, "a", 1), turn(7, "b", 2, **other))
    memory = Memory(root)
    assert len(shown(memory)) == 2
    assert memory.status().folded == 0


def test_turns_of_codex_with_counted_ids_are_of_their_session(root: Path) -> None:
    counted = {"host": "codex", "turn_id": "msg_1"}
    unique = {"host": "codex", "turn_id": "msg_01a22a77-2629-7f70-a271-f4a6e73771ab"}
    old_store(
        root,
        turn(1, "a", 0, **counted),
        turn(1, "b", 1, **counted, created_at=START + timedelta(days=1)),
        *(turn(2, session, 5 + at, **unique) for at, session in enumerate("ab")),
    )
    assert shown(Memory(root)) == [("a", "1"), ("a", "2"), ("b", "1")]


def codex_threads(
    *threads: list[tuple[str, float]], id_of: Callable[[int], str]
) -> list[dict[str, Any]]:
    """Turns of Codex, thread by thread: each a text and the second at which it was said."""
    return [
        turn(
            number,
            f"thread {name}",
            100 * name + number,
            host="codex",
            role=("user", "assistant")[number % 2],
            text=text,
            turn_id=id_of(100 * name + number),
            created_at=START + timedelta(seconds=second),
        )
        for name, said in enumerate(threads)
        for number, (text, second) in enumerate(said)
    ]


def line_of(number: int) -> str:
    """An id as earlier versions made it of a line without one."""
    return f"line-{hashlib.sha256(str(number).encode()).hexdigest()[:32]}"


ASKED = [("which port?", 0.0), ("5544", 8.0), ("go on", 30.0), ("done", 41.0)]


def test_copies_that_a_fork_of_codex_wrote_without_ids_are_found_by_their_order(
    root: Path,
) -> None:
    copied = [(text, 60 + number / 1000) for number, (text, _) in enumerate(ASKED[:3])]
    again = [(text, 90 + number / 1000) for number, (text, _) in enumerate(ASKED[:3])]
    own, last = ("go on", 70.0), ("in its fork", 95.0)
    threads = [ASKED, [*copied, own], [*again, ("go on", 90.003), last]]
    old_store(root, *codex_threads(*threads, id_of=line_of))
    memory = Memory(root)
    assert sorted(one.text for one in memory.timeline(turns=True).records) == [
        *("5544", "done", "go on", "go on", "in its fork", "which port?"),
    ]
    assert memory.status().folded == 7


def test_copies_with_counted_ids_and_the_times_of_their_parent_are_folded(root: Path) -> None:
    threads = [ASKED, [*ASKED[:1], ("another answer", 50.0)]]
    old_store(root, *codex_threads(*threads, id_of=lambda number: f"msg_{number % 100}"))
    assert Memory(root).status().folded == 1


@pytest.mark.parametrize(
    "other",
    [
        [("which port?", 100.0), ("5544", 100.4)],
        [("which port?", 100.0), ("6001", 100.01)],
        [("hello", 100.0), ("which port?", 100.01), ("5544", 100.02)],
        [("which port?", 100.0)],
    ],
)
def test_threads_that_only_say_the_same_are_no_copies(
    root: Path, other: list[tuple[str, float]]
) -> None:
    old_store(root, *codex_threads(ASKED, other, id_of=line_of))
    assert Memory(root).status().folded == 0


def test_what_the_user_did_to_a_copy_is_done_to_the_turn_that_stays(root: Path) -> None:
    ended = START + timedelta(days=1)
    new = turn(9, "x", 50, turn_id=None, origin="cli", text="it is letter 10 now")
    old_store(
        root,
        turn(1, "a", 1, tags=["sea"]),
        turn(1, "b", 2, pinned=True, tags=["harbour", "sea"]),
        turn(2, "a", 3),
        turn(2, "b", 4, valid_to=ended, superseded_by=new["id"]),
        new,
    )
    memory = Memory(root)
    first, second = memory.store.latest.get([turn(1, "a", 1)["id"], turn(2, "a", 3)["id"]])
    assert (first.pinned, first.tags) == (True, ("sea", "harbour"))
    assert (second.valid_to, second.superseded_by) == (ended, new["id"])
    assert first.as_of(START + timedelta(days=2)).tags == ("sea",)
    assert [hit.text for hit in memory.recall("letter 2").hits][:1] == ["it is letter 10 now"]


def test_a_turn_is_forgotten_only_where_all_its_copies_are(root: Path) -> None:
    gone = {"tombstoned_at": START + timedelta(days=1)}
    old_store(
        root,
        turn(1, "a", 1, **gone, pinned=True),
        turn(1, "b", 2),
        turn(2, "a", 3, **gone),
        turn(2, "b", 4, **gone),
    )
    memory = Memory(root)
    assert shown(memory) == [("b", "1")]
    assert not memory.timeline(turns=True).records[0].pinned
    assert (memory.status().folded, memory.status().tombstoned) == (2, 1)
    again = {"text": "letter 2 again", "role": "user"}
    assert memory.ingest({**again, "session_id": "a", "turn_id": UUID.format(2)}).stored == 1


def test_a_folded_copy_says_where_its_turn_is_and_is_no_longer_forgotten_by_its_id(
    root: Path,
) -> None:
    old_store(root, *forked(1))
    memory = Memory(root)
    copy, kept = turn(0, "fork", 100)["id"], turn(0, "parent", 0)["id"]
    with pytest.raises(UnknownRecord, match=f"is a copy: send the id {kept} instead"):
        memory.record(copy)
    assert memory.forget([copy]).not_found == [copy]


def test_folding_is_undone_by_one_command_and_what_was_done_since_stays(root: Path) -> None:
    gone = {"tombstoned_at": START + timedelta(days=1)}
    rows = [
        turn(1, "a", 1, tags=["sea"]),
        turn(1, "b", 2, pinned=True, tags=["harbour"]),
        turn(2, "a", 3, **gone),
        turn(2, "b", 4),
    ]
    old_store(root, *rows)
    memory = Memory(root)
    memory.pin(rows[0]["id"], pinned=True, add_tags=["since"])
    assert memory.restore_folded().restored == [rows[1]["id"], rows[2]["id"]]
    first, second, third, fourth = memory.store.latest.get([row["id"] for row in rows])
    assert (first.pinned, first.tags) == (False, ("sea", "harbour", "since"))
    assert (second.is_live(), second.pinned, second.tags) == (True, True, ("harbour",))
    assert (third.is_live(), fourth.is_live()) == (False, True)
    assert (memory.status().folded, memory.status().tombstoned) == (0, 1)
    assert Memory(root).status().folded == 0
    assert memory.restore_folded().restored == []


def test_a_single_copy_comes_back_by_its_id(root: Path) -> None:
    old_store(root, *forked(2))
    memory = Memory(root)
    copy = turn(1, "fork", 101)["id"]
    assert memory.restore([copy]).restored == [copy]
    assert memory.status().folded == 1
    assert memory.record(copy).session_id == "fork"


def test_copies_do_not_come_back_through_an_export(root: Path, tmp_path: Path) -> None:
    old_store(root, *forked(3))
    lines = list(Memory(root).export_lines())
    other = Memory(tmp_path / "other")
    list(other.import_lines(lines))
    assert shown(other) == shown(Memory(root))
    assert other.status().folded == 3
    assert list(other.export_lines()) == lines


def old_export(*rows: dict[str, Any]) -> list[str]:
    """The lines that version 2 exported for these rows."""
    left_out = ("terms", "table_version", "vector", "passages", "passage_spans")
    plain = [{name: row[name] for name in row if name not in left_out} for row in rows]
    return [json.dumps({"iai_mcp": 1, **row}, default=lambda at: at.isoformat()) for row in plain]


def test_an_export_of_an_older_version_brings_each_turn_once(root: Path) -> None:
    memory = Memory(root)
    lines = old_export(*forked(3))
    assert list(memory.import_lines(lines)) == [ImportCounts(7, 0, 3)]
    assert list(memory.import_lines(lines)) == [ImportCounts(0, 7)]
    assert memory.status().folded == 3


@pytest.mark.parametrize("size", [1, 2, 500])
@pytest.mark.parametrize("interrupted", [False, True])
def test_an_old_export_brings_what_was_done_to_a_copy_to_the_turn_that_stays(
    root: Path, monkeypatch: pytest.MonkeyPatch, size: int, interrupted: bool
) -> None:
    later = {"id": turn(9, "a", 9)["id"], "text": "it is otherwise"}
    end = {"valid_to": START + timedelta(days=2), "superseded_by": later["id"]}
    lines = old_export(
        turn(1, "a", 1),
        turn(2, "a", 2),
        turn(3, "a", 3),
        turn(1, "b", 4, pinned=True),
        turn(2, "b", 5, tags=["port"]),
        turn(3, "b", 6, **end),
        turn(1, "c", 7, tags=["mail"]),
        turn(9, "a", 9),
    )
    monkeypatch.setattr(f"{import_lines.__module__}.BATCH", size)
    memory = Memory(root)
    if interrupted:
        next(iter(memory.import_lines(lines)))
    list(memory.import_lines(lines))
    one, two, three = memory.store.latest.get([turn(n, "a", n)["id"] for n in (1, 2, 3)])
    assert (one.pinned, one.tags, two.tags) == (True, ("mail",), ("port",))
    assert three.superseded_by == later["id"]
    assert (memory.status().folded, memory.status().superseded) == (4, 1)
    memory.restore_folded()
    one, two, three = memory.store.latest.get([turn(n, "a", n)["id"] for n in (1, 2, 3)])
    assert (one.pinned, one.tags, two.tags, three.superseded_by) == (False, (), (), None)


@pytest.mark.parametrize("other", [{"text": "something else"}, {"role": "assistant"}])
@pytest.mark.parametrize("way", ["upgrade", "import"])
def test_other_words_under_one_id_are_no_copy(root: Path, way: str, other: dict[str, Any]) -> None:
    rows = [turn(1, "a", 1), turn(1, "b", 2, **other), turn(1, "c", 3), turn(1, "d", 4, **other)]
    if way == "upgrade":
        old_store(root, *rows)
    memory = Memory(root)
    if way == "import":
        list(memory.import_lines(old_export(*rows)))
    assert len(memory.timeline(turns=True).records) == 2
    assert memory.status().folded == 2
    again = Memory(root.with_name("again"))
    list(again.import_lines(memory.export_lines()))
    assert shown(again) == shown(memory)
    assert again.status().folded == 2


def test_an_old_export_with_a_forgotten_copy_brings_the_live_one_in_any_batch(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = {"tombstoned_at": START + timedelta(days=1)}
    lines = old_export(turn(1, "a", 1, **gone), turn(2, "a", 2), turn(1, "b", 3))
    together, apart = Memory(root), Memory(root.with_name("apart"))
    list(together.import_lines(lines))
    monkeypatch.setattr(f"{import_lines.__module__}.BATCH", 1)
    list(apart.import_lines(lines))
    assert shown(together) == shown(apart) == [("b", "1"), ("a", "2")]


def test_a_turn_that_was_forgotten_here_does_not_come_back_with_an_old_export(root: Path) -> None:
    memory = Memory(root)
    list(memory.import_lines(old_export(turn(1, "a", 1))))
    memory.forget([turn(1, "a", 1)["id"]])
    list(memory.import_lines(old_export(turn(1, "b", 2))))
    assert shown(memory) == []


@pytest.mark.parametrize(
    ("step", "times"),
    [
        ("store.migrations.fold", 2),
        ("store.migrations.history_to_json", 1),
        ("store.connection.create_text_index", 1),
    ],
)
def test_a_folding_killed_at_any_step_is_finished_by_the_next_open(
    root: Path, step: str, times: int
) -> None:
    old_store(root, *forked(3))
    open_until_killed(root, step, times)
    memory = Memory(root)
    assert len(shown(memory)) == 4
    assert (memory.status().folded, memory.store.statistics().total) == (3, 7)


def test_servers_that_open_an_old_store_at_once_fold_it_once(root: Path) -> None:
    old_store(root, *forked(3))
    code = "import sys; from iai_memory import Memory; print(Memory(sys.argv[1]).status().folded)"
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(root)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "IAI_MCP_MODEL": "installed"},
        )
        for _ in range(2)
    ]
    assert [server.communicate(timeout=100)[0] for server in servers] == ["3\n", "3\n"]
    assert len(Memory(root).ledger.newest(5, event="store_upgraded")) == 1


def test_a_server_of_the_old_version_writes_no_old_keys_into_a_new_store(root: Path) -> None:
    served_by_the_old_version = old_store(root, *forked(1))
    _ = Memory(root).store
    row = turn(5, "later", 200)
    with pytest.raises(RuntimeError, match="non-nullable"):
        served_by_the_old_version.add(
            pa.Table.from_pylist([row], schema=served_by_the_old_version.schema)
        )


def test_an_old_store_that_cannot_be_written_is_read_as_it_is(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_text_index(old_store(root, *forked(2)))
    before = _files(root / "lancedb")
    monkeypatch.setattr(os, "access", _denied(root))
    memory = Memory(root)
    assert len(shown(memory)) == 5
    assert len(memory.recall("letter 1").hits) >= 1
    assert memory.status().folded == 0
    assert _files(root / "lancedb") == before


def _denied(root: Path) -> Callable[[str | Path, int], bool]:
    allowed = os.access

    def access(path: str | Path, mode: int) -> bool:
        return not Path(path).is_relative_to(root) and allowed(path, mode)

    return access


def _files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}

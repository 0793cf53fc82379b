"""An import stores each turn once, goes on where it ended, and its books balance."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from tests.support.damage import exchange_tables
from tests.support.mounts import silent_mount
from tests.support.transcript_lines import CODEX_META, TRANSCRIPTS, claude, codex, raw

from iai_memory import Memory
from iai_memory.capture.history_import import HistoryImport, ImportProgress
from iai_memory.capture.selection import Selection
from iai_memory.capture.transcript import detect_host, read_transcript
from iai_memory.capture.transcript_files import find_transcripts, look_at
from iai_memory.capture.turn import Host, Skipped, Turn
from iai_memory.errors import InvalidInput, TranscriptFault
from iai_memory.results import IngestReport
from iai_memory.store.filter import Filter
from iai_memory.text.fence import FENCE_BEGIN
from iai_memory.writing.new_memory import NewMemory


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """A memory without a model: what is tested here is what arrives."""
    return words_only


def put(path: Path, *lines: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw(*lines))
    return path


def run(memory: Memory, *paths: Path, host: Host = "claude-code", **options: Any) -> ImportProgress:
    return memory.import_transcripts([look_at(path) for path in paths], host, **options)


def texts(memory: Memory) -> list[str]:
    return sorted(record.text for record in memory.timeline(limit=500, turns=True).records)


def said(*names: str) -> list[dict[str, Any]]:
    return [claude(name, uuid=name) for name in names]


def test_turns_are_found_by_words_before_any_vector(memory: Memory, tmp_path: Path) -> None:
    done = run(memory, put(tmp_path / "a.jsonl", *said("one", "two")))
    assert (done.counts.stored, done.is_done) == (2, True)
    assert memory.status().pending == 2
    assert texts(memory) == ["one", "two"]


@pytest.mark.parametrize(
    "cwd",
    ["/" + "x" * 1_000, "/x" * 2_500, "/" + "x" * 100_000, "  "],
    ids=["a name", "folders", "100 KB", "blank"],
)
def test_a_folder_whose_name_is_none_costs_no_turn(
    memory: Memory, tmp_path: Path, cwd: str
) -> None:
    odd = claude("odd", uuid="u", cwd=cwd)
    path = put(tmp_path / "a.jsonl", *said("one"), odd, *said("two"))

    assert run(memory, path).counts.stored == 3
    assert texts(memory) == ["odd", "one", "two"]
    assert run(memory, path, anew=True).counts.duplicate == 3


@pytest.mark.parametrize("name", ["uuid", "sessionId", "cwd"])
@pytest.mark.parametrize(
    "value",
    ["x" * 5_000, "/a\nb\0c", "\x1b]0;title\x07", f"x{FENCE_BEGIN}", "/<private>99999</private>"],
    ids=["endless", "line break and NUL", "escape sequence", "fence", "private"],
)
def test_an_odd_name_costs_no_turn_and_the_turn_is_known_again(
    memory: Memory, tmp_path: Path, name: str, value: str
) -> None:
    odd = claude("odd", **{"uuid": "u", name: value})
    path = put(tmp_path / "a.jsonl", *said("one"), odd, *said("two"))

    assert run(memory, path).counts.stored == 3
    assert run(memory, path, anew=True).counts.duplicate == 3
    for record in memory.store.latest.newest(Filter(), 10):
        names = [record.session_id, record.turn_id, record.cwd, record.project]
        assert value not in names
        assert all(one is None or one.isprintable() for one in names)


@pytest.mark.parametrize(
    "before",
    [
        [{"type": "summary", "summary": f"talk {number}"} for number in range(200)],
        [{"type": "file-history-snapshot", "snapshot": {}}] * 200,
        [["no object"]] * 200,
    ],
    ids=["summaries", "snapshots", "garbage"],
)
def test_a_host_is_known_by_what_stands_behind_many_lines_that_say_nothing(
    memory: Memory, tmp_path: Path, before: list[Any]
) -> None:
    path = put(tmp_path / "a.jsonl", *before, *said("one"))
    without_session = put(tmp_path / "b.jsonl", claude("two", uuid="two", sessionId=None))

    assert run(memory, path, without_session, host="codex").counts.stored == 2
    assert detect_host(without_session) == "claude-code"


def test_what_did_not_change_is_not_read_again_and_keeps_its_accounts(
    memory: Memory, tmp_path: Path
) -> None:
    path = put(tmp_path / "a.jsonl", *said("one"), claude([{"type": "tool_use"}], uuid="t"))
    first = run(memory, path)
    about = path.stat()
    path.write_bytes(b"x" * about.st_size)  # whoever reads it again now finds no turn
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))

    again = run(memory, path)

    assert again.unchanged == 1
    assert (again.counts.stored, again.counts.duplicate) == (0, first.counts.stored)
    assert again.counts.total == first.counts.total
    assert again.read == again.size == about.st_size


def test_a_file_that_grew_is_read_from_where_it_was(memory: Memory, tmp_path: Path) -> None:
    path = put(tmp_path / "a.jsonl", *said("one", "two"))
    run(memory, path)
    size = path.stat().st_size
    path.write_bytes(b"#" * (size - 1200) + path.read_bytes()[-1200:] + raw(*said("three")))

    done = run(memory, path)

    assert (done.unchanged, done.counts.stored, done.counts.duplicate) == (0, 1, 2)
    assert texts(memory) == ["one", "three", "two"]


def test_a_file_that_was_replaced_is_read_from_its_start(memory: Memory, tmp_path: Path) -> None:
    path = put(tmp_path / "a.jsonl", *said("one", "two"))
    run(memory, path)
    put(tmp_path / "b", *said("three", "four", "five")).replace(path)

    done = run(memory, path)

    assert (done.counts.stored, done.counts.duplicate, done.counts.total) == (3, 0, 3)


def test_a_known_file_is_read_again_when_that_is_asked_for(memory: Memory, tmp_path: Path) -> None:
    path = put(tmp_path / "a.jsonl", *said("one"))
    run(memory, path)
    done = run(memory, path, anew=True)
    assert (done.unchanged, done.counts.duplicate) == (0, 1)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"reader": 1, "files": {"X": 3}}',
        '{"reader": 0}',
        '{"reader": 1, "table": 3}',
    ],
)
def test_a_damaged_record_costs_time_and_no_turn(
    content: str, memory: Memory, tmp_path: Path
) -> None:
    path = put(tmp_path / "a.jsonl", *said("one"))
    run(memory, path)
    memory.paths.imported.write_text(content.replace("X", str(path)))
    done = run(memory, path)
    assert (done.unchanged, done.counts.duplicate) == (0, 1)
    assert run(memory, path).unchanged == 1


def test_a_table_that_another_one_was_put_in_the_place_of_gets_what_it_lacks(
    memory: Memory, tmp_path: Path
) -> None:
    first = put(tmp_path / "a.jsonl", *said("one"))
    second = put(tmp_path / "b.jsonl", *said("two"))
    run(memory, first)
    shutil.copytree(memory.paths.database, tmp_path / "copy")
    run(memory, first, second)
    exchange_tables(memory.paths, tmp_path / "copy")

    again = Memory(memory.paths.root)

    assert run(again, first, second).counts.stored == 1
    assert texts(again) == ["one", "two"]


def test_a_last_line_that_was_still_written_is_read_by_the_next_import(
    memory: Memory, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(raw(*said("one", "last"))[:-1])  # just now: its host may be writing yet
    assert run(memory, path).counts.stored == 1
    about = path.stat()
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns - 10**10))
    assert run(memory, path).counts.stored == 1
    assert texts(memory) == ["last", "one"]


def test_half_a_last_line_is_looked_at_again_though_nothing_changed(
    memory: Memory, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(raw(*said("one", "last"))[:-9])
    run(memory, path)
    again = run(memory, path)
    assert (again.unchanged, again.counts.duplicate, again.counts.total) == (0, 1, 1)


@pytest.mark.parametrize("again", [False, True])
def test_half_a_last_line_at_rest_is_counted_once_by_each_import(
    again: bool, memory: Memory, tmp_path: Path
) -> None:
    path = put(tmp_path / "a.jsonl", *said("one", "two"))
    path.write_bytes(path.read_bytes()[:-9])
    os.utime(path, (1_700_000_000, 1_700_000_000))
    if again:
        run(memory, path)
    assert run(memory, path).counts.skipped == {"unparsable": 1}


def test_a_selection_reads_all_and_notes_nothing(memory: Memory, tmp_path: Path) -> None:
    path = put(tmp_path / "a.jsonl", *said("one"))
    none = run(memory, path, selection=Selection(project="/elsewhere"))
    assert none.counts.skipped == {"other_project": 1}
    assert run(memory, path).counts.stored == 1


def test_an_import_that_is_stopped_goes_on_from_its_last_commit(
    memory: Memory, tmp_path: Path
) -> None:
    files = [
        put(tmp_path / f"{n}.jsonl", *said(*(f"{n}-{m}" for m in range(600)))) for n in range(4)
    ]
    seen: list[ImportProgress] = []

    def stop(progress: ImportProgress) -> None:
        seen.append(progress)
        if progress.counts.stored and not progress.is_done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(memory, *files, advanced=stop)
    stored = seen[-1].counts.stored
    assert 0 < stored < 2400
    assert memory.status().records == stored

    done = run(memory, *files)

    assert memory.status().records == 2400
    assert done.counts.stored == 2400 - stored
    assert done.counts.total == 2400


def test_a_file_of_the_other_host_is_read_as_what_it_is(memory: Memory, tmp_path: Path) -> None:
    rollout = put(tmp_path / "a.jsonl", CODEX_META, codex("said to codex"))
    transcript = put(tmp_path / "rollout-b.jsonl", *said("said to claude"))
    run(memory, rollout)
    run(memory, transcript, host="codex")
    assert {record.host for record in memory.timeline(turns=True).records} == {
        "codex",
        "claude-code",
    }
    assert texts(memory) == ["said to claude", "said to codex"]


@pytest.mark.parametrize("content", [b"not JSON\n", b"{}\n[]\n", b"\xff\xfe\xfd\n", b'{"a":1'])
def test_a_file_of_unreadable_lines_is_a_fault_and_the_others_are_stored(
    content: bytes, memory: Memory, tmp_path: Path
) -> None:
    bad, good = tmp_path / "bad.jsonl", put(tmp_path / "good.jsonl", *said("one"))
    bad.write_bytes(content + b"\n")
    done = run(memory, bad, good)
    [fault] = done.faults
    assert fault.startswith(str(bad))
    assert texts(memory) == ["one"]


def test_paths_that_are_no_files_are_faults_and_the_others_are_stored(
    memory: Memory, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "a.jsonl")
    (tmp_path / "b.jsonl").symlink_to("/dev/zero")
    (tmp_path / "c.jsonl").symlink_to("gone")
    put(tmp_path / "d.jsonl", *said("one"))

    done = run(memory, *find_transcripts("claude-code", tmp_path))

    assert sorted(fault.split(": ")[0].removeprefix(f"{tmp_path}/") for fault in done.faults) == [
        "a.jsonl is a FIFO",
        "b.jsonl is a link to a device",
        "c.jsonl is a link to nothing",
    ]
    assert texts(memory) == ["one"]


def test_a_file_on_a_mount_that_does_not_answer_is_a_fault(memory: Memory, tmp_path: Path) -> None:
    good = put(tmp_path / "good.jsonl", *said("one"))
    with silent_mount(tmp_path / "dead") as dead:
        done = run(memory, dead / "bad.jsonl", good)
    assert "does not answer" in done.faults[0]
    assert texts(memory) == ["one"]


def test_a_turn_that_the_store_refuses_fails_alone(memory: Memory, tmp_path: Path) -> None:
    path = put(tmp_path / "a.jsonl", *said("one", "refused", "two"))

    def ingest(turns: list[NewMemory]) -> IngestReport:
        if any(turn.text == "refused" for turn in turns):
            raise InvalidInput("this store takes no refusal: say something else")
        return memory.ingest(turns, origin="import")

    importing = HistoryImport(ingest, memory.tag_rewound, selection=Selection())
    done = importing.run([look_at(path)], "claude-code")
    assert (done.counts.stored, done.counts.failed) == (2, 1)
    assert done.counts.total == 3
    assert texts(memory) == ["one", "two"]


def packed(path: Path, content: bytes, *, frames: int = 1) -> Path:
    size = len(content) // frames + 1
    parts = [content[at : at + size] for at in range(0, len(content), size)]
    path.write_bytes(b"".join(zstandard.compress(part) for part in parts))
    return path


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("name", ["rollout-a.jsonl.zst", "rollout-a.jsonl"])
def test_a_packed_rollout_is_read(name: str, frames: int, memory: Memory, tmp_path: Path) -> None:
    lines = [CODEX_META, *(codex(f"{n} " + "x" * 1000) for n in range(500))]
    for number, line in enumerate(lines[1:]):
        line["payload"]["id"] = f"msg_{number}"
    path = packed(tmp_path / name, raw(*lines), frames=frames)

    assert run(memory, path, host="codex").counts.stored == 500
    assert run(memory, path, host="codex").unchanged == 1
    assert run(memory, path, host="codex", anew=True).counts.duplicate == 500


def test_of_a_damaged_packed_file_what_stands_before_is_kept(
    memory: Memory, tmp_path: Path
) -> None:
    noise = random.Random(1)
    many = [claude(str(noise.getrandbits(4000)), uuid=str(n)) for n in range(2000)]
    whole = packed(tmp_path / "a.jsonl.zst", raw(*many)).read_bytes()
    (tmp_path / "a.jsonl.zst").write_bytes(whole[: len(whole) * 2 // 3])
    whole = packed(tmp_path / "b.jsonl.zst", raw(*said("one"))).read_bytes()
    (tmp_path / "b.jsonl.zst").write_bytes(whole + b"\xff" * 99)

    done = run(memory, tmp_path / "a.jsonl.zst", tmp_path / "b.jsonl.zst")

    assert 1 < done.counts.stored < 2000
    assert "one" in texts(memory)
    assert [fault.split(":")[0].split(".zst ")[1][:18] for fault in done.faults] == [
        "ends in the middle",
        "cannot be unpacked",
    ]


def test_a_packed_file_that_bursts_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(zstandard.ZstdCompressor(level=19).compress(b" " * (1 << 28)))
    assert path.stat().st_size < 100_000
    with pytest.raises(TranscriptFault, match="1000 times its size"):
        list(read_transcript(path, "codex"))


def test_a_packed_file_that_wants_too_much_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.zst"
    wide = zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    with (
        path.open("wb") as file,
        zstandard.ZstdCompressor(compression_params=wide).stream_writer(file) as writer,
    ):
        writer.write(raw(*said("one")) * 100_000)
    with pytest.raises(TranscriptFault, match="cannot be unpacked"):
        list(read_transcript(path, "claude-code"))


def counted(paths: Iterable[Path]) -> Counter[str]:
    """The outcomes of files, by kind."""
    found: Counter[str] = Counter()
    for path in paths:
        host: Host = "codex" if path.name.startswith("rollout") else "claude-code"
        for parsed in read_transcript(path, host):
            if isinstance(parsed.outcome, Turn):
                found["turn"] += 1
            elif isinstance(parsed.outcome, Skipped):
                found["skipped"] += 1
    return found


def test_the_books_of_the_examples_balance(memory: Memory) -> None:
    paths = sorted(TRANSCRIPTS.rglob("*.jsonl"))
    done = run(memory, *paths)
    counts, expected = done.counts, counted(paths)
    assert counts.stored + counts.duplicate == expected["turn"]
    assert counts.skipped.total() == expected["skipped"]
    assert counts.total == expected.total()
    assert memory.status().records == counts.stored
    assert json.loads(memory.paths.imported.read_text())["files"].keys() == {
        str(path.absolute()) for path in paths
    }

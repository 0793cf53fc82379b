"""Out and in again without loss, and out for good without a trace."""

from __future__ import annotations

import json
from pathlib import Path

import lancedb
import pytest

from iai_memory import Memory
from iai_memory.errors import InvalidInput


@pytest.fixture
def memory(memory: Memory) -> Memory:
    stored = memory.ingest(
        [
            {"text": "tea\nwith ünïcode 東京", "tags": ["drink"], "pinned": True},
            {"text": "the port is 1", "project": "p", "created_at": "2026-05-08T10:00:00Z"},
            {"text": "to be forgotten", "role": "user", "session_id": "s", "turn_id": "t"},
        ]
    ).results
    memory.supersede(str(stored[1].id), "the port is 2")
    memory.forget([str(stored[2].id)])
    return memory


def test_an_export_imported_into_an_empty_store_exports_the_same_lines(
    memory: Memory, tmp_path: Path
) -> None:
    lines = list(memory.export_lines(vectors=True))
    other = Memory(tmp_path / "other")
    assert [(a.stored, a.known) for a in other.import_lines(lines)] == [(4, 0)]
    assert list(other.export_lines(vectors=True)) == lines
    assert [(a.stored, a.known) for a in other.import_lines(lines)] == [(0, 4)]


def test_an_imported_store_answers_like_the_exported_one(memory: Memory, tmp_path: Path) -> None:
    other = Memory(tmp_path / "other")
    list(other.import_lines(memory.export_lines(vectors=True)))
    for question in ("which port", "what to drink", "what was forgotten?"):
        mine, theirs = memory.recall(question), other.recall(question)
        assert [hit.id for hit in theirs.hits] == [hit.id for hit in mine.hits]
        assert all(hit.text != "to be forgotten" for hit in theirs.hits)
    assert other.store.statistics().pending == 0


def test_lines_without_vectors_are_embedded_by_whoever_runs_next(
    memory: Memory, tmp_path: Path
) -> None:
    other = Memory(tmp_path / "other")
    list(other.import_lines(memory.export_lines()))
    assert other.store.statistics().pending == 3
    assert other.embed_pending() == 3
    assert other.recall("hot drink").hits[0].text.startswith("tea")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("not json", "line 1 is no exported memory: send lines of `iai-mcp export jsonl`"),
        ('{"text": "x"}', "line 1 is no exported memory: send lines of `iai-mcp export jsonl`"),
        (
            '{"iai_mcp": 99}',
            "line 1 has export format 99, this iai-mcp reads 1: export it again with this version",
        ),
        ("[]", "line 1 is no exported memory: send lines of `iai-mcp export jsonl`"),
    ],
)
def test_a_line_that_is_no_export_is_one_clear_error(memory: Memory, line: str, told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        list(memory.import_lines([line]))
    assert str(refused.value) == told


def test_a_scrubbed_text_is_in_no_file_and_no_record(memory: Memory) -> None:
    secret = "xylophonequartz"
    stored = memory.ingest(
        {"text": f"the word is {secret}, said at noon", "tags": [secret], "session_id": secret}
    ).results[0]
    memory.supersede(str(stored.id), f"now it is {secret} again", reason=f"about {secret}")
    memory.session_start(refresh=True)
    logs = memory.paths.logs
    logs.mkdir(exist_ok=True)
    (logs / "server-2026-01-01.log").write_text(f"line one\nrecalled {secret}\n")
    memory.paths.spool.mkdir(exist_ok=True)
    (memory.paths.spool / "doorbell.jsonl").write_text(json.dumps({"prompt": secret}) + "\n")

    done = memory.scrub(secret)

    assert done.left == []
    assert done.records == 2
    found = [
        path
        for path in memory.paths.root.rglob("*")
        if path.is_file() and secret.encode() in path.read_bytes()
    ]
    assert found == []
    assert memory.recall(secret).hits == [] or all(
        secret not in hit.text for hit in memory.recall(secret).hits
    )
    assert memory.record(str(stored.id)).text == "the word is [redacted:scrub], said at noon"
    assert (logs / "server-2026-01-01.log").read_text() == "line one\nrecalled [redacted:scrub]\n"


def test_a_scrub_also_cleans_a_column_that_is_no_longer_used(memory: Memory) -> None:
    [id_, *_] = memory.store.latest.ids()
    table = lancedb.connect(memory.paths.database).open_table("memories")
    table.update(where=f"id = '{id_}'", values={"entities": ["the xylophonequartz"]})
    assert memory.store.latest.retired_values() == {id_: ["the xylophonequartz"]}
    done = memory.scrub("xylophonequartz")
    assert (done.records, done.left) == (1, [])
    assert memory.store.latest.retired_values() == {}


def test_a_scrub_leaves_everything_else_as_it_was(memory: Memory) -> None:
    before = {line for line in memory.export_lines(vectors=True)}
    memory.ingest("a passing xylophonequartz")
    memory.scrub("xylophonequartz")
    after = list(memory.export_lines(vectors=True))
    assert before <= set(after)
    assert len(after) == len(before) + 1


@pytest.mark.parametrize(
    ("pattern", "regex"), [("", False), ("  ", False), ("(", True), ("a*", True)]
)
def test_a_pattern_that_matches_everything_or_nothing_is_refused(
    memory: Memory, pattern: str, regex: bool
) -> None:
    with pytest.raises(InvalidInput):
        memory.scrub(pattern, regex=regex)


ODD_NAMES = {
    "session_id": "s-<private>99999</private>",
    "turn_id": "one\ntwo",
    "project": "x<iai-mcp-session-start>",
    "cwd": "/home/sam/\x1b[31m",
    "tags": ["<private>99999</private>", "a\nb"],
}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_of_an_exported_line_are_stored_as_those_of_any_memory(
    memory: Memory, tmp_path: Path, name: str
) -> None:
    lines = [{**json.loads(line), name: ODD_NAMES[name]} for line in memory.export_lines()]
    other = Memory(tmp_path / "other")
    assert [one.stored for one in other.import_lines(json.dumps(one) for one in lines)] == [4]
    kept = [json.loads(line)[name] for line in other.export_lines()]
    assert len(kept) == 4
    for told in kept:
        assert not any(odd in str(told) for odd in ("99999", "\n", "\x1b", "<iai-mcp"))
    # What was exported again is known, and comes back as it is.
    assert [one.known for one in other.import_lines(other.export_lines())] == [4]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("idem", "ghp_0123456789"),
        ("superseded_by", "not an id"),
        ("folded_into", "\n"),
        ("derived_from", ["<private>"]),
        ("project", 5),
        ("tags", [5]),
        ("text", "half \ud83d"),
        ("role", "user\n"),
        ("history", '[{"at":"2026-05-08","field":"text","before":"<private>1</private>"}]'),
        ("history", '[{"at":"2026-05-08","field":"pinned","before":"<private>1</private>"}]'),
        ("history", '[{"at":"2026-05-08","field":"superseded_by","before":"secret"}]'),
    ],
)
def test_a_line_with_what_no_store_writes_is_refused(
    memory: Memory, tmp_path: Path, name: str, value: object
) -> None:
    line = {**json.loads(next(memory.export_lines())), name: value}
    with pytest.raises(InvalidInput, match="line 1 is no exported memory"):
        list(Memory(tmp_path / "other").import_lines([json.dumps(line)]))

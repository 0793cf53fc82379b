"""`iai-mcp scrub` and `purge`: what is removed is nowhere, and what was not looked at is said."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import lancedb
import pyarrow as pa
import pytest
import zstandard
from tests.support.inventory import unnamed_files
from tests.support.pages import ring

from iai_memory import Memory
from iai_memory.backup.sealing import Keys
from iai_memory.base.clock import utc_now
from iai_memory.capture.given_up import GivenUp
from iai_memory.capture.ring import ring_of
from iai_memory.errors import StoreUnavailable, UnknownRecord
from iai_memory.maintenance.purge import without_text
from iai_memory.store.salvage import Salvage
from iai_memory.store.vector_rows import Row
from iai_memory.store.written_texts import written_rows
from iai_server.cli.main import run
from iai_server.doctor.check import Check, run_check
from iai_server.doctor.erasure_checks import check_erasures

SECRET = 'Jörg "Quirrenbach"\nfrom Łódź/Ost'
RARE = ("quirrenbach", "łódź")


class Done(NamedTuple):
    """What became of a command."""

    code: int
    out: str
    err: str


Command = Callable[..., Done]


@pytest.fixture
def command(
    memory: Memory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Runs `iai-mcp` in this process, with a HOME of its own; `stdin` is what it reads."""
    monkeypatch.setenv("HOME", str(tmp_path))

    def done(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capsys.readouterr()
        code, told = run(list(arguments)), capsys.readouterr()
        return Done(code, told.out, told.err)

    return done


def forms(text: str) -> Iterator[bytes]:
    """A text in every encoding in which it may stand; written without the product's own search."""
    for normal in ("NFC", "NFD"):
        plain = unicodedata.normalize(normal, text)
        once = json.dumps(plain)[1:-1]
        for written in (
            plain,
            once,
            once.replace("/", "\\/"),
            json.dumps(plain, ensure_ascii=False)[1:-1],
            json.dumps(once)[1:-1],
            quote(plain, safe=""),
        ):
            yield written.encode()
            yield written.encode("utf-16-le")
        yield base64.b64encode(plain.encode())


def places(store: Path, *texts: str) -> list[str]:
    """Where any of the texts stands: in files, their names, targets of links, rows of tables."""
    wanted = [form for text in texts for form in forms(text)]
    found: list[str] = []
    for path in store.rglob("*"):
        about = [os.fsencode(path.name)]
        if path.is_symlink():
            about.append(os.fsencode(path.readlink()))
        elif path.is_file():
            about.append(path.read_bytes())
        found += [str(path) for form in wanted if any(form in one for one in about)]
    for database in store.glob("lancedb*"):
        for text in table_texts(database):
            found += [f"a row of {database}" for form in wanted if form in text.encode()]
    return found


def table_texts(database: Path) -> Iterator[str]:
    """Every value of every version of the table, as text."""
    table = lancedb.connect(database).open_table("memories")
    for version in table.list_versions():
        table.checkout(version["version"])
        rows: pa.Table = table.to_arrow()
        for name in rows.column_names:
            if "vector" not in name and "passages" not in name:
                yield from map(str, rows[name].to_pylist())


def write_everywhere(memory: Memory, text: str) -> list[str]:
    """Leaves a text in every kind of file that can hold one; returns ids of memories with it."""
    said = memory.ingest(
        [
            {"text": f"before {text} after", "project": text, "tags": [text], "session_id": text},
            {"text": f"before {json.dumps(text)} after"},
            {"text": f"before {unicodedata.normalize('NFD', text)} after", "pinned": True},
            {"text": "nothing of that kind"},
        ]
    ).results
    ids = [str(one.id) for one in said]
    memory.supersede(ids[1], f"instead {text}", reason=text)
    memory.pin(ids[0], add_tags=["colour"])
    ring(
        memory,
        f"a turn that says {text}",
        transcript_path=str(memory.paths.root.parent / "s.jsonl"),
    )
    memory.drain()
    noted = ring_of({"transcript_path": f"/gone/{text}", "event": "Stop"}, utc_now())
    assert noted is not None
    GivenUp(memory.paths).add(noted, f"it says {text}")
    memory.ingest({"text": "of a client", "project": "client"})
    memory.projects().alias(f"for {text}", "client")
    memory.ledger.write("noted", error=text)
    memory.paths.logs.mkdir(exist_ok=True)
    (memory.paths.logs / "server-2026-11-01.log").write_text(f"met {text}\n", encoding="utf-8")
    (memory.paths.root / "topics.json").write_text(json.dumps({"all": [text]}))
    memory.session_start(refresh=True)
    memory.sleep(force=True)
    return ids


def test_a_scrubbed_text_is_nowhere_in_any_encoding(memory: Memory, command: Command) -> None:
    write_everywhere(memory, SECRET)
    before = memory.status().records
    assert len(places(memory.paths.root, SECRET)) > 8

    done = command("scrub", "-", stdin=f"{SECRET}\n")

    assert places(memory.paths.root, SECRET, *RARE) == []
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("every file was looked at: it is gone\n")
    assert unnamed_files(memory.paths.root) == []
    assert memory.status().records == before


def test_the_whole_texts_of_ids_are_removed_and_no_text_has_to_be_typed(
    memory: Memory, command: Command
) -> None:
    long, short = memory.ingest([{"text": f"it says {SECRET}"}, {"text": "yes"}]).results
    memory.ledger.write("noted", error=f"he read: it says {SECRET}, twice")

    assert command("scrub", "--id", str(long.id)).code == 0

    assert places(memory.paths.root, SECRET) == []
    assert memory.record(str(long.id)).text == "[redacted:scrub]"
    assert memory.ledger.newest(1, event="noted")[0]["error"] == "he read: [redacted:scrub], twice"
    for id_ in (short.id, long.id):
        refused = command("scrub", "--id", str(id_))
        assert (refused.code, refused.out) == (2, "")
        assert "iai-mcp purge" in refused.err


def test_letter_case_is_the_same_where_that_is_asked(memory: Memory, command: Command) -> None:
    memory.ingest("The ZORBLAX, a Zorblax")
    assert command("scrub", "zorblax").out.startswith("0 memories")
    assert memory.timeline().records[0].text == "The ZORBLAX, a Zorblax"

    assert command("scrub", "zorblax", "--ignore-case").code == 0

    assert memory.timeline().records[0].text == "The [redacted:scrub], a [redacted:scrub]"


@pytest.mark.parametrize("word", ["note", "before"])
def test_a_word_of_ours_is_not_taken_for_the_users(
    memory: Memory, command: Command, word: str
) -> None:
    [one] = memory.ingest(f"a {word} of the user").results
    memory.pin(str(one.id), add_tags=["colour"])
    memory.sleep(force=True)
    memory.paths.ledger.joinpath("events.jsonl").unlink()

    done = command("scrub", f" {word} of")

    assert (done.code, done.err) == (0, "")
    done = command("scrub", word)
    assert [line for line in done.out.splitlines() if "lancedb" in line] == []


OF_OUR_FORMATS = ("event", "ids", "format", "scrub")


@pytest.mark.parametrize("word", OF_OUR_FORMATS)
def test_an_everyday_word_that_our_files_are_made_of_leaves_them_readable(
    memory: Memory, command: Command, word: str
) -> None:
    gone = str(memory.ingest(f"Mister Zwiebelfisch of the {word} owes me").results[0].id)
    memory.ingest({"text": "of a client", "project": "client"})
    memory.projects().alias("customer", "client")
    memory.back_up()
    memory.forget([gone], reason=f"the {word}!")
    paths = memory.paths
    files = [paths.ledger / "events.jsonl", paths.projects, paths.backup_state]
    before = [outline(path) for path in files]

    done = command("scrub", word)

    assert (done.code, done.err) == (0, ""), done.out
    ended = [outline(path) for path in files]
    assert [one[: len(old)] for one, old in zip(ended, before, strict=True)] == before
    event = memory.ledger.newest(1, event="forgotten")[0]
    assert (event["ids"], event["reason"]) == ([gone], "the [redacted:scrub]!")
    shutil.rmtree(paths.database)
    assert command("restore-backup", "--yes").code == 0
    assert Memory(memory.paths.root).recall("Zwiebelfisch").hits == []


def outline(path: Path) -> list[tuple[object, ...]]:
    """The names of all fields of a file's lines, with the event and the time."""
    whole = path.read_text()
    lines = whole.splitlines() if path.suffix == ".jsonl" else [whole]
    parsed = [json.loads(line) for line in lines]
    return [(*one, one.get("event"), one.get("at"), one.get("format")) for one in parsed]


def test_an_export_and_a_restored_store_that_say_it_are_named_and_not_changed(
    memory: Memory, command: Command, tmp_path: Path
) -> None:
    memory.ingest(["the word Xylograph must go", "it stays"])
    memory.back_up()
    out, restored = tmp_path / "out.jsonl", tmp_path / "restored"
    exported(memory, out, command)
    assert command("restore-backup", "--into", str(restored)).code == 0

    done = command("scrub", "Xylograph")

    assert done.code == 1
    left = [line for line in done.out.splitlines() if line.startswith("STILL IN ")]
    assert [str(place) in line for line, place in zip(left, (out, restored), strict=True)] == [
        True,
        True,
    ]
    assert "Xylograph" in out.read_text()
    assert command("scrub", "it stays nowhere").code == 0
    out.unlink()
    shutil.rmtree(restored)
    assert command("scrub", "Xylograph").code == 0


def test_what_was_found_nowhere_is_not_called_gone(memory: Memory, command: Command) -> None:
    memory.ingest("The barometer drifts.")

    done = command("scrub", "barometre")

    assert done.code == 0
    assert "it was found nowhere" in done.out
    assert "gone" not in done.out


def test_one_sign_is_no_text_that_can_be_removed(memory: Memory, command: Command) -> None:
    memory.ingest("anything")
    for sign in ('"', "{", "a", " :"):
        assert command("scrub", sign).code == 2


@pytest.mark.slow
def test_an_expression_that_never_ends_is_refused_and_changes_nothing(
    memory: Memory, command: Command
) -> None:
    text = f"{'a' * 60}b! tail"
    memory.ingest(text)

    refused = command("scrub", "--regex", r"^(a|aa)+$")

    assert (refused.code, refused.out) == (2, "")
    assert "takes too long" in refused.err
    assert memory.timeline().records[0].text == text
    assert command("scrub", "--regex", "a{30,}b").code == 0
    assert memory.timeline().records[0].text == "[redacted:scrub]! tail"


def test_rows_that_no_version_shows_any_more_leave_their_files(
    memory: Memory, command: Command
) -> None:
    memory.ingest([{"text": f"zorblax {number}"} for number in range(50)])
    memory.ingest("what stays")
    memory.sleep(force=True)
    # As a deletion leaves it: one row in fifty is not enough for LanceDB to write a file anew.
    [gone] = [row.record.id for row in memory.store.latest.all_rows() if holds(row, "zorblax 7")]
    with memory.store.writing() as writer:
        writer.remove([gone])
    memory.sleep(force=True)
    in_files = [row.texts for row in written_rows(memory.paths.table, pytest.fail)]
    assert [texts for texts in in_files if "zorblax 7" in texts] != []

    done = command("scrub", "zorblax 7")

    assert (done.code, done.err) == (0, "")
    in_files = [row.texts for row in written_rows(memory.paths.table, pytest.fail)]
    assert [texts for texts in in_files if "zorblax 7" in texts] == []
    assert places(memory.paths.root, "zorblax 7") == []
    assert memory.status().records == 50


def test_every_index_is_made_anew_whatever_was_found(memory: Memory, command: Command) -> None:
    memory.ingest("The barometer drifts.")
    memory.sleep(force=True)
    folder = memory.paths.database / "memories.lance" / "_indices"
    before = {path.name for path in folder.iterdir()}

    assert command("scrub", "nowhere-to-be-found").code == 0

    after = {path.name for path in folder.iterdir()}
    assert after
    assert before.isdisjoint(after)
    assert memory.recall("barometer").hits


def test_what_cannot_be_looked_at_is_named_and_never_called_gone(
    memory: Memory, command: Command, tmp_path: Path
) -> None:
    memory.ingest(f"about {SECRET}")
    root = memory.paths.root
    os.mkfifo(root / "locks" / "odd.lock")
    (root / "backups").mkdir()
    (root / "backups" / "one.jsonl.age").write_bytes(b"age-encryption.org/v1\n-> X25519 ...")
    (root / "backups" / "two.jsonl.zst").write_bytes(b"\x28\xb5\x2f\xfdno frame")
    copy = root / "lancedb" / "memories.lance" / "data" / "notes.lance"
    copy.write_bytes(b"not a data file")

    done = command("scrub", SECRET)
    told = json.loads(command("scrub", SECRET, "--json").out)

    assert done.code == 1
    assert "it is gone" not in done.out
    assert "it is in no file that could be looked at" in done.out
    named = [line for line in done.out.splitlines() if line.startswith("NOT LOOKED AT: ")]
    for name in (
        "odd.lock",
        "one.jsonl.age is sealed for a key that is not here",
        "two.jsonl.zst cannot be read",
    ):
        assert [line for line in named if name in line], name
    assert (told["gone"], told["left"], len(told["unread"])) == (False, [], len(named))


def test_what_a_compressed_or_sealed_file_holds_is_seen(memory: Memory, command: Command) -> None:
    memory.ingest("something")
    recipient = str(import_module("pyrage").x25519.Identity.generate().to_public())
    sealed = Keys(memory.paths.backup_key, recipient).sealed(
        zstandard.ZstdCompressor().compress(json.dumps({"text": SECRET}).encode())
    )
    folder = memory.paths.root / "backups"
    folder.mkdir()
    (folder / "two.zst.age").write_bytes(sealed)
    (folder / "one.jsonl.gz").write_bytes(gzip.compress(json.dumps({"text": SECRET}).encode()))

    done = command("scrub", SECRET)

    assert done.code == 1
    for name in ("one.jsonl.gz", "two.zst.age"):
        assert f"STILL IN {folder / name}" in done.out


def test_names_and_targets_of_links_count(memory: Memory, command: Command, tmp_path: Path) -> None:
    transcript = tmp_path / "about zorblax.jsonl"
    ring(memory, "a turn", transcript_path=str(transcript))
    memory.drain()

    done = command("scrub", "zorblax")

    assert done.code == 1
    assert f"-> {transcript}" in done.out
    assert transcript.read_text().count("a turn") == 1


def test_former_tables_that_were_kept_are_named_and_removed_only_with_a_yes(
    memory: Memory, command: Command
) -> None:
    memory.ingest(f"about {SECRET}")
    for name in ("lancedb.damaged-20261101T101010Z", "lancedb.new"):
        shutil.copytree(memory.paths.database, memory.paths.root / name)

    kept = "lancedb.damaged-20261101T101010Z"
    for text in (SECRET, "of a typo"):
        done = command("scrub", text)
        assert done.code == 1
        [named] = [line for line in done.out.splitlines() if line.startswith("NOT LOOKED AT")]
        assert kept in named
        assert "--yes" in named
        assert (memory.paths.root / kept).is_dir()

    done = command("scrub", SECRET, "--yes")

    assert (done.code, places(memory.paths.root, SECRET)) == (0, [])
    assert "lancedb.damaged-20261101T101010Z" in done.out
    assert [path.name for path in memory.paths.root.glob("lancedb*")] == ["lancedb"]


@pytest.mark.parametrize(
    "arguments", [(), ("a", "--id", "b"), ("--id", "b", "--regex"), ("(", "--regex"), ("",)]
)
def test_what_cannot_be_meant_is_refused(command: Command, arguments: tuple[str, ...]) -> None:
    refused = command("scrub", *arguments)
    assert (refused.code, refused.out) == (2, "")


def everything(*folders: Path) -> bytes:
    """All that the files of folders hold, unpacked where they are packed."""
    found = b""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                content = path.read_bytes()
                packed = path.suffix == ".zst"
                found += zstandard.ZstdDecompressor().decompress(content) if packed else content
    return found


def exported(memory: Memory, to: Path, command: Command) -> set[str]:
    assert command("export", "jsonl", "--out", str(to)).code == 0
    return ids_in(to)


def ids_in(export: Path) -> set[str]:
    lines = [json.loads(line) for line in export.read_text().splitlines()]
    return {line["id"] for line in lines if "id" in line}


def test_a_purged_memory_is_nowhere_and_its_neighbours_stay(
    memory: Memory, command: Command, tmp_path: Path
) -> None:
    first, *_ = write_everywhere(memory, SECRET)
    memory.ingest([{"text": f"note {number} of many"} for number in range(40)])
    memory.forget([first])
    memory.back_up()
    out = tmp_path / "out.jsonl"
    before = exported(memory, out, command)
    with_it = [row.record.id for row in memory.store.latest.all_rows() if holds(row, SECRET)]
    memory.sleep(force=True)

    done = command("purge", "-", "--yes", stdin="\n".join(with_it))

    root = memory.paths.root
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("every file was looked at: it is gone\n")
    assert f"written anew without them: {out}" in done.out
    scrub_of_names = command("scrub", SECRET)  # an alias, names of transcripts: no memories
    told = [line for line in scrub_of_names.out.splitlines() if line.startswith(("STILL", "NOT"))]
    assert [str(out) in line for line in told] == [True]  # with the alias
    assert places(root, SECRET, *RARE) == []
    content = everything(root)
    assert [form for form in forms(SECRET) if form in content] == []
    assert {*memory.store.latest.ids()} == before - {*with_it}
    assert ids_in(out) == before - {*with_it}
    assert command("import", "jsonl", str(out)).code == 0
    assert unnamed_files(root) == []
    assert memory.status().records == len(before - {*with_it})


def holds(row: Any, text: str) -> bool:
    return any(form in json.dumps(row.record.text).encode() for form in forms(text)) or any(
        form in row.record.text.encode() for form in forms(text)
    )


def test_a_purged_memory_comes_back_by_no_way(
    memory: Memory, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "host").mkdir()
    first = tmp_path / "host" / "s.jsonl"
    transcript = ring(memory, "the heron is blue", transcript_path=str(first))
    memory.drain()
    dated = {"text": "the heron was grey", "created_at": "2026-01-01"}
    note = memory.ingest(dated).results[0].id
    undated = memory.ingest("the heron is white").results[0].id
    [turn] = memory.recall("blue heron").hits[:1]
    old_export = [*memory.export_lines()]
    done = command("purge", turn.id, str(note), str(undated), "--yes", "--json")
    assert json.loads(done.out)["gone"]

    fork = tmp_path / "host" / "fork.jsonl"
    fork.write_bytes(transcript.read_bytes().replace(b"s-1-", b"s-2-"))
    ring(memory, "", transcript_path=str(fork), session_id="s-2")
    memory.drain()
    assert "2 skipped (2 purged)" in command("import", "claude", str(tmp_path / "host")).out
    list(memory.import_lines(old_export))
    again = memory.ingest(dated).results[0]

    assert (again.status, again.reason) == ("skipped", "was purged, and does not come back")
    assert memory.status().records == memory.status().tombstoned == 0
    assert list(Salvage(memory.paths).rows()) == []
    with pytest.raises(UnknownRecord, match="was purged, and nothing brings it back"):
        memory.record(turn.id)
    assert memory.restore([turn.id]).not_found == [turn.id]
    assert memory.ingest("the heron is white").stored == 1  # a new statement
    assert command("purge", turn.id).out == f"purged before {turn.id}\n"


def test_what_was_scrubbed_and_purged_comes_back_by_no_transcript(
    memory: Memory, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "host").mkdir()
    first = tmp_path / "host" / "s.jsonl"
    transcript = ring(memory, "my locker is Flumpwort seventeen", transcript_path=str(first))
    memory.drain()
    [turn] = memory.recall("locker").hits[:1]
    assert command("scrub", "Flumpwort").code == 0
    fork = tmp_path / "host" / "fork.jsonl"
    fork.write_bytes(transcript.read_bytes().replace(b"s-1-", b"s-2-"))

    assert command("import", "claude", str(tmp_path / "host")).code == 0
    assert not any(holds(row, "Flumpwort") for row in memory.store.latest.all_rows())
    assert command("purge", turn.id, "--yes").code == 0
    memory.paths.imported.unlink()
    command("import", "claude", str(tmp_path / "host"))

    assert memory.store.latest.ids() == []
    assert places(memory.paths.root, "Flumpwort") == []


def test_a_turn_that_an_earlier_version_scrubbed_stays_away_after_its_purge(
    memory: Memory, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "host").mkdir()
    ring(memory, "say Flumpwort", transcript_path=str(tmp_path / "host" / "s.jsonl"))
    memory.drain()
    assert command("scrub", "Flumpwort").code == 0
    memory.paths.erasures.unlink()  # it noted no words
    assert command("purge", *memory.store.latest.ids(), "--yes").code == 0

    command("import", "claude", str(tmp_path / "host"))

    assert memory.store.latest.ids() == []


def test_all_that_say_the_same_go_and_what_quotes_or_follows_from_them_is_named(
    memory: Memory, command: Command
) -> None:
    said = [
        {"text": "The office door code is 4417.", "session_id": "a", "role": "user"},
        {"text": "the office door code is 4417", "session_id": "b", "role": "assistant"},
        {"text": "Minutes: The office door code is 4417. Nobody objected."},
    ]
    one, copy, quotation = (str(stored.id) for stored in memory.ingest(said).results)
    made = memory.ingest({"text": "A code was told.", "derived_from": [copy]}).results[0].id

    done = command("purge", one, "--yes")

    assert done.code == 0
    assert done.out.splitlines()[:2] == [f"purged {one}", "and 1 more that say the same"]
    assert f"stays, quotes one of them: {quotation}" in done.out
    assert f"stays, made from them: {made}" in done.out
    assert memory.store.latest.ids() == [quotation, made]


def test_it_asks_and_a_no_or_a_missing_terminal_changes_nothing(
    memory: Memory, command: Command
) -> None:
    id_ = str(memory.ingest("The barometer drifts.").results[0].id)
    refused = command("purge", id_)
    assert (refused.code, refused.out) == (2, "")
    assert "add --yes" in refused.err
    assert command("purge", "0198ffff", "--yes").code == 1
    assert command("purge", "-", "--yes").code == 2
    assert memory.record(id_).text == "The barometer drifts."
    assert not memory.paths.erasures.exists()


def test_exports_that_are_not_as_they_were_written_are_named_and_left_alone(
    memory: Memory, command: Command, tmp_path: Path
) -> None:
    ids = [str(one.id) for one in memory.ingest(["one barometer", "two barometers"]).results]
    for name in ("gone", "edited", "whole"):
        exported(memory, tmp_path / f"{name}.jsonl", command)
    (tmp_path / "gone.jsonl").unlink()
    edited = (tmp_path / "edited.jsonl").read_text().replace("two", "ten")
    (tmp_path / "edited.jsonl").write_text(edited)

    done = command("purge", ids[0], "--yes")

    assert done.code == 1
    assert ids_in(tmp_path / "whole.jsonl") == {ids[1]}
    assert (tmp_path / "edited.jsonl").read_text() == edited
    named = [line for line in done.out.splitlines() if line.startswith("NOT LOOKED AT: ")]
    assert "not there any more" in named[0]
    assert "a line was changed since it was exported" in named[1]
    assert len(named) == 2


def test_a_purge_that_was_killed_is_named_and_finished_by_the_next(
    memory: Memory, command: Command, tmp_path: Path
) -> None:
    """As each step leaves it: noted; rows without text; rows gone and files not yet."""
    said = memory.ingest([{"text": f"about {SECRET}"}, {"text": "to go"}, {"text": "to stay"}])
    ids = [str(one.id) for one in said.results[:2]]
    names = memory.store.project_names
    memory.store.erasures.begin(memory.store.latest.get(ids), names)
    assert "was begun and is not finished" in check_of(memory, "purges").finding
    with memory.store.writing() as writer:
        rows = [Row(without_text(one, writer.now()), None) for one in writer.reader.get(ids)]
        writer.update(rows, writer.now())

    done = command("purge")

    assert done.code == 0
    assert done.out.splitlines()[:2] == [f"purged {id_}" for id_ in sorted(ids)]
    assert {*ids}.isdisjoint(memory.store.latest.ids())
    assert check_of(memory, "purges").ok
    assert command("purge").out == "no purge was begun that is not finished\n"


def check_of(memory: Memory, name: str) -> Check:
    return run_check(name, lambda: check_erasures(memory))


def test_a_damaged_list_of_what_was_purged_stops_what_could_bring_it_back(
    memory: Memory, command: Command
) -> None:
    id_ = str(memory.ingest("The barometer drifts.").results[0].id)
    lines = [*memory.export_lines()]
    assert command("purge", id_, "--yes").code == 0
    memory.paths.erasures.write_text("{")

    with pytest.raises(StoreUnavailable, match="what must not come back"):
        list(memory.import_lines(lines))
    assert "what must not come back" in check_of(memory, "purges").finding
    assert memory.status().records == 0


def test_the_half_written_file_of_a_killed_write_goes_with_the_next_erasure(
    memory: Memory, command: Command
) -> None:
    memory.ingest("Sugar feeds bees.")
    left = memory.paths.table / "data" / ".tmpam5L2c"  # as LanceDB names it
    left.write_bytes(b"The heron of Quirrenbach")

    done = command("scrub", "Quirrenbach")

    assert (done.code, done.err) == (0, "")
    assert not left.exists()

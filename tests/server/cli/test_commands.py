"""Every command as a person or a script runs it: output, exit code, and one line on failure."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import typer
from tests.support.checkout import ROOT
from tests.support.old_stores import forked, old_store
from tests.support.talking import CLI, WAIT_SEC, child_environment
from typer.core import TyperCommand, TyperGroup

from iai_server.cli.app import app
from iai_server.cli.main import run

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UNKNOWN = "01900000-0000-7000-8000-000000000000"
ESCAPES = "red \x1b[31malert\x1b[0m \x1b]0;title\x07 \x9b2J \u202eback\u2069 \u200bend\r\nlast"
TRANSCRIPTS = ROOT / "examples" / "transcripts"
GROWING = """
import contextlib, sys

from iai_server.__main__ import main

with contextlib.suppress(SystemExit):
    main()

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import IvfSq

def rows(count):
    flat = np.random.default_rng(count).normal(size=count * 4).astype(np.float32)
    return pa.table({"vector": pa.FixedSizeListArray.from_arrays(flat, 4)})

table = lancedb.connect(sys.argv[-1]).create_table("grows", rows(2_000))
table.create_index("vector", config=IvfSq(num_partitions=2))
for _ in range(4):
    table.add(rows(30_000))
    table.optimize()
"""


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Its stdout as JSON."""
        assert self.code == 0, self.err
        return json.loads(self.out)


Command = Callable[..., Done]


@pytest.fixture
def cli(
    model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Runs a command in this process, on a store of this test."""
    monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        code = run(list(arguments))
        told = capsys.readouterr()
        return Done(code, told.out, told.err)

    return command


@pytest.fixture
def bare(cli: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The same without a model, where none is needed: faster."""
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    return cli


def test_ingest_and_recall_speak_json_and_text(cli: Command) -> None:
    report = cli("ingest", "The barn owl nests in the mill.", "--tag", "owl", "--json").json()
    assert report["results"][0]["status"] == "stored"
    found = cli("recall", "where does the owl nest?", "--tag", "owl", "--json").json()
    assert found["hits"][0]["id"] == report["results"][0]["id"]
    assert found["mode"] == "hybrid"
    shown = cli("recall", "where does the owl nest?")
    assert "The barn owl nests in the mill." in shown.out
    assert "1 hit, hybrid" in shown.out
    assert cli("ingest", "The barn owl nests in the mill.", "--tag", "owl").out.startswith(
        "duplicate "
    )


def test_every_command_that_prints_data_prints_json(bare: Command) -> None:
    id_ = _stored(bare, "A fact for every command.")
    assert bare("timeline", "--json").json()["records"][0]["id"] == id_
    assert bare("pin", id_, "--add-tag", "kept", "--json").json()["tags"] == ["kept"]
    changed = bare("supersede", id_, "A newer fact.", "--json").json()
    assert changed["old_id"] == id_
    assert bare("forget", changed["new_id"], "--json").json()["forgotten"] == [changed["new_id"]]
    assert bare("restore", changed["new_id"], "--json").json()["restored"] == [changed["new_id"]]
    page = bare("session-start", "--refresh", "--json").json()
    assert "A newer fact." in page["payload"]
    assert bare("status", "--json").json()["records"] == 1
    assert [event["event"] for event in bare("events", "--json").json()]


def test_lines_for_people_hold_ids_only_where_they_are_asked_for(bare: Command) -> None:
    old = _stored(bare, "The heron stands at the weir.")
    new = bare("supersede", old, "The heron stands at the mill.", "--json").json()["new_id"]
    for command in (
        ["recall", "where does the heron stand?"],
        ["recall", "where did the heron stand before?"],
        ["recall", "heron weir"],
        ["recall", "heron", "--include-superseded"],
        ["recall", old[:30]],
        ["timeline"],
    ):
        assert UUID.search(bare(*command).out) is None
        assert "heron" in bare(*command).out
        assert UUID.search(bare(*command, "--ids").out)
    assert f"{old} (superseded by {new})" in bare("timeline", "--ids").out
    assert "note (superseded)" in bare("timeline").out


def test_lines_for_people_say_how_many_copies_a_command_took_along(bare: Command) -> None:
    told = [{"text": "The mill is dry.", "created_at": f"2026-05-0{day}"} for day in (1, 2, 3)]
    ids = [_stored(bare, one["text"], "--created-at", one["created_at"]) for one in told]
    more = "and 2 more that say the same\n"
    assert more in bare("pin", ids[1]).out
    undo = f"undo with `iai-mcp restore {ids[1]}`\n"
    assert bare("forget", ids[1][:30]).out == f"forgotten {ids[1]}\n{more}{undo}"
    assert bare("restore", ids[2]).out == f"restored {ids[2]}\n{more}"
    assert bare("supersede", ids[0], "The mill is wet.").out.endswith(more)


def test_the_same_commands_print_lines_for_people(bare: Command) -> None:
    id_ = _stored(bare, "A fact for every command.")
    assert id_ in bare("timeline", "--ids").out
    assert "note (pinned)" in bare("pin", id_).out
    assert bare("supersede", id_, "A newer fact.").out.startswith(f"{id_} is superseded by ")
    assert bare("forget", id_).out == f"forgotten {id_}\nundo with `iai-mcp restore {id_}`\n"
    assert bare("restore", id_).out == f"restored {id_}\n"
    assert bare("session-start").out == bare("session-start", "--json").json()["payload"]
    assert "iai-mcp model install" in bare("status").out
    assert "superseded" in bare("events").out


def test_folded_copies_are_counted_and_come_back_by_one_command(
    bare: Command, tmp_path: Path
) -> None:
    old_store(tmp_path / "store", *forked(2))
    told = "2 copies folded into the same turn; `iai-mcp restore --folded` undoes it"
    assert told in " ".join(bare("status").out.split())
    assert bare("status", "--json").json()["folded"] == 2
    assert len(bare("restore", "--folded", "--json").json()["restored"]) == 2
    assert "copies folded" not in bare("status").out
    for form in ([], ["--json"]):
        nothing = bare("restore", "--folded", *form)
        assert nothing.code == 1
        assert nothing.out
    assert "no copies are folded" in bare("restore", "--folded").out
    for wrong in ((), ("--folded", "some-id")):
        refused = bare("restore", *wrong)
        assert (refused.code, refused.err.count("\n")) == (2, 1)
        assert "ids or --folded" in refused.err


@pytest.mark.parametrize("character", ["\t", "\n", "\r", "\x1b", "\x7f"])
@pytest.mark.parametrize("command", [["status"], ["connect", "claude-code"], ["doctor"]])
def test_a_store_path_with_a_control_character_is_refused_in_one_sentence(
    bare: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    character: str,
    command: list[str],
) -> None:
    monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path / f"a{character}b"))
    refused = bare(*command)
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "has a control character: set IAI_MCP_STORE to a folder without one" in refused.err
    assert not (tmp_path / f"a{character}b").exists()


def test_doctor_finds_a_healthy_store_healthy(cli: Command) -> None:
    checks = cli("doctor", "--json").json()
    assert [check["name"] for check in checks if not check["ok"]] == []
    assert cli("doctor").out.count("ok    ") == len(checks)


def test_doctor_exits_1_and_names_the_command_without_a_model(bare: Command) -> None:
    done = bare("doctor")
    assert done.code == 1
    assert "BROKEN  model: no model, recall finds by words only: run `iai-mcp model install`" in (
        done.out
    )


def test_without_a_model_recall_says_how_to_get_one(bare: Command) -> None:
    _stored(bare, "Only words find this.")
    done = bare("recall", "words")
    assert done.code == 0
    assert "degraded: run `iai-mcp model install`" in done.out


def test_ingest_reads_stdin_verbatim(bare: Command) -> None:
    text = "Zeile eins — naïve 🦊 日本語\n\n  indented\ttab\n"
    assert bare("ingest", "--json", stdin=text.encode()).json()["stored"] == 1
    assert bare("timeline", "--json").json()["records"][0]["text"] == text
    assert "naïve 🦊 日本語" in bare("timeline").out


def test_stdin_that_is_not_utf_8_is_one_line(bare: Command) -> None:
    _fails(bare("ingest", stdin=b"caf\xe9"), 2, "iai-mcp: stdin is not UTF-8: send UTF-8 text")
    assert bare("status", "--json").json()["records"] == 0


def test_a_jsonl_file_is_stored_once(bare: Command, tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    lines = [json.dumps({"text": f"Line {number}.", "tags": ["x"]}) for number in range(3)]
    path.write_text("\n\n".join(lines))
    assert bare("ingest", "--jsonl", str(path)).out == "3 stored, 0 duplicates\n"
    again = bare("ingest", "--jsonl", str(path), "--json").json()
    assert (again["stored"], again["duplicates"]) == (0, 3)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("not JSON", "line 2 is not JSON: "),
        ('{"text": " "}', "text is blank: send at least one word"),
        ('{"words": "x"}', "a memory has no field 'words': send "),
        ("[1]", 'a memory is not an object: send for example {"text": "…"}'),
        ('{"text": "\\ud800"}', "text has half of a surrogate pair: send valid Unicode"),
    ],
)
def test_a_bad_jsonl_line_is_one_line_and_nothing_is_stored(
    bare: Command, tmp_path: Path, line: str, told: str
) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text(f'{{"text": "good"}}\n{line}\n')
    done = bare("ingest", "--jsonl", str(path))
    assert done.code == 2
    assert told in done.err
    assert done.err.count("\n") == 1
    assert bare("status", "--json").json()["records"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["recall", " "], 2, "query is blank: send at least one word"),
        (["recall", "a", "--limit", "0"], 2, "limit is 0: send a whole number from 1 to 50"),
        (["ingest", ""], 2, "text is blank: send at least one word"),
        (["ingest", "a", "--role", "king"], 2, "role is 'king': send one of user, assistant, "),
        (["ingest", "--jsonl", "absent"], 2, "absent does not exist: name a JSONL file"),
        (["ingest", "a", "--jsonl", "b"], 2, "a text and --jsonl at once: send one of them"),
        (["timeline", "--since", "noon"], 2, "since is not an ISO date or time: send for example "),
        (["pin", UNKNOWN], 1, f"no memory has the id '{UNKNOWN}': send an id that recall returned"),
        (["supersede", UNKNOWN, "a"], 1, f"no memory has the id '{UNKNOWN}': send an id that "),
        (["import", "claude", "absent"], 1, "absent holds no transcript: name a file or a folder"),
    ],
)
def test_a_failure_is_one_line_that_says_what_to_do(
    bare: Command, arguments: list[str], code: int, line: str
) -> None:
    _fails(bare(*arguments), code, f"iai-mcp: {line}")


def test_unknown_ids_are_told_on_stdout_and_exit_1(bare: Command) -> None:
    for command in ("forget", "restore"):
        done = bare(command, UNKNOWN)
        assert (done.code, done.out) == (1, f"not found {UNKNOWN}\n")


@pytest.mark.parametrize(
    "arguments", [["absent"], ["recall"], ["recall", "a", "--limit", "x"], ["status", "--nope"]]
)
def test_a_usage_error_exits_2_and_points_to_help(bare: Command, arguments: list[str]) -> None:
    done = bare(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert "--help" in done.err
    assert "Error: " in done.err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REFRESH_TICK_SEC", "abc"),
        ("COMMIT_BUDGET", "-1"),
        ("COPY_MB", "-1"),
        ("THREADS", "many"),
        ("LOG_LEVEL", "loud"),
        ("DISABLE", "perhaps"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    bare: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"IAI_MCP_{name}", value)
    _fails(bare("status"), 2, f"iai-mcp: IAI_MCP_{name} has a value that cannot be used (")


def test_a_store_that_is_a_file_is_one_line(
    bare: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path / "file"))
    _fails(bare("status"), 1, f"iai-mcp: {tmp_path / 'file'} cannot be used as a store folder (")


def test_memory_text_is_inert_on_a_terminal(bare: Command) -> None:
    id_ = _stored(bare, ESCAPES)
    for arguments in (["timeline"], ["recall", "red"], ["session-start", "--refresh"]):
        shown = bare(*arguments).out
        assert "red alert" in shown
        assert not [char for char in shown if char in "\x1b\x07\x9b\u202e\u2069\u200b\r"]
    as_json = bare("timeline", "--json")
    assert as_json.json()["records"][0]["text"] == ESCAPES
    assert not [char for char in as_json.out if char in "\x1b\x07\x9b\u202e\u2069\u200b\r"]
    assert bare("forget", id_, "\x1b[2Jnope").out.endswith(
        f"not found nope\nundo with `iai-mcp restore {id_}`\n"
    )


def test_claude_transcripts_are_imported_once(bare: Command) -> None:
    folder = str(TRANSCRIPTS / "claude")
    planned = bare("import", "claude", folder, "--dry-run", "--json").json()
    assert planned["dry_run"] is True
    assert planned["stored"] > 0
    assert bare("status", "--json").json()["records"] == 0

    first = bare("import", "claude", folder, "--json").json()
    assert first["stored"] == planned["stored"]
    assert first["faults"] == []
    records = bare("status", "--json").json()["records"]
    again = bare("import", "claude", folder, "--json").json()
    assert (again["stored"], again["duplicate"]) == (0, first["stored"] + first["duplicate"])
    assert bare("status", "--json").json()["records"] == records
    assert "0 stored" in bare("import", "claude", folder).out


def test_codex_rollouts_are_imported_once(bare: Command) -> None:
    folder = str(TRANSCRIPTS / "codex")
    first = bare("import", "codex", folder, "--json").json()
    assert first["stored"] > 0
    assert bare("import", "codex", folder, "--json").json()["stored"] == 0


def test_model_status_names_the_model_and_what_to_do_without_one(
    cli: Command, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = cli("model", "status", "--json").json()
    assert (facts["folder"], facts["dimension"]) == (str(model_folder), 384)
    assert facts["identity"] in cli("model", "status").out
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    done = cli("model", "status")
    assert (done.code, done.out) == (
        1,
        "no model: run `iai-mcp model install`; recall finds by words until then\n",
    )
    assert json.loads(cli("model", "status", "--json").out)["fix"] == "iai-mcp model install"


def test_model_status_finds_one_changed_byte(
    cli: Command, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for file in model_folder.iterdir():
        (model / file.name).write_bytes(file.read_bytes())
    graph = bytearray((model / "model.onnx").read_bytes())
    graph[-1] ^= 1
    (model / "model.onnx").write_bytes(graph)
    monkeypatch.setenv("IAI_MCP_MODEL", str(model))
    line = f"iai-mcp: the embedding model in {model} cannot be used (model.onnx has sha256 "
    _fails(cli("model", "status"), 1, line)


def test_reembed_without_a_model_names_the_command(bare: Command) -> None:
    line = "iai-mcp: no embedding model is installed: run `iai-mcp model install`\n"
    assert bare("model", "reembed").err == line


def test_reembed_gives_every_memory_a_vector(
    bare: Command, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stored(bare, "Not embedded yet.")
    assert bare("status", "--json").json()["pending"] == 1
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    assert bare("model", "reembed").out == "1 memories embedded\n"
    assert bare("status", "--json").json()["pending"] == 0


def test_a_reader_that_goes_away_early_leaves_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    line = json.dumps({"text": "word " * 200})
    path.write_text("".join(f'{line[:-2]} {number}"}}\n' for number in range(500)))
    environment = child_environment(tmp_path / "store", None)
    timeline = shlex.join([*CLI, "timeline", "--limit", "500"])
    script = f"{shlex.join([*CLI, 'ingest', '--jsonl', str(path)])} && {timeline} | head -n 1 "
    done = subprocess.run(
        ["/bin/sh", "-c", f"{script} && {timeline} --json | head -n 1"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=2 * WAIT_SEC,
        check=False,
    )
    assert done.stderr == ""
    first, second, third = done.stdout.splitlines()
    assert (first, third) == ("500 stored, 0 duplicates", "{")
    assert "note" in second


def test_characters_that_a_terminal_lacks_are_escaped(tmp_path: Path) -> None:
    environment = child_environment(tmp_path / "store", None, PYTHONIOENCODING="latin-1")
    for arguments in (["ingest", "A fox 🦊 and a café."], ["timeline"]):
        done = subprocess.run(
            [*CLI, *arguments],
            env=environment,
            capture_output=True,
            timeout=WAIT_SEC,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        shown = done.stdout.decode("latin-1")
    assert "A fox \\U0001f98a and a café." in shown


@pytest.mark.slow
def test_lancedb_does_not_warn_of_an_index_that_grew_unless_the_user_asked_for_it(
    tmp_path: Path,
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "LANCEDB_LOG"}
    for chosen, is_told in ({}, False), ({"LANCEDB_LOG": "warn"}, True):
        folder = tmp_path / f"told-{is_told}"
        done = subprocess.run(
            [sys.executable, "-c", GROWING, "--version", str(folder)],
            env={**environment, **chosen},
            capture_output=True,
            text=True,
            timeout=2 * WAIT_SEC,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert ("skip loading it" in done.stderr) == is_told, done.stderr


def test_the_version_is_one_line(bare: Command) -> None:
    assert bare("--version").out.startswith("iai-mcp ")


def test_every_command_has_a_runnable_example() -> None:
    commands = dict(_commands(typer.main.get_group(app), "iai-mcp"))
    assert len(commands) >= 15
    for name, command in commands.items():
        assert command.help, name
        assert (command.epilog or "").startswith(f"Example: {name}"), name


def _commands(group: TyperGroup, path: str) -> list[tuple[str, TyperCommand]]:
    found: list[tuple[str, TyperCommand]] = []
    for name, command in group.commands.items():
        here = f"{path} {name}"
        if isinstance(command, TyperGroup):
            found += _commands(command, here)
        else:
            assert isinstance(command, TyperCommand)
            found.append((here, command))
    return found


def _stored(command: Command, text: str, *more: str) -> str:
    return str(command("ingest", text, *more, "--json").json()["results"][0]["id"])


def _fails(done: Done, code: int, line: str) -> None:
    assert done.code == code
    assert done.out == ""
    assert done.err.startswith(line), done.err
    assert done.err.count("\n") == 1


def test_people_read_times_in_their_zone_and_programs_in_utc(
    bare: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_TZ", "Asia/Tokyo")
    stored = bare("ingest", "the late turn", "--created-at", "2026-05-08T20:00:00Z").out
    assert "2026-05-09 05:00" in bare("timeline").out
    assert "2026-05-09" in bare("recall", "late turn").out
    assert "2026-05-08T20:00:00Z" in bare("timeline", "--json").out
    bare("forget", stored.split()[1])
    told, meant = bare("events", "--limit", "1"), bare("events", "--limit", "1", "--json").json()
    at = datetime.fromisoformat(meant[0]["at"]).astimezone(ZoneInfo("Asia/Tokyo"))
    assert told.out.startswith(f"{at:%Y-%m-%d %H:%M:%S}")


@pytest.mark.parametrize("words", [[], ["recall"], ["project", "move"]])
def test_h_is_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words, "--help"]) == 0
    told = capsys.readouterr().out
    assert run([*words, "-h"]) == 0
    assert capsys.readouterr().out == told


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_and_hosts(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_IAI_MCP_COMPLETE", f"complete_{shell}")
    for typed, wanted in (("rec", "recall"), ("connect win", "windsurf")):
        monkeypatch.setenv("COMP_WORDS", f"iai-mcp {typed}")
        monkeypatch.setenv("COMP_CWORD", str(len(typed.split())))
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", f"iai-mcp {typed}")
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        run([])
        assert wanted in capsys.readouterr().out

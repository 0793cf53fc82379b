"""What a process notes of its work has passed the one door: it holds no secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from iai_memory import Memory
from iai_server.serving.logs import configure

SECRET = "AKIA" + "Q7ZX2LMNB4RTY6WP"
ID = "01a22d08-f32b-7134-ab64-e0420222296d"


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers, root.level = handlers, level


def test_every_text_of_an_event_is_redacted_and_ids_stay(memory: Memory) -> None:
    memory.ledger.write(
        "noted",
        error=f"no memory has the id {SECRET}",
        ids=[ID],
        within={"cwd": f"/home/sam/{SECRET}", "names": [SECRET, 7]},
    )

    assert SECRET not in memory.ledger.current.read_text()
    [event] = memory.ledger.newest(1)
    mark = "[redacted:aws_access_key]"
    assert event["error"] == f"no memory has the id {mark}"
    assert event["ids"] == [ID]
    assert event["within"] == {"cwd": f"/home/sam/{mark}", "names": [mark, 7]}


def test_a_logged_line_has_no_secret_not_even_in_its_traceback(
    tmp_path: Path, logging_as_before: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(tmp_path / "logs", "INFO")
    try:
        int(f"the setting is {SECRET}")
    except ValueError:
        logging.getLogger("iai_memory").exception("it failed with %s", SECRET)

    [log] = (tmp_path / "logs").iterdir()
    for told in (log.read_text(), capsys.readouterr().err):
        assert SECRET not in told
        assert "it failed with [redacted:aws_access_key]" in told
        assert "ValueError: invalid literal" in told


def test_fields_of_every_kind_carry_no_secret_into_the_store(memory: Memory) -> None:
    fields = ("host", "cwd", "turn_id", "session_id", "project")
    said = {"text": "a plain text", "tags": [SECRET], **dict.fromkeys(fields, f"x {SECRET}")}
    [stored] = memory.ingest(said).results
    memory.supersede(str(stored.id), f"now {SECRET}", reason=f"since {SECRET} leaked")
    memory.forget([str(stored.id)], reason=SECRET)
    memory.recall(f"what about {SECRET}")
    lines = [json.loads(line) for line in memory.export_lines()]
    for line in lines:
        line["text"] = f"of an older version {SECRET}"
        line["id"] = line["id"][:-4] + "0000"
        line["tags"] = [SECRET]
        line["idem"] = "0" * 64
    list(memory.import_lines(map(json.dumps, lines)))
    memory.session_start(refresh=True)

    root = memory.paths.root
    assert [path for path in root.rglob("*") if SECRET in path.name] == []
    assert [
        path for path in root.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()
    ] == []
    assert SECRET not in "".join(memory.export_lines())

"""The reader of small state files: a file that is not surely ours and whole is as good as none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from iai_memory.base.json_file import MAX_DEPTH, read_object, whole_numbers
from iai_memory.base.paths import StorePaths
from iai_memory.base.presence import Presence, alive_servers
from iai_memory.base.state_file import read_state, write_state
from iai_memory.capture.session_state import Sessions
from iai_memory.store.compaction import compacted_version

LIMIT = 4_096


def nested(depth: int) -> str:
    """An object with so many containers inside each other."""
    return '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)


def planted(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "fields", [{}, {"a": [1, 2.5, None, True, "é\u2028"]}, {"a": {"a": {"a": "[[[["}}}]
)
def test_an_object_is_read_as_it_was_written(tmp_path: Path, fields: dict[str, Any]) -> None:
    for ascii_only in (True, False):
        content = json.dumps(fields, ensure_ascii=ascii_only).encode()
        assert read_object(planted(tmp_path / "state.json", content), LIMIT) == fields


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"a": 1} {"b": 2}',
        b"[1, 2]",
        b'"text"',
        b"null",
        b'{"a": NaN}',
        b'{"a": [Infinity]}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": -1e999}',
        b'{"a": 1, "a": 2}',
        b'{"deep": [{"a": 1, "a": 1}]}',
        b'{"a": ' + b"1" * 4_000 + b"0" * 500 + b"}",
        b'{"a": "\xff"}',
        '{"a": 1}'.encode("utf-16"),
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": "' + b"x" * LIMIT + b'"}',
        b'{"a": "line\nbreak"}',
        nested(MAX_DEPTH + 1).encode(),
        b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}",
    ],
    ids=lambda content: repr(content[:24]),
)
def test_what_is_no_plain_object_counts_as_missing(tmp_path: Path, content: bytes) -> None:
    assert read_object(planted(tmp_path / "state.json", content), LIMIT) is None


def test_nesting_past_the_interpreters_stack_counts_as_missing(tmp_path: Path) -> None:
    for depth in (2_000, 200_000):
        path = planted(tmp_path / "state.json", nested(depth).encode())
        assert read_object(path, 1 << 24) is None


def test_length_and_depth_are_allowed_up_to_their_limits(tmp_path: Path) -> None:
    path = planted(tmp_path / "state.json", nested(MAX_DEPTH).encode())
    assert read_object(path, path.stat().st_size) is not None
    assert read_object(path, path.stat().st_size - 1) is None


def test_a_link_a_folder_a_fifo_and_a_device_are_not_read(tmp_path: Path) -> None:
    planted(tmp_path / "elsewhere.json", b'{"a": 1}')
    (tmp_path / "link.json").symlink_to(tmp_path / "elsewhere.json")
    (tmp_path / "dangling.json").symlink_to(tmp_path / "nowhere.json")
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "fifo.json")
    names = ("link.json", "dangling.json", "folder.json", "fifo.json", "missing.json")
    assert [read_object(tmp_path / name, LIMIT) for name in names] == [None] * len(names)
    assert read_object(Path("/dev/null"), LIMIT) is None


def test_a_file_behind_a_linked_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    planted(tmp_path / "real" / "state.json", b'{"a": 1}')
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    assert read_object(tmp_path / "linked" / "state.json", LIMIT) == {"a": 1}
    assert read_object(str(tmp_path / "linked" / "state.json"), LIMIT) == {"a": 1}


def test_a_file_of_another_user_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = planted(tmp_path / "state.json", b'{"a": 1}')
    stranger = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    assert read_object(path, LIMIT) is None


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_read_only_where_that_is_no_matter(
    tmp_path: Path, mode: int
) -> None:
    path = planted(tmp_path / "state.json", b'{"a": 1}')
    path.chmod(mode)
    assert read_object(path, LIMIT) == {"a": 1}
    assert read_object(path, LIMIT, unwritable_by_others=True) is None
    path.chmod(0o644)
    assert read_object(path, LIMIT, unwritable_by_others=True) == {"a": 1}


def test_whole_numbers_are_neither_booleans_nor_floats_nor_texts() -> None:
    fields = {"one": 1, "true": True, "float": 2.0, "text": "3"}
    assert whole_numbers(fields, ("one", "one")) == [1, 1]
    for name in ("true", "float", "text", "missing"):
        assert whole_numbers(fields, ("one", name)) is None


def test_a_state_file_is_read_back_in_its_format_only(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "state.json"
    write_state(path, 2, {"a": "é"})
    assert read_state(path, 2) == {"format": 2, "a": "é"}
    assert read_state(path, 1) is None
    assert path.stat().st_mode & 0o777 == 0o600
    planted(path, b"[2]")
    assert read_state(path, 2) is None


@pytest.mark.parametrize(
    "content", [b"[]", b"{", b'{"a": 1}', nested(200_000).encode(), b'{"rows": NaN}', b"\xff"]
)
def test_damaged_state_files_of_a_store_count_as_missing(tmp_path: Path, content: bytes) -> None:
    paths = StorePaths(tmp_path)
    server = Presence(paths, tmp_path)
    try:
        [card] = (tmp_path / "servers").glob("*.json")
        assert [one.pid for one in alive_servers(paths)] == [os.getpid()]
        paths.spool.mkdir()
        for path in (card, paths.maintenance, paths.spool / "sessions.json"):
            planted(path, content)
        assert alive_servers(paths) == []
        assert compacted_version(paths) == 0
        assert Sessions(paths).load() == {}
    finally:
        server.withdraw()


def test_the_reader_loads_no_more_than_a_handshake_has_loaded_anyway() -> None:
    program = (
        "import json, os, stat, sys; before = set(sys.modules); import iai_memory.base.json_file; "
        "print(*sorted(set(sys.modules) - before))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in ran.stdout.split()}
    assert loaded == {"iai_memory", "__future__"}

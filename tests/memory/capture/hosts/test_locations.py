"""Which host wrote a transcript, and the folders in which the hosts keep theirs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

import pytest
from tests.support.transcript_lines import CODEX_META, claude, raw

from iai_memory.capture.hosts.markers import HOST_TAGS
from iai_memory.capture.hosts.registry import HOSTS
from iai_memory.capture.transcript import detect_host, read_transcript
from iai_memory.capture.transcript_files import find_transcripts
from iai_memory.capture.turn import Host
from iai_memory.errors import EmptyTranscript, TranscriptFault


def test_the_host_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "rollout-1.jsonl"
    path.write_bytes(b"not json\n" + raw({"type": "mode"}, claude("x")))
    assert detect_host(path) == "claude-code"
    path.write_bytes(raw(CODEX_META))
    assert detect_host(path) == "codex"


@pytest.mark.parametrize("content", [b"{}\n", b"[]\n", b"\xff\n", b'{"type": "x"}\n'])
def test_a_file_of_neither_host_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_bytes(content)
    with pytest.raises(TranscriptFault) as caught:
        detect_host(path)
    assert str(caught.value) == (
        f"{path} is neither a Claude Code transcript nor a Codex rollout: "
        "see `iai-mcp import --help` for the folders where those are kept"
    )


@pytest.mark.parametrize("content", [b"", b"\n", b" \n\n"])
def test_a_file_in_which_nothing_is_written_yet_is_said_to_be_empty(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_bytes(content)
    with pytest.raises(EmptyTranscript, match=r"notes\.jsonl is empty: run the command again"):
        detect_host(path)


def test_a_missing_file_is_a_transcript_fault_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "gone.jsonl"
    with pytest.raises(TranscriptFault, match=r"gone\.jsonl does not exist: "):
        next(read_transcript(path, "claude-code"))


def test_transcripts_are_found_in_the_hosts_folders_oldest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "c"))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "x"))
    files = {
        "c/projects/-a/new.jsonl": 300,
        "c/projects/-b/old.jsonl": 100,
        "c/projects/-b/notes.txt": 50,
        "x/sessions/2026/11/07/rollout-2.jsonl": 200,
        "x/sessions/2026/11/06/rollout-1.jsonl": 100,
        "x/sessions/2026/11/06/other.jsonl": 50,
        "x/sessions/2026/11/05/rollout-3.jsonl.zst": 300,
        "x/archived_sessions/rollout-0.jsonl": 50,
    }
    for name, mtime in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}\n")
        os.utime(path, (mtime, mtime))
    assert [path.name for path in find_transcripts("claude-code")] == ["old.jsonl", "new.jsonl"]
    assert [path.name for path in find_transcripts("codex")] == [
        "rollout-0.jsonl",
        "rollout-1.jsonl",
        "rollout-2.jsonl",
        "rollout-3.jsonl.zst",
    ]
    other = tmp_path / "x/sessions/2026/11/06/other.jsonl"
    (other.parent / "rollout-1.jsonl").unlink()
    assert find_transcripts("codex", other.parent) == [other]
    assert not find_transcripts("codex", tmp_path / "nowhere")


def test_the_default_folders_are_below_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    monkeypatch.setenv("CODEX_HOME", "")
    assert HOSTS["claude-code"].folders() == (tmp_path / ".claude" / "projects",)
    codex = tmp_path / ".codex"
    assert HOSTS["codex"].folders() == (codex / "archived_sessions", codex / "sessions")


def test_each_host_has_a_row_and_its_own_words() -> None:
    assert set(HOSTS) == set(HOST_TAGS) == set(get_args(Host))
    assert all(name == host.name for name, host in HOSTS.items())

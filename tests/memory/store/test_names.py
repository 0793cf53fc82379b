"""Names beside a text carry nothing into the store that the text itself may not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.transcript_lines import TRANSCRIPTS

from iai_memory.capture.transcript import detect_host, read_transcript
from iai_memory.capture.turn import Turn
from iai_memory.store.names import stored_id, stored_place, stored_tags
from iai_memory.text.fence import FENCE_BEGIN, FENCE_END

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" * 2
PRIVATE = "<private>my salary 99999</private>"
ODD = {
    "a token": f"s-{TOKEN}",
    "a password in an address": "https://me:hunter2hunter2@example.org/x",
    "a private block": f"a {PRIVATE} b",
    "a private block left open": "a <PRIVATE >my salary 99999",
    "our fence": f"x{FENCE_BEGIN}x",
    "the end of our fence": f"{FENCE_END}",
    "a line break": "one\ntwo",
    "a carriage return": "one\rtwo",
    "NUL": "one\0two",
    "an escape sequence": "\x1b[31mred",
    "a C1 control": "one\x9b31mtwo",
    "a line separator": "one\u2028two",
    "half a character": "one\ud83dtwo",
    "a tab": "one\ttwo",
}
LEAKS = (TOKEN, "hunter2", "salary", "99999", FENCE_BEGIN, FENCE_END)
PLAIN = [
    "5b6c0f1e-93d4-4a57-8e0b-2f7a61d9c3e4",
    "5B6C0F1E-93D4-4A57-8E0B-2F7A61D9C3E4",
    "5b6c0f1e93d44a578e0b2f7a61d9c3e4",
    "0" * 40,
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "rollout-2026-05-08T10-11-12-019a4a2e-7d5c-7b32-8f5e-3b1f6c2d9a10",
    "msg_01XFDUDYJgAACzvnptvVoYEL",
    "toolu_015r6kHqb1m2ZfM5hJxYzWvT",
    "line-5feceb66ffc86f38d952786c6d696c79",
    "queued-1764500000-2",
    "said-17",
    "agent-a1b2c3d4",
    "s",
    "a session with blanks",
]
PLACES = [
    "/",
    "/home/user/home/sam/api-tokens/secret-santa",
    "/home/user/.config/passwords",
    "/Users/jörg/Документы/プロジェクト 1",
    "/home/user/a&b;c'd\"e$f`g",
    "C:\\Users\\me\\work",
    "github.com/acme/weather-station",
    "/tmp/pytest-of-user/pytest-12/test_key_value_0/da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "/nix/store/0c5r2a8s7pq4yw9kz6v1nn3x8dmlhgfj-python3-3.13.1-env",
    "/home/user/.worktrees/5b6c0f1e-93d4-4a57-8e0b-2f7a61d9c3e4",
    f"/{'deep/' * 190}",
    "/home/user/\u200fعربي\u200e",
    "/home/user/\U0001f469\u200d\U0001f4bb",
]


@pytest.mark.parametrize("name", PLAIN)
def test_an_id_that_hosts_give_is_stored_as_it_is(name: str) -> None:
    assert stored_id(name) == name


@pytest.mark.parametrize("name", PLACES)
def test_a_folder_and_a_project_are_stored_as_they_are(name: str) -> None:
    assert stored_place(name) == name


@pytest.mark.parametrize("name", ODD.values(), ids=ODD.keys())
def test_an_odd_id_becomes_a_digest_that_is_its_own(name: str) -> None:
    kept = stored_id(name)
    assert kept is not None
    assert kept.startswith("id-")
    assert kept == stored_id(name) == stored_id(kept)
    assert kept != stored_id(f"{name} ")


def test_two_overlong_ids_that_begin_alike_stay_two() -> None:
    kept = {stored_id("x" * 100_000), stored_id("x" * 100_001)}
    assert len(kept) == 2
    assert all(one is not None and len(one) < 50 for one in kept)


@pytest.mark.parametrize("name", ["", " ", "\n", "\u3000"])
def test_a_blank_name_is_none(name: str) -> None:
    assert stored_id(name) is None
    assert stored_place(name) is None
    assert stored_tags([name]) == ()


@pytest.mark.parametrize("name", ODD.values(), ids=ODD.keys())
def test_an_odd_folder_keeps_its_other_characters_and_nothing_that_acts(name: str) -> None:
    kept = stored_place(f"/home/sam/{name}/api")
    assert kept is not None
    assert kept.startswith("/home/sam/")
    assert kept.isprintable()
    assert not [leak for leak in LEAKS if leak in kept]
    assert stored_place(kept) == kept


def test_a_folder_of_a_thousand_characters_is_kept_and_a_longer_one_is_none() -> None:
    assert stored_place("/" + "x" * 999) is not None
    assert stored_place("/" + "x" * 1_000) is None
    assert stored_place("/" + "\n" * 999) is None


@pytest.mark.parametrize("name", ODD.values(), ids=ODD.keys())
def test_an_odd_tag_is_one_printable_line_without_secrets(name: str) -> None:
    [kept] = stored_tags([name])
    assert kept.isprintable()
    assert not [leak for leak in LEAKS if leak in kept]
    assert stored_tags([kept]) == (kept,)


def test_tags_stay_in_order_each_once_and_a_hundred_at_most() -> None:
    assert stored_tags(["b", "a", "b", "x" * 201, "a\n"]) == ("b", "a")
    assert len(stored_tags(str(number) for number in range(1_000))) == 100


@pytest.mark.parametrize("path", sorted(TRANSCRIPTS.rglob("*.jsonl")), ids=lambda path: path.name)
def test_no_id_and_no_folder_of_a_real_transcript_changes(path: Path) -> None:
    turns = [
        parsed.outcome
        for parsed in read_transcript(path, detect_host(path))
        if isinstance(parsed.outcome, Turn)
    ]
    assert turns
    for turn in turns:
        assert stored_id(turn.session_id) == turn.session_id
        assert stored_id(turn.turn_id) == turn.turn_id
        assert stored_place(turn.cwd) == turn.cwd

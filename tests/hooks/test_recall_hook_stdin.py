"""The session-start hook finds the folder of the session in whatever a host writes to its stdin."""

from __future__ import annotations

import json
import subprocess

import pytest
from tests.support.hooks import PAGE, RecallRun, put
from tests.support.shells import yash_loses_bytes_of_some, yash_waits


@pytest.mark.parametrize(
    "stdin",
    [
        b"",
        b"\n\n",
        b"not json",
        b"[1, 2",
        b'{"cwd": 5}',
        b'{"cwd": null, "x": "/"}',
        b'{"cwd": ""}',
        b'{"cwd": "/truncated',
        b'{"cwd": "/truncated"',
        b'{"cwd": "/bad\\q"}',
        b'{"cwd": "/lone\\ud800"}',
        b'{"cwd": "/nul\\u0000"}',
        b'{"cwd": "/gone/away"}',
        b'{"cwd": "a\\"b\\nc\\\\"}',
        b'{"a": "\0\0", "cwd": "/\0"}',
        b'\xff\xfe{"cwd": "\xff"}',
        b"{" * 100_000,
        b'"' * 100_000,
        b'{"x": "' + b"x" * 1_000_000 + b'"}',
        b'{"x": "' + b'\\"' * 300_000 + b'"}',
        b"x\n" * 300_000,
    ],
    ids=lambda raw: repr(raw[:24]),
)
def test_whatever_stands_on_stdin_a_payload_is_served(recall: RecallRun, stdin: bytes) -> None:
    put(recall.cache_of_all)
    put(recall.cache)

    assert recall.run(stdin) == PAGE


def test_a_closed_stdin_and_a_closed_stdout_are_no_failure(recall: RecallRun) -> None:
    put(recall.cache_of_all)
    for redirection in ("<&-", "</dev/null >&-", "</dev/null >/dev/full"):
        done = subprocess.run(
            ["sh", "-c", f'"$@" {redirection}', "sh", *recall.shell, str(recall.script)],
            env=recall.environment(),
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, b"")


@yash_waits
def test_a_host_that_keeps_stdin_open_does_not_keep_the_session_waiting(recall: RecallRun) -> None:
    # Both at once: each takes the two seconds that the hook gives its host.
    put(recall.cache_of_all)
    put(recall.cache)
    with recall.start() as silent, recall.start() as unfinished:
        assert unfinished.stdin
        unfinished.stdin.write(b'{"cwd": "/"')
        unfinished.stdin.flush()
        for hook in (silent, unfinished):
            assert hook.stdin
            assert hook.stdout
            assert hook.stdout.read().decode() == PAGE  # the read ends although stdin does not
            hook.stdin.close()
            assert hook.wait(30) == 0


NAMES = [
    'say "hi"',
    "back\\slash",
    "tab\tand\nnewline\n",
    "漢字 é \N{GRINNING FACE}",
    "$(touch oops)`x`;&|*?[a]",
    "-n",
    "del\x7fete",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ascii_only", [True, False])
@yash_loses_bytes_of_some
def test_the_folder_is_found_however_its_name_is_escaped(
    recall: RecallRun, name: str, ascii_only: bool
) -> None:
    folder = recall.project / name
    folder.mkdir()
    put(recall.cache_of_all, "global")
    put(recall.project_cache(folder), "this folder")
    host = {"session_id": 'a"b', "cwd": str(folder), "source": "startup"}

    assert recall.run(json.dumps(host, ensure_ascii=ascii_only).encode()) == "this folder"
    pretty = json.dumps(host, ensure_ascii=ascii_only, indent=2).encode()
    assert recall.run(pretty.replace(b"/", b"\\/")) == "this folder"
    assert not (recall.folder / "oops").exists()


def test_only_the_cwd_of_the_object_itself_counts(recall: RecallRun) -> None:
    put(recall.cache_of_all, "global")
    put(recall.project_cache(), "this project")
    host = {
        "inner": {"cwd": "/wrong", "list": [{"cwd": "/wrong"}]},
        "quoted": '"cwd":"/wrong"',
        'x"cwd': "/wrong",
        "value": "cwd",
        "cwd": str(recall.project),
        "later": {"cwd": "/wrong"},
    }

    assert recall.run(json.dumps(host).encode()) == "this project"
    assert recall.run(json.dumps(host, separators=(",", ":")).encode()) == "this project"

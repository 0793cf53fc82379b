"""The SessionStart hook, run by every shell here: what it prints, what it logs, what it starts.

The live command is stood in for by small scripts where the point is that it fails, hangs or is
slow; the real one is run against the real hook in the end-to-end tests.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iai_memory.projects.identity import project_of
from iai_server.hosts.hook_files import HOOK_FILES

HOOKS = Path(__file__).parents[1] / "hooks"
HOOK = HOOKS / "iai-mcp-session-recall.sh"
PAYLOAD = '# Memory\n- 100% of `$HOME` \\n is "quoted"; 漢字, é, \N{GRINNING FACE}\nno end'
LIVE = "# Live\n- rendered now\n\n"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@dataclass
class Stage:
    """A store, a project folder and a shell to run the hook with."""

    shell: list[str]
    folder: Path
    env: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def cache(self) -> Path:
        return self.store / ".session-start-payload.cached.md"

    def project_cache(self, folder: Path | str | None = None) -> Path:
        return self.store / "session-start" / f"{project_of(folder or self.project).key}.cached.md"

    def command(self, name: str, script: str) -> Path:
        """A stand-in for an outside program."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def live(self, script: str) -> Path:
        """A stand-in for the live command, found by the hook."""
        path = self.command("iai-mcp", script)
        self.env["IAI_MCP_CLI"] = str(path)
        return path

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder),
            "IAI_MCP_STORE": str(self.store),
            **self.env,
        }

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self.shell, str(HOOK)],
            env=self.environment(),
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, stdin: bytes | None = None) -> str:
        """What the hook prints; it must succeed and keep its stderr empty."""
        if stdin is None:
            stdin = json.dumps({"session_id": "s", "cwd": str(self.project)}).encode()
        done = subprocess.run(
            [*self.shell, str(HOOK)],
            env=self.environment(),
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout.decode("utf-8")

    def log(self) -> list[str]:
        """The lines of the log without their time."""
        lines: list[str] = []
        for path in sorted((self.store / "logs").glob("recall-*.log")):
            for line in path.read_text().splitlines():
                time_of_line, _, rest = line.partition(" ")
                assert time_of_line.startswith(path.name[7:17])
                assert time_of_line.endswith("Z")
                lines.append(rest)
        return lines


def put(path: Path, text: str = PAYLOAD, age: float = 39) -> Path:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    at = datetime.now(UTC).timestamp() - age
    os.utime(path, (at, at))
    return path


def logged(pattern: str, lines: list[str]) -> bool:
    return any(re.fullmatch(pattern, line) for line in lines)


@pytest.fixture(
    params=[
        pytest.param(["dash"], id="dash"),
        pytest.param(["bash", "--posix"], id="bash"),
        pytest.param(
            ["busybox", "sh"],
            id="busybox",
            marks=pytest.mark.skipif(
                not shutil.which("busybox"), reason="busybox is not installed"
            ),
        ),
    ]
)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    made = Stage(request.param, tmp_path.resolve())
    made.project.mkdir()
    made.store.mkdir(mode=0o700)
    return made


def test_a_fresh_payload_is_printed_byte_for_byte(stage: Stage) -> None:
    put(stage.cache)

    assert stage.run() == PAYLOAD
    (line,) = stage.log()
    match = re.fullmatch(r"cache-hit age=(\d+)s bytes=(\d+)", line)
    assert match
    assert int(match[1]) >= 39
    assert int(match[2]) == len(PAYLOAD.encode())


def test_the_payload_of_the_project_wins_and_other_folders_get_the_global_one(
    stage: Stage,
) -> None:
    put(stage.cache, "everything\n")
    put(stage.project_cache(), "this project\n")

    assert stage.run() == "this project\n"
    assert stage.run(json.dumps({"cwd": str(stage.folder)}).encode()) == "everything\n"


@pytest.mark.parametrize(
    ("limit", "age", "fresh"),
    [
        (None, 43_100, True),
        (None, 43_300, False),
        ("", 43_100, True),
        ("-1", 43_100, True),
        ("-1", 43_300, False),
        ("soon", 43_300, False),
        ("1.2.3", 43_100, True),
        ("0", 400_000_000, True),
        ("0.0", 400_000_000, True),
        ("1", 39, False),
        ("0.5", 39, False),
        ("0100", 90, True),
        ("0100", 200, False),
        ("99999999999999999999", 400_000_000, True),
    ],
)
def test_the_greatest_age_is_obeyed_and_garbage_means_twelve_hours(
    stage: Stage, limit: str | None, age: int, fresh: bool
) -> None:
    put(stage.cache, age=age)
    stage.live(f"printf '{LIVE}'")
    if limit is not None:
        stage.env["IAI_MCP_SESSION_CACHE_MAX_AGE_SEC"] = limit

    assert stage.run() == (PAYLOAD if fresh else LIVE)


def test_a_payload_from_the_future_counts_as_new(stage: Stage) -> None:
    put(stage.cache, age=-100_000)

    assert stage.run() == PAYLOAD
    assert stage.log() == [f"cache-hit age=0s bytes={len(PAYLOAD.encode())}"]


def test_an_old_payload_asks_the_live_command_with_the_folder_of_the_session(
    stage: Stage,
) -> None:
    put(stage.cache)
    stage.live(f"cat >seen; printf '%s|' \"$@\" \"$LC_ALL\" >>seen; printf '{LIVE}'")
    stage.env |= {"IAI_MCP_SESSION_CACHE_MAX_AGE_SEC": "1", "LC_ALL": "C.UTF-8"}

    assert stage.run() == LIVE
    seen = (stage.folder / "seen").read_text()
    assert seen == f"session-start|--cwd|{stage.project}|C.UTF-8|"
    first, second = stage.log()
    assert re.fullmatch(r"cache-stale age=\d+s max=1s -> live-cli", first)
    assert second == f"rc=0 bytes={len(LIVE)}"
    assert not list(stage.folder.glob("iai-mcp-recall.*"))


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("echo partial; exit 3", "3"),
        ("exit 0", "0"),
        ("exec sleep 60", "124"),
        ("sleep 60", "124"),
        ("trap '' TERM; sleep 60", "124"),
        ("kill -9 $$", "124"),
    ],
)
def test_an_old_payload_is_better_than_a_live_command_that_fails(
    stage: Stage, script: str, code: str
) -> None:
    put(stage.cache, age=100_000)
    stage.live(script)
    stage.env["IAI_MCP_RECALL_HOOK_TIMEOUT"] = "0.3"
    day = datetime.fromtimestamp(stage.cache.stat().st_mtime, UTC).date()

    first, _, rest = stage.run().partition("\n")

    assert first == (
        f"iai-mcp: this memory was last refreshed on {day} (27h ago) and the refresh failed; "
        'run "iai-mcp doctor".'
    )
    assert rest == PAYLOAD
    _, failure, served = stage.log()
    assert re.fullmatch(rf"rc={code} bytes=\d+", failure)
    assert re.fullmatch(r"stale-served age=1000\d\ds", served)


def test_without_a_timeout_program_the_hook_keeps_the_time_itself(stage: Stage) -> None:
    put(stage.cache)
    for name in ("cat", "stat", "date", "sleep", "mkdir", "mktemp", "rm"):
        (stage.folder / "bin").mkdir(exist_ok=True)
        (stage.folder / "bin" / name).symlink_to(str(shutil.which(name)))
    stage.live(f"echo $$ >pid; exec {shutil.which('sleep')} 60")
    stage.env |= {
        "PATH": str(stage.folder / "bin"),
        "IAI_MCP_SESSION_CACHE_MAX_AGE_SEC": "1",
        "IAI_MCP_RECALL_HOOK_TIMEOUT": "0.3",
    }
    stage.shell = [str(shutil.which(stage.shell[0])), *stage.shell[1:]]

    assert stage.run().endswith(PAYLOAD)
    assert "rc=124 bytes=0" in stage.log()
    with pytest.raises(ProcessLookupError):
        os.kill(int((stage.folder / "pid").read_text()), 0)


def test_a_host_that_gives_up_takes_the_live_command_with_it(stage: Stage) -> None:
    pipe = stage.folder / "alive"
    os.mkfifo(pipe)
    stage.live("exec 9>alive; echo started >&9; exec sleep 60")
    with stage.start() as hook:
        assert hook.stdin
        hook.stdin.close()
        with pipe.open() as alive:
            assert alive.readline() == "started\n"
            hook.send_signal(signal.SIGTERM)
            assert alive.read() == ""  # its end of the pipe is closed: it is gone
        assert hook.wait(30) == 0
    assert not list(stage.folder.glob("iai-mcp-recall.*"))


def test_without_a_payload_the_live_command_is_asked(stage: Stage) -> None:
    stage.live(f"printf '{LIVE}'")

    assert stage.run() == LIVE
    assert stage.log() == ["cache-miss absent", f"rc=0 bytes={len(LIVE)}"]


def test_an_empty_payload_counts_as_none(stage: Stage) -> None:
    put(stage.cache, "")
    stage.live(f"printf '{LIVE}'")

    assert stage.run() == LIVE
    assert stage.log()[0] == "cache-miss empty"


def test_a_payload_that_cannot_be_read_is_named_so(stage: Stage) -> None:
    stage.cache.mkdir()
    stage.live(f"printf '{LIVE}'")

    assert stage.run() == LIVE
    assert stage.log()[0] == "cache-error stat-failed"


@pytest.mark.parametrize("payload", [None, PAYLOAD])
def test_without_the_command_only_an_old_payload_is_left(stage: Stage, payload: str | None) -> None:
    stage.env |= {"IAI_MCP_CLI": "/no/such/iai-mcp", "IAI_MCP_SESSION_CACHE_MAX_AGE_SEC": "1"}
    stage.env["PATH"] = "/usr/bin:/bin"
    if payload:
        put(stage.cache, payload)

    out = stage.run()

    assert out.partition("\n")[2] == (payload or "")
    assert "skipped: iai-mcp CLI not found" in stage.log()
    assert logged(r"stale-served age=\d+s", stage.log()) == bool(payload)


@pytest.mark.parametrize("value", ["1", "true", "yes", "whatever"])
def test_disabled_means_that_nothing_is_printed_and_nothing_is_called(
    stage: Stage, value: str
) -> None:
    put(stage.cache, age=100_000)
    stage.live("touch called")
    stage.env["IAI_MCP_DISABLE"] = value

    assert stage.run() == ""
    assert stage.log() == ["disabled"]
    assert not (stage.folder / "called").exists()


def test_a_project_that_is_to_be_left_alone_gets_nothing(stage: Stage) -> None:
    put(stage.cache)
    put(stage.project_cache())
    (stage.project / ".iai-mcp-ignore").touch()

    assert stage.run() == ""
    assert stage.log() == ["disabled"]


@pytest.mark.parametrize("value", ["", "0", "false", "no"])
def test_a_clear_no_does_not_disable(stage: Stage, value: str) -> None:
    put(stage.cache)
    stage.env["IAI_MCP_DISABLE"] = value

    assert stage.run() == PAYLOAD


def make_link(stage: Stage) -> None:
    put(stage.folder / "elsewhere.md", "planted")
    stage.cache.symlink_to(stage.folder / "elsewhere.md")


def make_linked_folder(stage: Stage) -> None:
    put(stage.folder / "elsewhere" / stage.project_cache().name, "planted")
    (stage.store / "session-start").symlink_to(stage.folder / "elsewhere")


def make_foreign(stage: Stage) -> None:
    os.chown(put(stage.cache, "planted"), 12345, 12345)


def make_writable(stage: Stage) -> None:
    put(stage.cache, "planted").chmod(0o620)


@pytest.mark.parametrize(
    ("plant", "reason"),
    [
        (make_link, "not-ours"),
        (make_linked_folder, "not-ours"),
        pytest.param(make_foreign, "not-ours", marks=needs_root),
        (make_writable, "writable-by-others"),
    ],
)
def test_a_payload_that_another_could_have_written_is_not_served(
    stage: Stage, plant: Callable[[Stage], None], reason: str
) -> None:
    plant(stage)
    stage.live(f"printf '{LIVE}'")

    assert stage.run() == LIVE
    assert stage.log()[0] == f"cache-error {reason}"


@needs_root
def test_a_store_of_another_user_is_not_served_and_not_written(stage: Stage) -> None:
    put(stage.cache, "planted")
    os.chown(stage.store, 12345, 12345)
    stage.live(f"printf '{LIVE}'")

    assert stage.run() == LIVE
    assert not (stage.store / "logs").exists()


def test_the_hit_path_starts_no_interpreter_and_next_to_nothing_else(stage: Stage) -> None:
    put(stage.cache)
    git_config = stage.project / ".git" / "config"
    git_config.parent.mkdir()
    git_config.write_text('[remote "origin"]\n\turl = git@example.org:a/b.git\n')
    stage.run()  # makes the folder for logs
    for name in ("cat", "stat", "sleep", "date", "git", "jq", "python3", "sed", "awk", "mkdir"):
        real = shutil.which(name) or "/bin/false"
        stage.command(name, f'echo {name} >>"{stage.folder}/started"\nexec {real} "$@"')
    stage.env["PATH"] = str(stage.folder / "bin")
    stage.shell = [str(shutil.which(stage.shell[0])), *stage.shell[1:]]

    assert stage.run() == PAYLOAD
    started = set((stage.folder / "started").read_text().split())
    assert started - {"sleep"} <= {"stat", "cat"}  # sleep: the bound of a shell without `read -t`


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
def test_whatever_stands_on_stdin_the_global_payload_is_served(stage: Stage, stdin: bytes) -> None:
    put(stage.cache)

    assert stage.run(stdin) == PAYLOAD


def test_a_closed_stdin_and_a_closed_stdout_are_no_failure(stage: Stage) -> None:
    put(stage.cache)
    for redirection in ("<&-", "</dev/null >&-", "</dev/null >/dev/full"):
        done = subprocess.run(
            ["sh", "-c", f'"$@" {redirection}', "sh", *stage.shell, str(HOOK)],
            env=stage.environment(),
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("sent", [b"", b'{"cwd": "/"'])
def test_a_host_that_keeps_stdin_open_does_not_keep_the_session_waiting(
    stage: Stage, sent: bytes
) -> None:
    put(stage.cache)
    with stage.start() as hook:
        assert hook.stdin
        assert hook.stdout
        hook.stdin.write(sent)
        hook.stdin.flush()
        assert hook.stdout.read().decode() == PAYLOAD  # the read ends although stdin does not
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
def test_the_folder_is_found_however_its_name_is_escaped(
    stage: Stage, name: str, ascii_only: bool
) -> None:
    folder = stage.project / name
    folder.mkdir()
    put(stage.cache, "global")
    put(stage.project_cache(folder), "this folder")
    host = {"session_id": 'a"b', "cwd": str(folder), "source": "startup"}

    assert stage.run(json.dumps(host, ensure_ascii=ascii_only).encode()) == "this folder"
    pretty = json.dumps(host, ensure_ascii=ascii_only, indent=2).encode()
    assert stage.run(pretty.replace(b"/", b"\\/")) == "this folder"
    assert not (stage.folder / "oops").exists()


def test_only_the_cwd_of_the_object_itself_counts(stage: Stage) -> None:
    put(stage.cache, "global")
    put(stage.project_cache(), "this project")
    host = {
        "inner": {"cwd": "/wrong", "list": [{"cwd": "/wrong"}]},
        "quoted": '"cwd":"/wrong"',
        'x"cwd': "/wrong",
        "value": "cwd",
        "cwd": str(stage.project),
        "later": {"cwd": "/wrong"},
    }

    assert stage.run(json.dumps(host).encode()) == "this project"
    assert stage.run(json.dumps(host, separators=(",", ":")).encode()) == "this project"


def test_a_store_that_does_not_exist_is_not_created(stage: Stage) -> None:
    stage.store.rmdir()
    stage.live("exit 1")

    assert stage.run() == ""
    assert not stage.store.exists()


def test_the_log_starts_once_the_live_command_has_created_the_store(stage: Stage) -> None:
    stage.store.rmdir()
    stage.live(f"mkdir -m 700 store; printf '{LIVE}'")

    assert stage.run() == LIVE
    assert stage.log() == [f"rc=0 bytes={len(LIVE)}"]


def test_logs_are_private(stage: Stage) -> None:
    put(stage.cache)
    stage.run()

    (log,) = (stage.store / "logs").glob("recall-*.log")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700


def test_a_log_that_cannot_be_written_changes_nothing(stage: Stage) -> None:
    put(stage.cache)
    (stage.store / "logs").write_text("in the way")
    assert stage.run() == PAYLOAD

    (stage.store / "logs").unlink()
    (stage.store / "logs").symlink_to(stage.folder)
    assert stage.run() == PAYLOAD
    assert not list(stage.folder.glob("recall-*"))


def test_a_full_disk_changes_nothing(stage: Stage) -> None:
    put(stage.cache)
    stage.shell = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *stage.shell]

    assert stage.run() == PAYLOAD


def test_the_store_is_found_with_a_tilde_a_relative_path_or_none(stage: Stage) -> None:
    home = stage.folder / "home"
    put(stage.cache)
    for value in ("store", "~/../store", "./store"):
        stage.env["IAI_MCP_STORE"] = value
        home.mkdir(exist_ok=True)
        assert stage.run() == PAYLOAD

    put(home / ".iai-mcp" / ".session-start-payload.cached.md", "at home")
    (home / ".iai-mcp").chmod(0o700)
    stage.env["IAI_MCP_STORE"] = ""
    assert stage.run() == "at home"


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 4_102_444_800))
def test_the_date_of_an_old_payload_is_right_in_every_year(stage: Stage, at: int) -> None:
    now = int(time.time())
    put(stage.cache)
    os.utime(stage.cache, (min(at, now - 9), min(at, now - 9)))
    stage.env |= {"IAI_MCP_SESSION_CACHE_MAX_AGE_SEC": "1", "IAI_MCP_CLI": "/no/such"}
    stage.env["PATH"] = "/usr/bin:/bin"

    day = datetime.fromtimestamp(min(at, now - 9), UTC).date().isoformat()
    assert f"last refreshed on {day} (" in stage.run()


def test_the_hooks_pass_shellcheck_and_can_be_run() -> None:
    files = sorted(HOOKS.rglob("*.sh"))
    checker = Path(sys.executable).with_name("shellcheck")

    done = subprocess.run([checker, *files], capture_output=True, check=False, text=True)

    assert done.stdout == ""
    modes = {str(path.relative_to(HOOKS)): stat.S_IMODE(path.stat().st_mode) for path in files}
    assert modes == HOOK_FILES


def test_the_plugin_runs_each_hook_where_it_belongs() -> None:
    hooks = json.loads((HOOKS / "hooks.json").read_text())["hooks"]
    commands = {
        event: [hook["command"] for entry in entries for hook in entry["hooks"]]
        for event, entries in hooks.items()
    }

    root = '"${CLAUDE_PLUGIN_ROOT}"/hooks/'
    capture = [f"{root}iai-mcp-capture.sh"]
    assert commands == {
        "SessionStart": [f"{root}iai-mcp-session-recall.sh"],
        **dict.fromkeys(("UserPromptSubmit", "Stop", "PreCompact", "SessionEnd"), capture),
    }
    assert hooks["SessionStart"][0]["matcher"] == "startup|resume|clear|compact"

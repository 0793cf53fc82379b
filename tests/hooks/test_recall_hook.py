"""The session-start hook: what it prints, what it logs, what it starts.

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
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.hooks import PAGE, RecallRun, needs_root, put
from tests.support.shells import ksh93_needs_room

from iai_memory import load_settings
from iai_memory.errors import InvalidInput

NO_STORES = [
    *("store", "./store", "../store", ".", " ", " /store", "C:\\store", "\\\\wsl$\\a", "%HOME%/a"),
    *("s3://bucket/a", "file:///tmp/a", "gs:a", "memory://", "db+x://h/a"),
    *("$HOME/a", "${HOME}/a", "$XDG_DATA_HOME", "/home/$USER/a", "/a/${B}", "~/$A"),
    *("~anna", "~anna/a", "~+/a"),
]

LIVE = "# Live\n- rendered now\n\n"


def logged(pattern: str, lines: list[str]) -> bool:
    return any(re.fullmatch(pattern, line) for line in lines)


def test_a_fresh_payload_is_printed_byte_for_byte(recall: RecallRun) -> None:
    put(recall.cache)

    assert recall.run() == PAGE
    (line,) = recall.log()
    match = re.fullmatch(r"cache-hit age=(\d+)s bytes=(\d+) session=s", line)
    assert match
    assert int(match[1]) >= 39
    assert int(match[2]) == len(PAGE.encode())


def test_a_server_that_waits_is_told_that_a_session_begins_and_not_waited_for(
    recall: RecallRun,
) -> None:
    put(recall.cache)
    meeting = recall.store / "run"
    meeting.mkdir(mode=0o700)
    os.mkfifo(meeting / "ask", 0o600)
    fifo = os.open(meeting / "ask", os.O_RDWR | os.O_NONBLOCK)
    try:
        assert recall.run() == PAGE  # of a server that was killed nothing but the FIFO is left
        with pytest.raises(BlockingIOError):
            os.read(fifo, 100)
        (meeting / f"server-{os.getpid()}").touch()
        assert recall.run() == PAGE
        assert os.read(fifo, 100) == b"session\n"
    finally:
        os.close(fifo)


OF_PAGE = f"0123456789abcdef {len(PAGE.encode())}\n"


@pytest.mark.parametrize(
    ("told", "ids", "logged"),
    [
        (
            '{"session_id":"48bbfa77-8682","cwd":',
            OF_PAGE,
            " session=48bbfa77-8682 page=0123456789abcdef",
        ),
        ('{"sessionId": "a.b_C", "cwd": ', OF_PAGE, " session=a.b_C page=0123456789abcdef"),
        ('{"cwd":', OF_PAGE, " page=0123456789abcdef"),
        ('{"session_id":"a b","cwd":', OF_PAGE, " page=0123456789abcdef"),
        ('{"session_id":"a\\nb","cwd":', "", ""),
        ('{"session_id":7,"session":"session_id","cwd":', "", ""),
        ('{"session_id":"s","cwd":', OF_PAGE.replace(" ", " 9"), " session=s"),
        ('{"session_id":"s","cwd":', OF_PAGE.replace("0", "x"), " session=s"),
        ('{"session_id":"s","cwd":', OF_PAGE[1:], " session=s"),
        ('{"session_id":"s","cwd":', None, " session=s"),
        (f'{{"x":"{"x" * 4096}","session_id":"s","cwd":', OF_PAGE, " page=0123456789abcdef"),
    ],
)
def test_a_hit_is_logged_with_its_session_and_the_mark_of_its_page(
    recall: RecallRun, told: str, ids: str | None, logged: str
) -> None:
    put(recall.cache)
    beside = recall.cache.with_name("@new.cached.ids")
    if ids is None:
        os.mkfifo(beside)
    else:
        put(beside, ids)
    recall.env["IAI_MCP_ANSWER"] = "text"

    assert recall.run(f"{told}{json.dumps(str(recall.project))}}}".encode()) == PAGE
    [line] = recall.log()
    assert re.fullmatch(rf"cache-hit age=\d+s bytes={len(PAGE.encode())}{logged}", line)


@pytest.mark.parametrize("folder", ["{folder}", "{folder}/gone", "/", "C:\\\\work", "sub", "."])
def test_a_folder_without_a_page_never_gets_that_of_all_projects(
    recall: RecallRun, folder: str
) -> None:
    put(recall.cache_of_all, "everything\n")
    put(recall.project_cache(), "this project\n")
    put(recall.cache, "of no project\n")
    told = json.dumps({"cwd": folder.format(folder=recall.folder)}).encode()

    assert recall.run() == "this project\n"
    assert recall.run(told) == "of no project\n"
    assert recall.run(b"{}") == "everything\n"

    recall.cache.unlink()
    recall.live('IFS="|"; printf %s "$*"')
    of_none = folder in ("sub", ".")
    shown = recall.run(told)
    assert shown.startswith("session-start|--project|@new" if of_none else "session-start|--cwd|")


def test_a_folder_with_a_page_from_before_it_had_a_remote_asks_the_live_command(
    recall: RecallRun,
) -> None:
    put(recall.cache, "of no project\n")
    put(recall.project_cache(), "said before\n")
    (recall.project / ".git").mkdir(exist_ok=True)
    config = recall.project / ".git" / "config"
    config.write_text('[remote "origin"]\n\turl = git@github.com:acme/weather.git\n')
    recall.live(f"printf '{LIVE}'")

    assert recall.run() == LIVE
    assert "cache-miss renamed -> live-cli" in recall.log()

    put(recall.project_cache(), "under the remote\n")
    assert recall.run() == "under the remote\n"


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
    recall: RecallRun, limit: str | None, age: int, fresh: bool
) -> None:
    put(recall.cache, age=age)
    recall.live(f"printf '{LIVE}'")
    if limit is not None:
        recall.env["IAI_MCP_SESSION_CACHE_MAX_AGE_SEC"] = limit

    assert recall.run() == (PAGE if fresh else LIVE)


def test_a_payload_from_the_future_counts_as_new(recall: RecallRun) -> None:
    put(recall.cache, age=-100_000)

    assert recall.run() == PAGE
    assert recall.log() == [f"cache-hit age=0s bytes={len(PAGE.encode())} session=s"]


def test_an_old_payload_asks_the_live_command_with_the_folder_of_the_session(
    recall: RecallRun,
) -> None:
    put(recall.cache)
    recall.live(f"cat >seen; printf '%s|' \"$@\" \"$LC_ALL\" >>seen; printf '{LIVE}'")
    recall.env |= {"IAI_MCP_SESSION_CACHE_MAX_AGE_SEC": "1", "LC_ALL": "C.UTF-8"}

    assert recall.run() == LIVE
    seen = (recall.folder / "seen").read_text()
    assert seen == f"session-start|--cwd|{recall.project}|C.UTF-8|"
    first, second = recall.log()
    assert re.fullmatch(r"cache-stale age=\d+s max=1s -> live-cli", first)
    assert second == f"rc=0 bytes={len(LIVE)}"
    assert not list(recall.folder.glob("iai-mcp-recall.*"))


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
    recall: RecallRun, script: str, code: str
) -> None:
    put(recall.cache, age=100_000)
    recall.live(script)
    recall.env["IAI_MCP_RECALL_HOOK_TIMEOUT"] = "0.3"
    day = datetime.fromtimestamp(recall.cache.stat().st_mtime, UTC).date()

    first, _, rest = recall.run().partition("\n")

    assert first == (
        f"iai-mcp: this memory was last refreshed on {day} (27h ago) and the refresh failed; "
        'run "iai-mcp doctor".'
    )
    assert rest == PAGE
    _, failure, served = recall.log()
    assert re.fullmatch(rf"rc={code} bytes=\d+", failure)
    assert re.fullmatch(r"stale-served age=1000\d\ds session=s", served)


def test_without_a_timeout_program_the_hook_keeps_the_time_itself(recall: RecallRun) -> None:
    put(recall.cache)
    for name in ("cat", "stat", "date", "sleep", "mkdir", "mktemp", "rm", "printf", "["):
        (recall.folder / "bin").mkdir(exist_ok=True)
        (recall.folder / "bin" / name).symlink_to(str(shutil.which(name)))
    recall.live(f"echo $$ >pid; exec {shutil.which('sleep')} 60")
    recall.env |= {
        "PATH": str(recall.folder / "bin"),
        "IAI_MCP_SESSION_CACHE_MAX_AGE_SEC": "1",
        "IAI_MCP_RECALL_HOOK_TIMEOUT": "0.3",
    }
    recall.shell = [str(shutil.which(recall.shell[0])), *recall.shell[1:]]

    assert recall.run().endswith(PAGE)
    assert "rc=124 bytes=0" in recall.log()
    with pytest.raises(ProcessLookupError):
        os.kill(int((recall.folder / "pid").read_text()), 0)


def test_a_host_that_gives_up_takes_the_live_command_with_it(recall: RecallRun) -> None:
    pipe = recall.folder / "alive"
    os.mkfifo(pipe)
    recall.live("exec 9>alive; echo started >&9; exec sleep 60")
    with recall.start() as hook:
        assert hook.stdin
        hook.stdin.close()
        with pipe.open() as alive:
            assert alive.readline() == "started\n"
            hook.send_signal(signal.SIGTERM)
            assert alive.read() == ""  # its end of the pipe is closed: it is gone
        assert hook.wait(30) == 0
    assert not list(recall.folder.glob("iai-mcp-recall.*"))


FENCED = "<iai-mcp-session-start>\n- 100% \\n of it\n</iai-mcp-session-start>\n"


@pytest.mark.parametrize("end", ["sleep 60", "trap '' TERM; sleep 60", "exit 3"])
def test_a_page_that_is_whole_is_printed_however_the_live_command_ends(
    recall: RecallRun, end: str
) -> None:
    put(recall.cache, age=100_000)
    page = put(recall.folder / "page", FENCED)
    recall.live(f"cat {page}; {end}")
    recall.env["IAI_MCP_RECALL_HOOK_TIMEOUT"] = "0.5"

    assert recall.run() == FENCED
    assert re.fullmatch(rf"rc=(124|3) bytes={len(FENCED)}", recall.log()[-1])


@pytest.mark.parametrize("cut", [FENCED[:-3], f"{FENCED}Traceback", FENCED.partition("\n")[0]])
def test_half_a_page_is_not_printed(recall: RecallRun, cut: str) -> None:
    page = put(recall.folder / "page", cut)
    recall.live(f"cat {page}; exit 3")

    assert "100%" not in recall.run()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exec sleep 60", '"iai-mcp session-start" took more than 0.5 s: run "iai-mcp doctor"'),
        ("exit 3", '"iai-mcp session-start" failed with status 3: run "iai-mcp doctor"'),
        ("exit 0", '"iai-mcp session-start" printed nothing: run "iai-mcp doctor"'),
        (None, "no iai-mcp command was found: set IAI_MCP_CLI to its path"),
    ],
)
def test_where_there_is_no_page_one_line_says_why_and_what_to_do(
    recall: RecallRun, script: str | None, reason: str
) -> None:
    if script is None:
        recall.env |= {"IAI_MCP_CLI": "", "PATH": "/usr/bin:/bin", "HOME": "/no/such"}
    else:
        recall.live(script)
    recall.env["IAI_MCP_RECALL_HOOK_TIMEOUT"] = "0.5"

    assert recall.run() == f"iai-mcp: this session starts without its memory, because {reason}.\n"


def test_without_a_payload_the_live_command_is_asked(recall: RecallRun) -> None:
    recall.live(f"printf '{LIVE}'")

    assert recall.run() == LIVE
    assert recall.log() == ["cache-miss absent", f"rc=0 bytes={len(LIVE)}"]


def test_an_empty_payload_counts_as_none(recall: RecallRun) -> None:
    put(recall.cache, "")
    recall.live(f"printf '{LIVE}'")

    assert recall.run() == LIVE
    assert recall.log()[0] == "cache-miss empty"


def test_a_payload_that_cannot_be_read_is_named_so(recall: RecallRun) -> None:
    recall.cache.mkdir(parents=True)
    recall.live(f"printf '{LIVE}'")

    assert recall.run() == LIVE
    assert recall.log()[0] == "cache-error stat-failed"


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("payload", [None, PAGE])
def test_a_program_that_is_gone_is_said_before_the_page_that_outlives_it(
    recall: RecallRun, payload: str | None, fresh: bool
) -> None:
    recall.env |= {"IAI_MCP_CLI": "/no/such/iai-mcp", "PATH": "/usr/bin:/bin"}
    if not fresh:
        recall.env["IAI_MCP_SESSION_CACHE_MAX_AGE_SEC"] = "1"
    if payload:
        put(recall.cache, payload)

    first, _, rest = recall.run().partition("\n")

    assert first == (
        "iai-mcp: memory is not available: /no/such/iai-mcp is gone, and nothing new is kept. "
        'Install it again, then run "iai-mcp connect --repair".'
    )
    assert rest.endswith(payload or "")
    assert "program-gone" in recall.log()
    recall.live(f"printf '{LIVE}'")
    assert "not available" not in recall.run()


@pytest.mark.parametrize("payload", [None, PAGE])
def test_without_the_command_only_an_old_payload_is_left(
    recall: RecallRun, payload: str | None
) -> None:
    recall.env |= {"IAI_MCP_CLI": "/no/such/iai-mcp", "IAI_MCP_SESSION_CACHE_MAX_AGE_SEC": "1"}
    recall.env["PATH"] = "/usr/bin:/bin"
    if payload:
        put(recall.cache, payload)

    gone, _, rest = recall.run().partition("\n")
    assert "memory is not available" in gone
    if payload:
        _, _, rest = rest.partition("\n")

    assert rest == (payload or "")
    assert "skipped: iai-mcp CLI not found" in recall.log()
    assert logged(r"stale-served age=\d+s session=s", recall.log()) == bool(payload)


@pytest.mark.parametrize("value", ["1", "true", "yes", "whatever"])
def test_disabled_means_that_nothing_is_printed_and_nothing_is_called(
    recall: RecallRun, value: str
) -> None:
    put(recall.cache, age=100_000)
    recall.live("touch called")
    recall.env["IAI_MCP_DISABLE"] = value

    assert recall.run() == ""
    assert recall.log() == ["disabled"]
    assert not (recall.folder / "called").exists()


def test_a_project_that_is_to_be_left_alone_gets_nothing(recall: RecallRun) -> None:
    put(recall.cache)
    put(recall.project_cache())
    (recall.project / ".iai-mcp-ignore").touch()

    assert recall.run() == ""
    assert recall.log() == ["disabled"]


@pytest.mark.parametrize("value", ["", "0", "false", "no"])
def test_a_clear_no_does_not_disable(recall: RecallRun, value: str) -> None:
    put(recall.cache)
    recall.env["IAI_MCP_DISABLE"] = value

    assert recall.run() == PAGE


def make_folder(path: Path) -> None:
    path.mkdir()


def make_device(path: Path) -> None:
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero


def link_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


ODD = [os.mkfifo, make_folder, link_a_device, pytest.param(make_device, marks=needs_root)]


RINGS = ["doorbell.jsonl", "doorbell.claimed-17.jsonl", "doorbell.old.jsonl", "doorbell-1Z-2.json"]


@pytest.mark.parametrize("name", RINGS)
@pytest.mark.parametrize("age", [-30, 30], ids=["older", "newer"])
def test_a_page_is_not_served_while_rings_wait(recall: RecallRun, name: str, age: int) -> None:
    for page in (recall.cache, recall.project_cache()):
        put(page)
    put(recall.store / "spool" / name, "{}\n", 39 + age)
    recall.live(f"printf '{LIVE}'")

    assert recall.run() == LIVE
    assert recall.run(json.dumps({"cwd": str(recall.folder)}).encode()) == LIVE
    assert re.fullmatch(r"spool-waiting age=\d+s -> live-cli", recall.log()[0])


@pytest.mark.parametrize("name", ["offsets.json", "answered-17.jsonl", ".waiter", "failed/x.json"])
def test_what_is_no_ring_holds_no_page_back(recall: RecallRun, name: str) -> None:
    put(recall.cache)
    spool = recall.store / "spool"
    for path in (spool / name, spool / "doorbell.jsonl"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}\n" if path.name != "doorbell.jsonl" else "")
    for number, make in enumerate((os.mkfifo, make_folder)):
        make(spool / f"doorbell-{number}.json")

    assert recall.run() == PAGE


@pytest.mark.parametrize("make", ODD)
def test_a_page_is_not_served_while_no_hook_can_ring(
    recall: RecallRun, make: Callable[[Path], None]
) -> None:
    """The live command says on the page that nothing is kept now."""
    put(recall.cache)
    (recall.store / "spool").mkdir(parents=True)
    make(recall.store / "spool" / "doorbell.jsonl")
    recall.live(f"printf '{LIVE}'")

    assert recall.run() == LIVE
    assert re.fullmatch(r"spool-waiting age=\d+s -> live-cli", recall.log()[0])


def test_a_page_that_a_drain_has_left_behind_is_not_served(recall: RecallRun) -> None:
    put(recall.cache)
    put(recall.store / ".page-behind", "")
    recall.live(f"printf '{LIVE}'")

    assert recall.run() == LIVE
    assert re.fullmatch(r"page-behind age=\d+s -> live-cli", recall.log()[0])


@pytest.mark.parametrize("versions", [None, (), ("1.manifest",)])
def test_a_page_of_a_store_whose_table_is_gone_is_not_served_as_if_it_were_there(
    recall: RecallRun, versions: tuple[str, ...] | None
) -> None:
    put(recall.cache)
    put(recall.store / "store.json", "{}")
    folder = recall.store / "lancedb" / "memories.lance" / "_versions"
    if versions is not None:
        folder.mkdir(parents=True)
        for name in versions:
            put(folder / name, "")
    recall.live("exit 1")

    shown = recall.run()

    assert shown.endswith(PAGE)
    assert (shown == PAGE) == bool(versions)
    assert bool(re.fullmatch(r"table-gone age=\d+s -> live-cli", recall.log()[0])) != bool(versions)


@pytest.mark.parametrize(
    ("names", "served"),
    [
        (("5.a", "7.b"), True),
        (("5.a", "6.b"), False),
        (("4.a", "7.b"), False),
        (("unread.a", "7.b"), False),
        (("5.gone", "7.b"), True),
    ],
)
def test_a_page_is_not_served_when_a_transcript_grew_after_it_was_read(
    recall: RecallRun, names: tuple[str, str], served: bool
) -> None:
    put(recall.cache)
    recall.live(f"printf '{LIVE}'")
    watched = recall.store / "spool" / ".watched"
    watched.mkdir(parents=True)
    for name, size in zip(names, (5, 7), strict=True):
        transcript = recall.folder / f"a $transcript of {size}.jsonl"
        if "gone" not in name:
            transcript.write_bytes(b"x" * size)
        (watched / name).symlink_to(transcript)

    assert recall.run() == (PAGE if served else LIVE)
    if not served:
        assert re.fullmatch(r"transcript-grew age=\d+s -> live-cli", recall.log()[0])


@pytest.mark.parametrize("change", ["", "size", "time", "gone"])
def test_a_page_is_not_served_when_a_file_of_the_last_session_changed_after_it_was_made(
    recall: RecallRun, change: str
) -> None:
    put(recall.cache)
    recall.live(f"printf '{LIVE}'")
    folder = recall.cache.with_name(f"{recall.cache.name.removesuffix('.cached.md')}.files")
    folder.mkdir(parents=True)
    other, file = (recall.folder / f"a $file {number}.py" for number in range(2))
    for number, one in enumerate((other, file)):
        one.write_bytes(b"x" * 5)
        os.utime(one, (1_760_000_000, 1_760_000_000))
        (folder / f"1760000000-5.{number}").symlink_to(one)
    if change == "size":
        file.write_bytes(b"x" * 6)
        os.utime(file, (1_760_000_000, 1_760_000_000))
    elif change == "time":
        os.utime(file, (1_760_000_001, 1_760_000_001))
    elif change == "gone":
        file.unlink()

    assert recall.run() == (LIVE if change else PAGE)
    if change:
        assert re.fullmatch(r"file-changed age=\d+s -> live-cli", recall.log()[0])


@pytest.mark.parametrize("mark", ["spool/doorbell.jsonl", ".page-behind"])
def test_a_page_without_the_newest_turns_is_better_than_none_and_says_how_old_it_is(
    recall: RecallRun, mark: str
) -> None:
    put(recall.cache, age=2 * 3600)
    put(recall.store / mark, "{}\n")
    recall.live("exit 3")

    first, _, rest = recall.run().partition("\n")

    assert "last refreshed on" in first
    assert "(2h ago)" in first
    assert rest == PAGE


def make_link(recall: RecallRun) -> None:
    put(recall.folder / "elsewhere.md", "planted")
    put(recall.cache).unlink()
    recall.cache.symlink_to(recall.folder / "elsewhere.md")


def make_linked_folder(recall: RecallRun) -> None:
    put(recall.folder / "elsewhere" / recall.project_cache().name, "planted")
    (recall.store / "session-start").symlink_to(recall.folder / "elsewhere")


def make_foreign(recall: RecallRun) -> None:
    os.chown(put(recall.cache, "planted"), 12345, 12345)


def make_writable(recall: RecallRun) -> None:
    put(recall.cache, "planted").chmod(0o620)


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
    recall: RecallRun, plant: Callable[[RecallRun], None], reason: str
) -> None:
    plant(recall)
    recall.live(f"printf '{LIVE}'")

    assert recall.run() == LIVE
    assert recall.log()[0] == f"cache-error {reason}"


@pytest.mark.parametrize("make", ODD)
@pytest.mark.parametrize(
    "where", [".git", ".git/config", ".git/HEAD", ".git/commondir", "HEAD", "config"]
)
def test_what_is_no_file_in_the_place_of_gits_holds_nobody_up(
    recall: RecallRun, make: Callable[[Path], None], where: str
) -> None:
    put(recall.cache)
    path = recall.project / where
    path.parent.mkdir(exist_ok=True)
    make(path)

    assert recall.run() == PAGE


@pytest.mark.parametrize("make", ODD)
@pytest.mark.parametrize("name", ["config", "commondir"])
def test_a_git_file_that_leads_to_what_is_no_file_holds_nobody_up(
    recall: RecallRun, make: Callable[[Path], None], name: str
) -> None:
    put(recall.cache)
    elsewhere = recall.folder / "elsewhere"
    elsewhere.mkdir()
    make(elsewhere / name)
    (recall.project / ".git").write_text(f"gitdir: {elsewhere}\n", encoding="utf-8")

    assert recall.run() == PAGE


@pytest.mark.parametrize("make", ODD)
@pytest.mark.parametrize("what", ["page", "page of the project", "log", ".clock"])
def test_what_is_no_file_in_the_store_holds_nobody_up(
    recall: RecallRun, make: Callable[[Path], None], what: str
) -> None:
    recall.live(f"printf '{LIVE}'")
    logs = recall.store / "logs"
    day = time.strftime("%Y-%m-%d", time.gmtime())
    place = {
        "page": recall.cache,
        "page of the project": recall.project_cache(),
        "log": logs / f"recall-{day}.log",
        ".clock": logs / ".clock",
    }[what]
    if what in ("log", ".clock"):
        put(recall.cache)
    place.parent.mkdir(mode=0o700, exist_ok=True)
    make(place)

    assert recall.run() == (LIVE if what.startswith("page") else PAGE)


@needs_root
def test_a_store_that_cannot_be_written_serves_its_page(recall: RecallRun) -> None:
    put(recall.cache)
    for path in (recall.store, recall.cache.parent, recall.cache):
        os.chown(path, 12345, 12345)
    recall.store.chmod(0o500)
    for parent in (recall.project, recall.folder, *recall.folder.parents[:-2]):
        parent.chmod(0o755)
    recall.user = 12345

    assert recall.run() == PAGE


@needs_root
def test_a_store_of_another_user_is_not_served_and_not_written(recall: RecallRun) -> None:
    put(recall.cache, "planted")
    os.chown(recall.store, 12345, 12345)
    recall.live(f"printf '{LIVE}'")

    assert recall.run() == LIVE
    assert not (recall.store / "logs").exists()


def test_the_hit_path_starts_no_interpreter_and_next_to_nothing_else(recall: RecallRun) -> None:
    put(recall.cache)
    git_config = recall.project / ".git" / "config"
    git_config.parent.mkdir()
    git_config.write_text('[remote "origin"]\n\turl = git@example.org:a/b.git\n')
    recall.run()  # makes the folder for logs
    watched = ("cat", "stat", "sleep", "date", "git", "jq", "python3", "sed", "awk", "mkdir")
    for name in (*watched, "printf", "["):  # yash takes its own only where the PATH has one
        real = shutil.which(name) or "/bin/false"
        recall.command(name, f'echo {name} >>"{recall.folder}/started"\nexec {real} "$@"')
    recall.env["PATH"] = str(recall.folder / "bin")
    recall.shell = [str(shutil.which(recall.shell[0])), *recall.shell[1:]]

    assert recall.run() == PAGE
    started = set((recall.folder / "started").read_text().split())
    # sleep: the bound of a shell without `read -t`; printf: mksh has none of its own.
    beside = {"sleep", "printf"} if recall.shell[0].endswith("mksh") else {"sleep"}
    assert started - beside <= {"stat", "cat"}


def test_a_store_that_does_not_exist_is_not_created(recall: RecallRun) -> None:
    recall.store.rmdir()
    recall.live("exit 1")

    assert recall.run() == ""
    assert not recall.store.exists()


def test_the_log_starts_once_the_live_command_has_created_the_store(recall: RecallRun) -> None:
    recall.store.rmdir()
    recall.live(f"mkdir -m 700 store; printf '{LIVE}'")

    assert recall.run() == LIVE
    assert recall.log() == [f"rc=0 bytes={len(LIVE)}"]


def test_logs_are_private(recall: RecallRun) -> None:
    put(recall.cache)
    recall.run()

    (log,) = (recall.store / "logs").glob("recall-*.log")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700


def test_a_log_that_cannot_be_written_changes_nothing(recall: RecallRun) -> None:
    put(recall.cache)
    recall.live("echo a second page")
    (recall.store / "logs").write_text("in the way")
    assert recall.run() == PAGE

    (recall.store / "logs").unlink()
    (recall.store / "logs").symlink_to(recall.folder)
    assert recall.run() == PAGE
    assert not list(recall.folder.glob("recall-*"))


@ksh93_needs_room
def test_a_full_disk_changes_nothing(recall: RecallRun) -> None:
    put(recall.cache)
    recall.shell = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *recall.shell]

    assert recall.run() == PAGE


@pytest.mark.parametrize("setting", ["{folder}/store", "~/../store", "//{folder}/./store", ""])
def test_the_store_is_the_folder_that_the_library_takes(recall: RecallRun, setting: str) -> None:
    home = recall.folder / "home"
    home.mkdir()
    recall.env["IAI_MCP_STORE"] = setting.format(folder=recall.folder)
    told = {"HOME": str(home), "IAI_MCP_STORE": recall.env["IAI_MCP_STORE"]}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in told.items():
            patch.setenv(name, value)
        store = load_settings().store
    store.mkdir(mode=0o700, exist_ok=True)
    put(store / recall.cache.relative_to(recall.store))

    assert recall.run() == PAGE


@pytest.mark.parametrize("setting", NO_STORES)
def test_a_setting_that_names_no_one_folder_is_refused_by_hook_and_library(
    recall: RecallRun, setting: str
) -> None:
    put(recall.cache)
    before = {*recall.folder.iterdir()}
    recall.env["IAI_MCP_STORE"] = setting
    recall.live("echo never")

    assert recall.run() == (
        "iai-mcp: this session starts without its memory, because IAI_MCP_STORE cannot be used: "
        'run "iai-mcp status".\n'
    )
    assert {*recall.folder.iterdir()} - before == {recall.folder / "bin"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IAI_MCP_STORE", setting)
        with pytest.raises(
            InvalidInput, match=r"IAI_MCP_STORE has a value that .* \(it "
        ) as caught:
            load_settings()
    assert "\n" not in str(caught.value)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 4_102_444_800))
def test_the_date_of_an_old_payload_is_right_in_every_year(recall: RecallRun, at: int) -> None:
    now = int(time.time())
    put(recall.cache)
    os.utime(recall.cache, (min(at, now - 9), min(at, now - 9)))
    recall.env |= {"IAI_MCP_SESSION_CACHE_MAX_AGE_SEC": "1", "IAI_MCP_CLI": "/no/such"}
    recall.env["PATH"] = "/usr/bin:/bin"

    day = datetime.fromtimestamp(min(at, now - 9), UTC).date().isoformat()
    assert f"last refreshed on {day} (" in recall.run()

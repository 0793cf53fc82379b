"""The hook files as a set: linted, in the plugin, and what a hook does without its `lib/`."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.checkout import HOOKS
from tests.support.hooks import PAGE, CaptureRun, HookRun, PromptRun, RecallRun, bell, put, ring_of

from iai_server.hosts.hook_files import HOOK_FILES

OF_RECALL = [
    "common.sh",
    "json.sh",
    "json_escapes.sh",
    "answer.sh",
    "answer.awk",
    "root.sh",
    "project.sh",
    "rendezvous.sh",
    "cli.sh",
]
OF_PROMPT = ["common.sh", "root.sh", "rendezvous.sh"]
OF_CAPTURE = [
    "common.sh",
    "ring.awk",
    "json_escapes.sh",
    "root.sh",
    "waiter.sh",
    "cli.sh",
    "iai-mcp-drain.sh",
]


def test_the_hooks_pass_shellcheck_and_can_be_run() -> None:
    files = sorted(path for path in HOOKS.rglob("*") if path.suffix in (".sh", ".awk"))
    scripts = [path for path in files if path.suffix == ".sh"]
    checker = Path(sys.executable).with_name("shellcheck")

    done = subprocess.run([checker, *scripts], capture_output=True, check=False, text=True)

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
        **dict.fromkeys(("Stop", "PreCompact", "SessionEnd"), capture),
        "UserPromptSubmit": [*capture, f"{root}iai-mcp-prompt-recall.sh"],
    }
    assert "matcher" not in hooks["SessionStart"][0]


def own_hooks(run: HookRun) -> Path:
    """Copies the hooks to a folder of the run, which uses them from then on."""
    run.hooks = run.folder / 'the hooks\n"'
    shutil.copytree(HOOKS, run.hooks, dirs_exist_ok=True)
    return run.hooks


def remove(path: Path) -> None:
    path.unlink()


def make_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def make_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def leave_a_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("gone")


SPOILED = [remove, make_a_pipe, make_a_folder, leave_a_dangling_link]


def test_each_file_of_lib_is_of_one_hook_at_least() -> None:
    named = {f"lib/{name}" for name in (*OF_RECALL, *OF_PROMPT, *OF_CAPTURE)}

    assert named == {name for name in HOOK_FILES if name.startswith("lib/")}


@pytest.mark.parametrize("name", OF_RECALL)
@pytest.mark.parametrize("spoil", SPOILED)
def test_without_a_file_of_lib_the_recall_hook_says_so_once_and_ends_well(
    recall: RecallRun, name: str, spoil: Callable[[Path], None]
) -> None:
    put(recall.cache)
    spoil(own_hooks(recall) / "lib" / name)

    code, out, err = recall.finish(b"{}")

    assert (code, out) == (0, b"")
    told = (
        f"iai-mcp: {recall.hooks}/lib/{name} cannot be read: "
        'run "iai-mcp connect claude-code" (or codex), or copy lib/ too\n'
    )
    assert err.decode() == told
    assert recall.log() == []


@pytest.mark.parametrize("name", OF_CAPTURE)
def test_without_a_file_of_lib_the_capture_hook_says_so_and_writes_nothing(
    capture: CaptureRun, name: str
) -> None:
    (own_hooks(capture) / "lib" / name).unlink()

    code, out, err = capture.finish(json.dumps(bell(capture.folder)).encode())

    assert (code, out) == (0, b"")
    assert err.decode().startswith(f"iai-mcp: {capture.hooks}/lib/{name} cannot be read")
    assert not capture.store.exists()


@pytest.mark.parametrize("name", OF_PROMPT)
def test_without_a_file_of_lib_the_prompt_hook_says_so_and_asks_nobody(
    prompt: PromptRun, name: str
) -> None:
    (own_hooks(prompt) / "lib" / name).unlink()

    with prompt.awaited(lambda _: b"") as requests:
        code, out, err = prompt.finish(b"{}")

    assert (code, out, requests) == (0, b"", [])
    assert err.decode().startswith(f"iai-mcp: {prompt.hooks}/lib/{name} cannot be read")


def test_a_script_that_was_copied_alone_says_what_it_needs(recall: RecallRun) -> None:
    put(recall.cache)
    shutil.rmtree(own_hooks(recall) / "lib")

    assert (
        f"{recall.hooks / 'lib' / 'common.sh'} cannot be read" in recall.finish(b"{}")[2].decode()
    )


def test_lib_may_be_a_link(recall: RecallRun) -> None:
    put(recall.cache)
    hooks = own_hooks(recall)
    (hooks / "lib").rename(recall.folder / "elsewhere")
    (hooks / "lib").symlink_to(recall.folder / "elsewhere")

    assert recall.run() == PAGE


def test_hooks_that_are_called_through_links_find_their_lib(
    recall: RecallRun, capture: CaptureRun
) -> None:
    put(recall.cache)
    for run in (recall, capture):
        script = own_hooks(run) / run.script.name
        run.hooks = run.folder / f"links of {run.name}"
        (run.hooks / "lib").mkdir(parents=True)
        (run.hooks / "lib" / "common.sh").write_text("exit 1")  # somebody else's
        (run.hooks / "between").symlink_to(os.path.relpath(script, run.hooks))
        run.script.symlink_to("between")

    assert recall.run() == PAGE
    capture.ring(bell(capture.folder))
    assert capture.lines() == [ring_of(bell(capture.folder))]


@pytest.mark.parametrize("called", ["./iai-mcp-session-recall.sh", "iai-mcp-session-recall.sh"])
def test_a_hook_that_is_called_by_a_relative_path_finds_its_lib(
    recall: RecallRun, called: str
) -> None:
    put(recall.cache, "everything")
    folder = recall.project / "a \\"
    folder.mkdir()
    put(recall.project_cache(folder), "this folder")
    done = subprocess.run(
        [*recall.shell, called],
        env=recall.environment(),
        cwd=HOOKS,
        input=json.dumps({"cwd": str(folder)}).encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )

    assert (done.stdout, done.stderr) == (b"this folder", b"")


def test_a_hook_whose_folder_is_gone_serves_the_page(recall: RecallRun) -> None:
    put(recall.cache_of_all)
    recall.shell = [
        "sh",
        "-c",
        'mkdir gone && cd gone && rmdir ../gone && "$@"',
        "sh",
        *recall.shell,
    ]

    # Not its stderr: before the hook has begun, yash says there that PWD cannot be set.
    assert recall.finish(b"{}")[:2] == (0, PAGE.encode())

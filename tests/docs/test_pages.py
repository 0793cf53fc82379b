"""Every command of every page runs as it stands, and every link leads somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.docs.conftest import BIN
from tests.support.checkout import ROOT
from tests.support.command_line import names_a_command
from tests.support.documents import PAGES, blocks, commands, page_name, programs, read
from tests.support.makefile import public_targets

from iai_memory import Memory
from iai_server.cli.main import run

TEXT_SUFFIXES = {".py", ".md", ".sh", ".toml", ".json", ".jsonl", ".yml", ".yaml", ".txt", ".lock"}
NAMES = [page_name(page) for page in PAGES]
WITH_COMMANDS = [page_name(page) for page in PAGES if blocks("sh", page.read_text("utf-8"))]
NOT_RUN = {
    "make": "runs for minutes, or would run this test again",
    "claude": "needs Claude Code",
    "codex": "needs Codex",
    "python": "runs tests or benchmarks for minutes",
}
"""What no test runs: the beginning of a command, and why."""
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def _command(words: list[str]) -> str:
    """A command with its program's name in place of its path."""
    return " ".join([words[0].rpartition("/")[2], *words[1:]])


def _not_run(line: str) -> str | None:
    """The entry of `NOT_RUN` that a line falls under."""
    called = [f"{_command(words)} " for words in programs(line)]
    left_out = (left for left in NOT_RUN if any(call.startswith(f"{left} ") for call in called))
    return next(left_out, None)


def _stable(text: str) -> list[str]:
    """The lines of an output without what differs from run to run."""
    text = _ID.sub("ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d)?", "DATE", text)
    text = re.sub(r"\d+(?:\.\d+)? ms", "N ms", text)
    return [line.rstrip() for line in text.strip().splitlines()]


def _prints(shown: str, printed: str) -> bool:
    """Whether an output is what a page shows; a line with only … stands for any lines."""
    pattern = "".join(
        r"(?:.*\n)*" if line == "…" else f"{re.escape(line)}\n" for line in _stable(shown)
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _stable(printed))) is not None


def _at_home(word: str) -> str:
    return str(Path(word).expanduser()) if word.startswith("~") else word


@dataclass(frozen=True)
class Shell:
    """Runs lines as a shell would.

    A line that is nothing but a call of `iai-mcp` runs in this process, which has its libraries
    loaded; any other line is given to `sh`.
    """

    capfd: pytest.CaptureFixture[str]

    def run(self, line: str) -> tuple[int, str]:
        """The exit code of a line and what it printed."""
        call = re.fullmatch(
            r"(?:(IAI_MCP_STORE)=(\S+) )?(?:\.venv/bin/)?iai-mcp ([^|&;<>$]+)", line
        )
        if call is None:
            done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
            return done.returncode, done.stdout + done.stderr
        name, value, arguments = call.groups()
        with pytest.MonkeyPatch.context() as patch:
            if name is not None:
                patch.setenv(name, _at_home(value))
            words = [_at_home(word) for word in shlex.split(arguments)]
            code = run(words)
        return code, "".join(self.capfd.readouterr())


@pytest.mark.parametrize("name", WITH_COMMANDS)
def test_the_commands_of_a_page_run_in_their_order(
    name: str, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Path(".venv").mkdir()
    Path(".venv/bin").symlink_to(BIN)
    shell = Shell(capfd)
    last_id = ""
    for command in commands(read(name)):
        if _not_run(command.line):
            assert command.output is None, f"nothing checks what {command.line} prints"
            continue
        line = re.sub(r"\bID\b", last_id, command.line)
        code, printed = shell.run(line)
        assert code == 0, f"{line}\n{printed}"
        if command.output is not None:
            assert _prints(command.output, printed), f"{line}\n{printed}"
        last_id = found[0] if (found := _ID.search(printed)) else last_id
    if name == "README.md":
        assert Memory().status().records == 1


def test_every_command_that_is_not_run_stands_on_a_page() -> None:
    met = {_not_run(command.line) for page in PAGES for command in commands(read(page_name(page)))}
    assert met - {None} == set(NOT_RUN)


@pytest.mark.parametrize("name", NAMES)
def test_every_make_target_and_command_on_a_page_exists(name: str) -> None:
    in_sentences = re.findall(r"`make\s([a-z-]+)[^`]*`", read(name))
    assert set(in_sentences) <= set(public_targets())
    for command in commands(read(name)):
        for program, *arguments in programs(command.line):
            if program == "make":
                assert arguments[0] in public_targets(), command.line
            elif program.endswith("iai-mcp"):
                assert names_a_command(arguments), command.line


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_to_a_file_and_a_heading(name: str) -> None:
    folder = (ROOT / name).parent
    for target in re.findall(r"\]\(([^)]+)\)", read(name)):
        path, _, anchor = target.partition("#")
        file = folder / path if path else ROOT / name
        assert file.exists(), f"{name} links to {target}"
        if anchor:
            assert anchor in _anchors(file.read_text(encoding="utf-8")), f"{name}: {target}"


def _anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_no_file_names_a_place_on_a_machine_or_a_registry() -> None:
    # Spelt in two parts, so that this file passes.
    places = "|".join(
        ("/ro" + "ot/", "/wo" + "rk/", "pypi" + r"\.org", "python" + "hosted", "npm" + "js")
    )
    pattern = re.compile(rf"(?<![\w.~-])({places})")
    found = {
        str(path.relative_to(ROOT)): match[0]
        for path in _committed()
        if (match := pattern.search(path.read_text(encoding="utf-8", errors="replace")))
    }
    assert found == {}


def _committed() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout: nothing is committed here")
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [file for file in files if file.suffix in TEXT_SUFFIXES and file.is_file()]

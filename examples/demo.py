"""The product in half a minute: `make demo`.

Everything happens in a temporary folder with a HOME of its own; your store is not touched. Each
step checks what it got, and the first one that got something else ends the demo with exit code 1.
"""

from __future__ import annotations

import difflib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import anyio
from mcp import Client, StdioServerParameters, stdio_client
from pydantic import BaseModel
from rich.console import Console
from rich.text import Text

from iai_memory.results import Forgotten, Hit, Recalled, Status, Superseded

HERE = Path(__file__).parent
COMMAND = Path(sys.executable).with_name("iai-mcp")
HOOK = HERE.parent / "hooks" / "iai-mcp-session-recall.sh"
WORKED_IN = "/home/sam/code/weather-station"  # the folder of two of the sample transcripts

QUESTIONS = (
    ("Which port is the staging database on?", "port 5544"),
    ("Why not bcrypt?", "bcrypt cuts everything after 72 bytes"),
    ("When will OTA be switched on?", "OTA waits until after 28 November"),
)
CHANGED = "OTA is switched on on 5 December 2026, a week after the science fair."
PRIVATE_QUESTION, PRIVATE = "Where is the box mounted?", "roof of the shed"

SLOWEST_COMMAND_SEC = 60.0
SLOWEST_REFRESH_SEC = 10.0
SLOWEST_END_SEC = 5.0
POLL_SEC = 0.02

M = TypeVar("M", bound=BaseModel)


class Wrong(Exception):
    """A step did not give what it should; the text says what."""


def expect(holds: bool, what: str) -> None:
    """Ends the demo unless it holds."""
    if not holds:
        raise Wrong(what)


class Screen:
    """What the user sees: a line a step, coloured on a terminal and plain in a pipe."""

    def __init__(self) -> None:
        terminal = sys.stdout.isatty()
        self.console = Console(highlight=False, width=None if terminal else 100)
        self.width = min(self.console.width, 100)

    def step(self, name: str, text: str, seconds: float | None = None) -> None:
        """A step that gave what it should."""
        took = "" if seconds is None else readable(seconds)
        room = self.width - 13 - len(took)
        line = Text.assemble(("✓ ", "bold green"), (f"{name:<11}", "bold"), cut(text, room))
        line.append(" " * (self.width - len(line) - len(took)))
        line.append(took, "cyan")
        self.console.print(line, soft_wrap=True)

    def detail(self, text: str, style: str = "", mark: str = " ") -> None:
        """A line below a step."""
        self.console.print(Text(f"    {mark} {cut(text, self.width - 6)}", style), soft_wrap=True)

    def page(self, lines: list[str], shown: int) -> None:
        """The first lines of the session-start page."""
        for line in lines[:shown]:
            self.detail(line, "dim", "│")
        if len(lines) > shown:
            self.detail(f"… {len(lines) - shown} more lines", "dim italic", "│")


def readable(seconds: float) -> str:
    """The time as a person says it: milliseconds below a second."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def cut(text: str, width: int) -> str:
    """The text in one line of at most `width` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 2]} …"


@dataclass(frozen=True)
class Place:
    """The temporary folder: a HOME, a store in it, and the servers' stderr."""

    root: Path

    @property
    def store(self) -> Path:
        """The store of this demo."""
        return self.root / "home" / ".iai-mcp"

    @property
    def stderr(self) -> Path:
        """What the servers said on stderr."""
        return self.root / "servers.stderr"

    def environment(self) -> dict[str, str]:
        """The environment of every child: none of the user's settings but the model's folder."""
        ours = {key: value for key, value in os.environ.items() if not key.startswith("IAI_MCP_")}
        model = os.environ.get("IAI_MCP_MODEL")
        return {
            **ours,
            **({"IAI_MCP_MODEL": model} if model else {}),
            "HOME": str(self.root / "home"),
            "PATH": f"{COMMAND.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "IAI_MCP_STORE": str(self.store),
            # A person would wait a minute at most for the next page; a demo should not.
            "IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC": "0",
            "IAI_MCP_REFRESH_TICK_SEC": "0.2",
        }

    def run(self, *command: str, stdin: str = "") -> str:
        """Runs a command in this place and returns its stdout."""
        done = subprocess.run(
            command,
            input=stdin,
            env=self.environment(),
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=SLOWEST_COMMAND_SEC,
            check=False,
        )
        said = done.stderr.strip() or done.stdout.strip()
        expect(done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}: {said}")
        return done.stdout

    def hook(self) -> list[str]:
        """The lines that the SessionStart hook gives a host, straight from the cache."""
        asked = {"hook_event_name": "SessionStart", "source": "startup", "cwd": WORKED_IN}
        page = self.run(str(HOOK), stdin=json.dumps(asked)).splitlines()
        said = "\n".join(log.read_text() for log in (self.store / "logs").glob("recall-*.log"))
        last = said.strip().rpartition("\n")[2]
        expect("cache-hit" in last, f"the hook did not serve the cache, it logged: {last}")
        return page

    def pages(self) -> str:
        """Every cached page of the store in one text."""
        return "\n".join(page.read_text() for page in self.store.rglob("*.cached.md"))


class Server:
    """One `iai-mcp serve` process, seen through the official MCP client."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def call(self, shape: type[M], tool: str, **arguments: Any) -> M:
        """Calls a tool and reads its structured answer."""
        result = await self.client.call_tool(tool, arguments)
        expect(not result.is_error, f"{tool} failed: {result.content}")
        return shape.model_validate(result.structured_content)

    async def recall(self, query: str) -> list[Hit]:
        """The hits for a question, best first, found by meaning and by words."""
        found = await self.call(Recalled, "recall", query=query, limit=5)
        expect(not found.degraded, f"recall is degraded: run `{found.fix}`")
        return found.hits

    async def until_fresh(self) -> float:
        """Waits until the sidecar vouches for the page; returns the seconds that took."""
        started = time.perf_counter()
        status = await self.call(Status, "status")
        while not status.freshness.fresh:
            waited = time.perf_counter() - started
            expect(waited < SLOWEST_REFRESH_SEC, f"the page is not fresh: {status.freshness}")
            await anyio.sleep(POLL_SEC)
            status = await self.call(Status, "status")
        return time.perf_counter() - started


@asynccontextmanager
async def serving(place: Place, screen: Screen, name: str) -> AsyncGenerator[Server]:
    """Starts a server, and checks that it ends by itself when its stdin closes."""
    parameters = StdioServerParameters(
        command=str(COMMAND), args=["serve"], env=place.environment(), cwd=place.root
    )
    started = time.perf_counter()
    with place.stderr.open("a") as stderr:
        async with Client(stdio_client(parameters, errlog=stderr)) as client:
            tools = (await client.list_tools()).tools
            expect(len(tools) == 8, f"the server has {len(tools)} tools instead of 8")
            took = time.perf_counter() - started
            screen.step("serve", f"the {name} server answered, {len(tools)} tools", took)
            yield Server(client)
            closed = time.perf_counter()
    took = time.perf_counter() - closed
    expect(took < SLOWEST_END_SEC, f"the {name} server did not end in {took:.1f} s")
    screen.step("end", f"the {name} server ended after its stdin", took)


def bring_in(place: Place, screen: Screen) -> None:
    """Imports the sample transcripts of both hosts."""
    started = time.perf_counter()
    told: list[str] = []
    for host, name in (("claude", "Claude Code"), ("codex", "Codex")):
        folder = HERE / "transcripts" / host
        with screen.console.status(f"importing {name} transcripts"):
            done = json.loads(place.run(str(COMMAND), "import", host, str(folder), "--json"))
        expect(done["stored"] > 0 and not done["failed"], f"import {host} gave {done}")
        told.append(f"{done['stored']} turns of {name}")
    screen.step("import", " and ".join(told), time.perf_counter() - started)


async def ask(server: Server, screen: Screen) -> Hit:
    """Asks three questions; the right memory has to come first. Returns the last one."""
    first: list[Hit] = []
    for question, answer in QUESTIONS:
        started = time.perf_counter()
        hits = await server.recall(question)
        took = time.perf_counter() - started
        expect(bool(hits) and answer in hits[0].text, f"{question} gave {hits[:1]}")
        screen.step("recall", question, took)
        screen.detail(f"{hits[0].created_at.date()} {hits[0].role}: {hits[0].text}", "dim")
        first.append(hits[0])
    return first[-1]


async def change(server: Server, screen: Screen, old: Hit) -> Superseded:
    """Supersedes a fact; default recall gives the new one only, the old one is not lost."""
    question = QUESTIONS[-1][0]
    started = time.perf_counter()
    done = await server.call(Superseded, "supersede", id=old.id, text=CHANGED)
    screen.step("supersede", CHANGED, time.perf_counter() - started)
    hits = await server.recall(question)
    expect(bool(hits) and hits[0].id == done.new_id, f"the new fact is not first: {hits[:1]}")
    expect(old.id not in {hit.id for hit in hits}, "the superseded fact is still recalled")
    past = await server.call(Recalled, "recall", query=question, include_superseded=True)
    expect(old.id in {hit.id for hit in past.hits}, "the superseded fact is lost")
    return done


async def hide(server: Server, screen: Screen) -> str:
    """Forgets a memory; returns its id."""
    [private, *_] = await server.recall(PRIVATE_QUESTION)
    expect(PRIVATE in private.text, f"{PRIVATE_QUESTION} gave {private}")
    started = time.perf_counter()
    done = await server.call(Forgotten, "forget", ids=[private.id])
    expect(done.forgotten == [private.id], f"forget gave {done}")
    screen.step("forget", private.text, time.perf_counter() - started)
    return private.id


def look_before(place: Place, screen: Screen) -> list[str]:
    """Shows the page that a session would start with now."""
    started = time.perf_counter()
    page = place.hook()
    took = time.perf_counter() - started
    text = "\n".join(page)
    expect(QUESTIONS[-1][1] in text and PRIVATE in text, f"the page is not as expected:\n{text}")
    screen.step("page", f"the SessionStart hook printed {len(page)} lines from the cache", took)
    screen.page(page, 6)
    return page


def look_after(place: Place, screen: Screen, before: list[str], fresh_after: float) -> None:
    """Shows what the next session's page has and has no more."""
    page = place.hook()
    text = "\n".join([*page, place.pages()])
    expect(CHANGED in text, "the new fact is not on the page")
    expect(QUESTIONS[-1][1] not in text, "the superseded fact is still on a page")
    expect(PRIVATE not in text, "the forgotten memory is still on a page")
    screen.step("page", "the server's sidecar brought it up to date by itself", fresh_after)
    for line in difflib.ndiff(before, page):
        if line.startswith("- - "):
            screen.detail(line[4:], "red", "-")
        elif line.startswith("+ - "):
            screen.detail(line[4:], "green", "+")


async def look_from_elsewhere(server: Server, screen: Screen, new_id: str, hidden: str) -> None:
    """Checks that another process sees the same memory."""
    started = time.perf_counter()
    hits = await server.recall(QUESTIONS[-1][0])
    took = time.perf_counter() - started
    expect(bool(hits) and hits[0].id == new_id, f"the second server gave {hits[:1]}")
    found = {hit.id for hit in await server.recall(PRIVATE_QUESTION)}
    expect(hidden not in found, "the second server still recalls what was forgotten")
    screen.step("recall", "the second server sees the new fact, and not the forgotten one", took)


async def show(place: Place, screen: Screen) -> None:
    """The whole demo."""
    bring_in(place, screen)
    async with serving(place, screen, "first") as first:
        old = await ask(first, screen)
        await first.until_fresh()
        before = look_before(place, screen)
        changed = await change(first, screen, old)
        hidden = await hide(first, screen)
        look_after(place, screen, before, await first.until_fresh())
        async with serving(place, screen, "second") as second:
            await look_from_elsewhere(second, screen, changed.new_id, hidden)


def main() -> int:
    """Runs the demo; 0 if every step gave what it should."""
    screen = Screen()
    with tempfile.TemporaryDirectory(prefix="iai-mcp-demo-") as folder:
        place = Place(Path(folder).resolve())
        (place.root / "home").mkdir()
        screen.console.print(
            Text("iai-mcp", "bold"), "in a temporary store; yours is not touched\n"
        )
        started = time.perf_counter()
        faults: list[BaseException] = []
        try:
            anyio.run(show, place, screen)
        except* (Wrong, OSError, subprocess.SubprocessError) as group:
            faults = leaves(group)
        if not faults:
            took = readable(time.perf_counter() - started)
            screen.console.print(f"\nEvery step was checked, {took} in all. Next: README.md.")
            return 0
        for fault in faults:
            screen.console.print(Text.assemble(("✗ ", "bold red"), str(fault)), soft_wrap=True)
        if place.stderr.exists():
            sys.stderr.write("\n".join(place.stderr.read_text().splitlines()[-20:]) + "\n")
        return 1


def leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """The exceptions in a group of groups."""
    found: list[BaseException] = []
    for fault in group.exceptions:
        found += leaves(fault) if isinstance(fault, BaseExceptionGroup) else [fault]
    return found


if __name__ == "__main__":
    sys.exit(main())

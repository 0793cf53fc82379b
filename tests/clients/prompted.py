"""A store with a fact that belongs to a prompt, and real hosts that ask for it there."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.talking import ChildServer, child_server

from iai_memory import Memory, load_settings

from .model_stub import ModelStub
from .place import Place, Ran

FACT = "The staging database of the weather station listens on port 5544."
QUESTION = "Which port does the staging database of the weather station listen on?"
BEGIN, END = "<iai-mcp-recall>", "</iai-mcp-recall>"
POEM = "Write a poem about the sea."

_TRIES = 10
_WAIT_SEC = 60
_ID = re.compile(r"\[([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\]$", re.MULTILINE)


@dataclass(frozen=True)
class Answered:
    """What was before the model at a prompt.

    Attributes:
        seen: Everything of the first request.
        reason: Why the server said something or nothing.
    """

    seen: str
    reason: str

    @property
    def blocks(self) -> list[str]:
        """What was recalled, each whole."""
        return re.findall(f"{BEGIN}\n.*?\n{END}", self.seen, re.DOTALL)

    @property
    def ids(self) -> list[str]:
        """The ids of the memories in these."""
        return [id_ for block in self.blocks for id_ in _ID.findall(block)]


def know_the_fact(place: Place) -> None:
    """Store the fact, which is on no page, and something that is."""
    place.ingest("The harbour crane was repainted yellow.")
    told = {"text": FACT, "role": "assistant", "created_at": "2024-01-05", "session_id": "old"}
    memory = Memory(settings=load_settings(store=place.store, model=place.model))
    memory.ingest([told], origin="import")
    assert FACT not in place.refresh()


@contextmanager
def serving(place: Place) -> Generator[ChildServer]:
    """The server of another session, which has answered already."""
    with child_server(place.store, place.model) as child:
        child.ask("recall", {"query": QUESTION})
        wait_for(lambda: f"server-{child.process.pid}" in meeting(place))
        yield child


def meeting(place: Place) -> list[str]:
    """The names in the folder where hooks and servers meet."""
    return [path.name for path in (place.store / "run").iterdir()]


def prompt_log(place: Place) -> list[str]:
    """What became of each prompt, as hooks and servers noted it."""
    logs = sorted((place.store / "logs").glob("prompt-*.log"))
    lines = [line for path in logs for line in path.read_text(encoding="utf-8").splitlines()]
    return [line.partition(" ")[2] for line in lines]


def answered(
    place: Place,
    model: ModelStub,
    run: Callable[[Place, ModelStub, str], Ran],
    prompt: str = QUESTION,
) -> Answered:
    """What the model got at a prompt, once a server was in time: a busy machine makes some late."""
    for _ in range(_TRIES):
        noted, asked = len(prompt_log(place)), len(model.asked)
        ran = run(place, model, prompt)
        assert ran.code == 0, ran
        lines = prompt_log(place)[noted:]
        if not any("late" in line.split() for line in lines):
            [reason] = re.findall(r"reason=(\w+)", "\n".join(lines))
            return Answered(model.seen(asked), reason)
    raise AssertionError(f"late {_TRIES} times: {prompt_log(place)}")


def waiting_servers(place: Place) -> list[int]:
    """The processes of the servers that wait for hooks."""
    marks = [name.removeprefix("server-") for name in meeting(place) if name.startswith("server-")]
    return [int(pid) for pid in marks if Path("/proc", pid).exists()]


def wait_for(happened: Callable[[], object]) -> None:
    """Wait until it is so."""
    waited = threading.Event()
    for _ in range(_WAIT_SEC * 100):
        if happened():
            return
        waited.wait(0.01)
    raise AssertionError("it did not happen")

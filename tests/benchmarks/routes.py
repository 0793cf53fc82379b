"""The two ways to the product that are measured: the library, and a real server over stdio."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol

from anyio.from_thread import start_blocking_portal
from mcp import Client, StdioServerParameters

from iai_memory import Memory, Settings

from .processes import rss_bytes

RouteName = Literal["library", "server"]
ROUTES: tuple[RouteName, ...] = ("library", "server")
LIMIT = 10
BUDGET_TOKENS = 100_000  # so large that it cuts nothing


class Route(Protocol):
    """A way to one store."""

    def ingest(self, memories: Sequence[dict[str, Any]]) -> list[str]:
        """Stores them and returns their ids in the same order."""
        ...

    def recall(self, query: str) -> list[str]:
        """The ids of the ten best hits, best first."""
        ...

    def rss_bytes(self) -> int | None:
        """Resident memory of the process that answers; None where the system does not tell."""
        ...


class LibraryRoute:
    """`Memory` in this process."""

    def __init__(self, settings: Settings) -> None:
        """Binds the store."""
        self._memory = Memory(settings=settings)

    def ingest(self, memories: Sequence[dict[str, Any]]) -> list[str]:
        """See `Route`."""
        return [_id(result.id) for result in self._memory.ingest(memories).results]

    def recall(self, query: str) -> list[str]:
        """See `Route`."""
        found = self._memory.recall(query, limit=LIMIT, budget_tokens=BUDGET_TOKENS)
        return [hit.id for hit in found.hits]

    def rss_bytes(self) -> int | None:
        """See `Route`; this process holds the benchmark too."""
        return rss_bytes(os.getpid())


class ServerRoute:
    """A child process `iai-mcp serve`, asked by the official client."""

    def __init__(self, call: Any, pid: int) -> None:
        """Takes a function that calls a tool and returns its structured content."""
        self._call = call
        self._pid = pid

    def ingest(self, memories: Sequence[dict[str, Any]]) -> list[str]:
        """See `Route`."""
        return [
            _id(result["id"])
            for result in self._call("ingest", {"memories": list(memories)})["results"]
        ]

    def recall(self, query: str) -> list[str]:
        """See `Route`."""
        arguments = {"query": query, "limit": LIMIT, "budget_tokens": BUDGET_TOKENS}
        return [hit["id"] for hit in self._call("recall", arguments)["hits"]]

    def rss_bytes(self) -> int | None:
        """See `Route`."""
        return rss_bytes(self._pid)


@contextmanager
def opened(name: RouteName, settings: Settings) -> Generator[Route]:
    """Opens a route to the settings' store, ready to answer, and ends what it started."""
    if name == "library":
        yield LibraryRoute(settings)
        return
    with _serving(settings) as route:
        yield route


@contextmanager
def _serving(settings: Settings) -> Generator[ServerRoute]:
    folder = settings.store.parent
    pid_file = folder / "server.pid"
    server = StdioServerParameters(
        # The client does not tell the child's process id; sh does, before it becomes the server.
        command="/bin/sh",
        args=["-c", 'echo $$ > "$0"; exec "$@"', str(pid_file), *serve_command()],
        env={
            "IAI_MCP_STORE": str(settings.store),
            "IAI_MCP_MODEL": str(settings.model or "installed"),
        },
        cwd=folder,
    )
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(server)) as client,
    ):

        def call(tool: str, arguments: dict[str, Any]) -> Any:
            result = portal.call(client.call_tool, tool, arguments)
            if result.is_error:
                raise RuntimeError(f"{tool}: {result.content}")
            return result.structured_content

        call("status", {})  # waits until table and model are loaded
        yield ServerRoute(call, int(pid_file.read_text()))


def serve_command() -> list[str]:
    """The command that hosts would run, with this interpreter."""
    return [sys.executable, "-m", "iai_server", "serve"]


def timed_recall(route: Route, query: str) -> tuple[list[str], float]:
    """What the route found, and the seconds it took as the caller sees them."""
    started = time.perf_counter()
    found = route.recall(query)
    return found, time.perf_counter() - started


def _id(id_: str | None) -> str:
    if id_ is None:
        raise RuntimeError("a turn was skipped: the data set has text that iai-mcp does not store")
    return id_

"""The eight tools: arguments as a host sees them; each calls the method of the same name.

Together, names, descriptions and input schemas may cost a model 1,500 tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp_types import ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field, WrapValidator

from iai_memory.base.defaults import BUDGET_TOKENS, LIMIT
from iai_memory.errors import InvalidInput
from iai_memory.results import (
    Forgotten,
    IngestReport,
    Pinned,
    Recalled,
    SessionStartPage,
    Status,
    Superseded,
    Timeline,
)

from .app import App

if TYPE_CHECKING:
    from iai_memory import Memory

_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
_ADDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_HIDES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)

Time = Annotated[str | None, Field(description="ISO date or time")]
# What says "user" is taken, as a note, and the result says so: a refusal would lose it.
Role = Annotated[
    Literal["note", "assistant", "tool"],
    WrapValidator(lambda value, check: value if value == "user" else check(value)),
]
Project = Annotated[str | None, Field(description='name; "." = this project; without it, all')]


class MemoryInput(BaseModel):
    """One memory to store."""

    model_config = ConfigDict(extra="forbid")

    text: str
    role: Role = "note"
    created_at: Time = None
    project: Annotated[str | None, Field(description="name; without it, this project")] = None
    everywhere: Annotated[bool, Field(alias="global", description="of no project")] = False
    session_id: str | None = None
    tags: list[str] = []
    pinned: Annotated[bool, Field(description="behind the user's pins")] = False
    derived_from: Annotated[list[str], Field(description="ids it was made from")] = []


def register_tools(app: App, memory: Callable[[], Memory]) -> None:
    """Add the tools to the server; the order is the order in which hosts list them."""
    tools = _Tools(memory)
    app.add_tool(
        tools.recall,
        description="Find what was said or decided before. Call it before answering from "
        "general knowledge.",
        annotations=_READS,
    )
    app.add_tool(
        tools.timeline,
        description="List exchanges and memories in time, newest first. Call it for what happened "
        "when.",
        annotations=_READS,
    )
    app.add_tool(
        tools.session_start,
        description="The page of what matters now. Call it once at the start if no hook gave it.",
        annotations=_READS,
    )
    app.add_tool(
        tools.status,
        description="Counts, model, freshness and last errors. Call it when memory seems wrong.",
        annotations=_READS,
    )
    app.add_tool(
        tools.ingest,
        description="Store facts, preferences, decisions verbatim. Call it when one is stated.",
        annotations=_ADDS,
    )
    app.add_tool(
        tools.supersede,
        description="Replace a fact that is no longer true; both stay. Call it instead of ingest "
        "when a recalled memory changed.",
        annotations=_ADDS,
    )
    app.add_tool(
        tools.forget,
        description="Hide memories; can be undone. Call it only when the user asks to forget.",
        annotations=_HIDES,
    )
    app.add_tool(
        tools.pin,
        description="Keep a memory on the session-start page, or tag it. Call it for what must "
        "never be missed.",
        annotations=_ADDS,
    )


class _Tools:
    """The tools over one memory. Signatures are the input schemas, return types the output's."""

    def __init__(self, memory: Callable[[], Memory]) -> None:
        self._memory = memory

    def recall(
        self,
        query: Annotated[str, Field(description="a question or words")],
        limit: Annotated[int, Field(description="1 to 50")] = LIMIT,
        project: Project = None,
        since: Time = None,
        until: Time = None,
        as_of: Annotated[str | None, Field(description="answer from what was true then")] = None,
        tags: list[str] | None = None,
        origins: Annotated[
            list[Literal["hook", "tool", "import", "cli"]] | None,
            Field(description="ways it came"),
        ] = None,
        include_superseded: bool = False,
        budget_tokens: int = BUDGET_TOKENS,
        min_confidence: Annotated[
            float | None, Field(description="0 to 1; less sure is answered with no hits")
        ] = None,
    ) -> Recalled:
        memory = self._memory()
        found = memory.recall(
            query,
            catch_up=True,
            limit=limit,
            project=project,
            since=since,
            until=until,
            as_of=as_of,
            tags=tags,
            origins=origins,
            include_superseded=include_superseded,
            budget_tokens=budget_tokens,
            min_confidence=min_confidence,
        )
        hits = found.hits
        memory.note_answered("recall", [one.id for one in hits], [one.confidence for one in hits])
        return found

    def timeline(
        self,
        project: Project = None,
        session_id: str | None = None,
        since: Time = None,
        until: Time = None,
        limit: Annotated[int, Field(description="1 to 500")] = 20,
        turns: Annotated[bool, Field(description="each turn by itself")] = False,
    ) -> Timeline:
        memory = self._memory()
        found = memory.timeline(
            project=project,
            session_id=session_id,
            since=since,
            until=until,
            limit=limit,
            catch_up=True,
            turns=turns,
        )
        memory.note_answered("timeline", [one.id for one in found.records])
        return found

    def session_start(
        self,
        project: Annotated[str | None, Field(description="name; without it, this project")] = None,
        refresh: Annotated[bool, Field(description="render it now")] = False,
        session: Annotated[str | None, Field(description="where this one left off")] = None,
        since: Annotated[str | None, Field(description="the sessions since this date")] = None,
    ) -> SessionStartPage:
        memory = self._memory()
        shown = memory.default_project if project is None else project
        page = memory.session_start(
            shown, refresh=refresh, catch_up=True, session=session, since=since
        )
        memory.note_answered("session_start", page.memory_ids)
        return page

    def status(self) -> Status:
        return self._memory().status()

    def ingest(self, memories: list[MemoryInput]) -> IngestReport:
        memory = self._memory()
        return memory.ingest([_in_project(one, memory.default_project) for one in memories])

    def supersede(
        self,
        id: Annotated[str, Field(description="of the old memory")],
        text: Annotated[str, Field(description="what is true now")],
        reason: str = "",
        at: Annotated[str | None, Field(description="ISO; true since")] = None,
    ) -> Superseded:
        return self._memory().supersede(id, text, reason=reason, at=at)

    def forget(self, ids: list[str], reason: str = "") -> Forgotten:
        return self._memory().forget(ids, reason=reason)

    def pin(
        self,
        id: str,
        pinned: bool = True,
        add_tags: list[str] | None = None,
        remove_tags: list[str] | None = None,
    ) -> Pinned:
        return self._memory().pin(
            id, pinned=pinned, add_tags=add_tags or [], remove_tags=remove_tags or []
        )


def _in_project(memory: MemoryInput, own: str | None) -> dict[str, Any]:
    """Return the fields of a memory; of this project unless it names another one or none."""
    if memory.everywhere and memory.project is not None:
        raise InvalidInput("project and global at once: send one of them")
    project = own if memory.project is None and not memory.everywhere else memory.project
    return {**memory.model_dump(exclude={"everywhere"}), "project": project}

"""The three resources: the session-start page, one memory, and what a session was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from iai_memory.text.visible import escape_unprintable

from .app import App

if TYPE_CHECKING:
    from iai_memory import Memory


def register_resources(app: App, memory: Callable[[], Memory]) -> None:
    """Add the resources to the server."""

    def session_start_page() -> str:
        found = memory()
        page = found.session_start(found.default_project)
        found.note_page(page, session_id=None)
        return page.payload

    def record(id: str) -> str:
        return escape_unprintable(memory().record(id).model_dump_json())

    def injections(session: str) -> str:
        return escape_unprintable(memory().why(session, catch_up=True).model_dump_json())

    app.resource(
        "memory://session-start",
        description="The page of what matters now.",
        mime_type="text/markdown",
    )(session_start_page)
    app.resource(
        "memory://record/{id}", description="One memory, whole.", mime_type="application/json"
    )(record)
    app.resource(
        "memory://injections/{session}",
        description="What was put before the model in a session, and what it used.",
        mime_type="application/json",
    )(injections)

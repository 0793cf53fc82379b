"""The two prompts that a user can choose in a host."""

from __future__ import annotations

from .app import App


def register_prompts(app: App) -> None:
    """Add the prompts to the server."""
    app.prompt(description="Store what this conversation decided.")(remember)
    app.prompt(name="what-do-you-know", description="Say what the memory holds on a subject.")(
        what_do_you_know
    )


def remember() -> str:
    """Return the request to store what was decided."""
    return (
        "Go through this conversation. Store each lasting fact, preference and decision with "
        "the `ingest` tool, one memory each, in my own words. Where one replaces something "
        "that `recall` finds, use `supersede`. Then list what you stored."
    )


def what_do_you_know(subject: str) -> str:
    """Return the request to report what is remembered about a subject."""
    return (
        f"Use the `recall` tool to find everything about: {subject}. Tell me what it says, "
        f"with dates, what is no longer true, and what you could not find."
    )

"""Memories of three themes, five of each, and the topics of a store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iai_memory import Memory
from iai_memory.analysis.topics import TopicMap, build_topics

THEMES = {
    "bees": (
        "The beehive near the orchard swarmed in May.",
        "Honey from the beehive gave forty jars this year.",
        "Sugar syrup feeds the bees in the beehive through winter.",
        "The queen of the second beehive was marked blue, the bees took her.",
        "Varroa mites were counted on the bees of the beehive in August.",
    ),
    "shop": (
        "The staging database of the shop listens on port 5544.",
        "Migrations of the shop database run before each deploy.",
        "The shop database is backed up to cold storage every night.",
        "The connection pool of the shop database was raised to twenty.",
        "The slow query log of the shop database shows the orders table.",
    ),
    "station": (
        "The weather station sends the temperature every ten minutes.",
        "The rain gauge of the weather station was cleaned.",
        "Wind readings of the weather station drift at night.",
        "The humidity sensor of the weather station was replaced.",
        "The weather station loses its connection in storms.",
    ),
}
OpenMemory = Callable[..., Memory]


def corpus() -> list[dict[str, Any]]:
    """The memories of all themes, one a day in May 2026, with the theme as their project."""
    return [
        {"text": text, "project": project, "created_at": f"2026-05-{day + 1:02}"}
        for project, texts in THEMES.items()
        for day, text in enumerate(texts)
    ]


def topics_of(memory: Memory) -> TopicMap:
    """The topics of the store as it is now."""
    return build_topics(memory.store, embedder=memory.embedder_key)


def store_all(memory: Memory, items: list[dict[str, Any]]) -> list[str]:
    """Stores the items; returns the ids of those that were new."""
    return [one.id for one in memory.ingest(items).results if one.id is not None]

"""The topic map on disk: topics.json, which may be lost without harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ..base.json_file import whole_numbers
from ..base.page_mark import page_change
from ..base.paths import StorePaths
from ..base.state_file import read_state, write_state
from .topics import TopicMap

_FORMAT: Final = 1
_NUMBERS: Final = ("content_version", "removal_version", "records_total")


def topics_path(paths: StorePaths) -> Path:
    """Return the path of the file."""
    return paths.root / "topics.json"


def save_topics(paths: StorePaths, topics: TopicMap) -> None:
    """Replace the map atomically, mode 0600, and mark the pages, which lack it, as behind.

    Raises:
        StoreUnavailable: The folder cannot be made, or the mark not be set.
        StoreBusy: Another process kept the lock of the mark for 5 s.
        OSError: The disk is full or the folder cannot be written; the old map stays.
    """
    fields: dict[str, Any] = {name: getattr(topics, name) for name in _NUMBERS}
    fields["embedder"] = topics.embedder
    # A field of its own: a project may have any name, and None is no key of JSON.
    fields["all"] = list(topics.lines.get(None, ()))
    fields["projects"] = {
        name: list(lines) for name, lines in topics.lines.items() if name is not None
    }
    fields["all_facts"] = list(topics.facts.get(None, ()))
    fields["project_facts"] = {
        name: list(ids) for name, ids in topics.facts.items() if name is not None
    }
    with page_change(paths):
        write_state(topics_path(paths), _FORMAT, fields)


def load_topics(paths: StorePaths) -> TopicMap | None:
    """Return the map; None where there is none that can be read."""
    fields = read_state(topics_path(paths), _FORMAT)
    if fields is None:
        return None
    numbers = whole_numbers(fields, _NUMBERS)
    embedder, projects = fields.get("embedder"), fields.get("projects")
    if numbers is None or not isinstance(embedder, str) or not isinstance(projects, dict):
        return None
    pages: dict[str | None, Any] = {None: fields.get("all"), **projects}
    if not all(
        isinstance(lines, list) and all(isinstance(line, str) for line in lines)
        for lines in pages.values()
    ):
        return None
    facts = fields.get("project_facts")
    of_pages = {None: fields.get("all_facts"), **(facts if isinstance(facts, dict) else {})}
    content_version, removal_version, records_total = numbers
    return TopicMap(
        content_version=content_version,
        removal_version=removal_version,
        records_total=records_total,
        embedder=embedder,
        lines={name: tuple(lines) for name, lines in pages.items()},
        facts={
            name: tuple(ids)
            for name, ids in of_pages.items()
            if isinstance(ids, list) and all(isinstance(id_, str) for id_ in ids)
        },
    )

"""A memory before it is stored, checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from ..base.checks import check_flag, check_name, check_tags, check_text
from ..base.clock import parse_time
from ..errors import InvalidInput
from ..projects.names import is_here
from ..store.idempotency import TurnIdentity
from ..store.record import ROLES

MAX_SOURCES: Final = 100


@dataclass(frozen=True, slots=True)
class NewMemory:
    """A memory before it is stored.

    Attributes:
        text: Verbatim, at most 1 MB of UTF-8.
        role: user, assistant, tool or note.
        created_at: When it was said; None is now.
        project: The project it belongs to.
        session_id: The host's session.
        turn_id: The host's number of the turn; the same turn is stored once.
        host: The host that reported it.
        cwd: The folder the host worked in.
        tags: Names to filter by.
        pinned: Whether it is among the pinned facts of the session-start page.
        derived_from: Ids of the memories that it was made from; it is trusted no more than they.
        identity: What identifies a turn out of a transcript; only its parser can say, so plain data
            cannot.
        changed_files: Of a turn out of a transcript, see `store/changed_files`; neither can plain
            data say that.
    """

    text: str
    role: str = "note"
    created_at: datetime | None = None
    project: str | None = None
    session_id: str | None = None
    turn_id: str | None = None
    host: str | None = None
    cwd: str | None = None
    tags: tuple[str, ...] = ()
    pinned: bool = False
    derived_from: tuple[str, ...] = ()
    identity: TurnIdentity | None = None
    changed_files: tuple[str, ...] = ()


def new_memory(values: Any, zone: tzinfo = UTC) -> NewMemory:
    """Return the memory that plain data describes: a text, or an object as JSON gives it.

    A time of creation without a zone is of `zone`.

    Raises:
        InvalidInput: A field cannot be used; the error names it and says what to send instead.
    """
    if isinstance(values, NewMemory):
        return _checked(values)
    if isinstance(values, str):
        return _checked(NewMemory(text=values))
    if not isinstance(values, dict):
        raise InvalidInput('a memory is not an object: send for example {"text": "…"}')
    known = set(NewMemory.__dataclass_fields__) - {"identity", "changed_files"}
    if unknown := sorted(str(key) for key in values if key not in known):
        raise InvalidInput(f"a memory has no field {unknown[0]!r}: send {', '.join(sorted(known))}")
    given = {key: value for key, value in values.items() if value is not None}
    if "text" not in given:
        raise InvalidInput('a memory has no text: send for example {"text": "…"}')
    if "created_at" in given:
        if not isinstance(given["created_at"], str | datetime):
            raise InvalidInput('created_at is not text: send for example "2026-05-08T14:00:00Z"')
        given["created_at"] = parse_time(given["created_at"], "created_at", zone=zone)
    if "tags" in given:
        given["tags"] = check_tags(given["tags"], "tags")
    if "derived_from" in given:
        given["derived_from"] = _check_sources(given["derived_from"])
    return _checked(NewMemory(**given))


def new_memories(
    values: Any, zone: tzinfo = UTC, own_project: str | None = None
) -> list[NewMemory]:
    """Return the memories that plain data describes: one of `new_memory`, or several.

    As when they are asked for, "." as project is `own_project`.

    Raises:
        InvalidInput: There is none, or a field of one cannot be used.
    """
    listed = [values] if isinstance(values, str | dict) else values
    if not isinstance(listed, Iterable):
        raise InvalidInput('memories is not a list: send for example [{"text": "…"}]')
    memories = [_in_project(new_memory(one, zone), own_project) for one in listed]
    if not memories:
        raise InvalidInput('memories is empty: send for example [{"text": "…"}]')
    return memories


def _in_project(memory: NewMemory, own_project: str | None) -> NewMemory:
    if memory.project is None or not is_here(memory.project):
        return memory
    if own_project is None:
        raise InvalidInput('project "." is not known here: send the project\'s name, or null')
    return replace(memory, project=own_project)


def _checked(memory: NewMemory) -> NewMemory:
    check_text(memory.text)
    if memory.role not in ROLES:
        raise InvalidInput(f"role is {memory.role!r}: send one of {', '.join(ROLES)}")
    for name in ("project", "session_id", "turn_id", "host", "cwd"):
        value = getattr(memory, name)
        if value is not None:
            check_name(value, name)
    check_flag(memory.pinned, "pinned")
    return memory


def _check_sources(ids: Any) -> tuple[str, ...]:
    listed = isinstance(ids, list | tuple) and all(isinstance(id_, str) for id_ in ids)
    if not listed or len(ids) > MAX_SOURCES:
        raise InvalidInput(
            f"derived_from is not a list of at most {MAX_SOURCES} ids: send ids that recall "
            f"returned"
        )
    return tuple(dict.fromkeys(ids))

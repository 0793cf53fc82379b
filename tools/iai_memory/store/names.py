"""Names beside a memory's text as they are stored: ids, folder, project, host and tags.

Hosts and callers choose them, and whoever writes a transcript writes them, too. A text is redacted;
its names would carry a secret, our page's fence or a control character past that, into the table,
the names of page files and every output. A plain name is stored as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from ..base.checks import MAX_NAME_LENGTH, MAX_TAG_LENGTH, MAX_TAGS
from ..privacy.redaction import redact
from ..text.fence import FENCES, has_fence
from ..text.visible import escape_unprintable
from .record import Record

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# C0 and C1 controls, line and paragraph separators, halves of a surrogate pair. Marks of direction
# stay: they stand in names of real folders, and what prints a name escapes them.
_CONTROL: Final = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FENCE_MARK: Final = "[redacted:fence]"
_MAX_KNOWN: Final = 4_096


def stored_id(value: str | None) -> str | None:
    """Return a host's or caller's id as it is stored; None for a blank one.

    One that is too long or not plain becomes a digest: the same for the same id, and for no other.
    """
    if value is None or not value.strip():
        return None
    if _UUID.fullmatch(value) or _is_plain(value):
        return value
    return f"id-{sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def stored_place(value: str | None) -> str | None:
    """Return a folder, a project or a host as it is stored; None for a blank or too long one.

    Secrets and fences become marks, control characters their escapes.
    """
    if value is None or not value.strip() or len(value) > MAX_NAME_LENGTH:
        return None
    if _is_plain(value):
        return value
    shown = _without_secrets(value)
    return shown if len(shown) <= MAX_NAME_LENGTH else None


def stored_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return tags as they are stored, at most 100, each once; blank and too long ones are left out.

    What `stored_place` escapes is a blank here.
    """
    kept: dict[str, None] = {}
    for tag in tags:
        plain = tag
        if len(tag) <= MAX_TAG_LENGTH and not _is_plain(tag):
            plain = _without_secrets(" ".join(_CONTROL.sub(" ", tag).split()))
        if plain.strip() and len(plain) <= MAX_TAG_LENGTH:
            kept[plain] = None
    return tuple(kept)[:MAX_TAGS]


def stored_names(record: Record) -> dict[str, Any]:
    """Return the names of a record as they are stored, by field."""
    return {
        "host": stored_place(record.host),
        "session_id": stored_id(record.session_id),
        "turn_id": stored_id(record.turn_id),
        "project": stored_place(record.project),
        "cwd": stored_place(record.cwd),
        "tags": stored_tags(record.tags),
    }


@lru_cache(_MAX_KNOWN)
def _is_plain(value: str) -> bool:
    if len(value) > MAX_NAME_LENGTH or _CONTROL.search(value) or has_fence(value):
        return False
    return redact(value).text == value


def _without_secrets(value: str) -> str:
    text = redact(value).text
    for fence in FENCES:
        text = text.replace(fence, _FENCE_MARK)
    return _CONTROL.sub(lambda found: escape_unprintable(found[0]), text)

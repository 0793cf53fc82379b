"""The small JSON files that a sleep leaves beside the table; each can be lost without harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .files import make_private_folder, replace_file


def read_note(path: Path, note_format: int) -> dict[str, Any] | None:
    """The object in the file; None where it is missing, unreadable or of another format."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(fields, dict) or fields.get("format") != note_format:
        return None
    return fields


def write_note(path: Path, note_format: int, fields: dict[str, Any]) -> None:
    """Replaces the file in one step, mode 0600.

    Raises:
        StoreUnavailable: The folder cannot be made.
        OSError: The disk is full or the folder cannot be written; the old file stays.
    """
    make_private_folder(path.parent)
    text = json.dumps({"format": note_format, **fields}, ensure_ascii=False, indent=1)
    replace_file(path, text.encode() + b"\n")


def whole_numbers(fields: dict[str, Any], names: tuple[str, ...]) -> list[int] | None:
    """The fields' values; None where one is missing or no whole number."""
    values = [fields.get(name) for name in names]
    # `type`, because True is an int to isinstance.
    numbers = [value for value in values if type(value) is int]
    return numbers if len(numbers) == len(names) else None

"""State files with a format number: written in one step, of no use to a version with another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from .files import make_private_folder, replace_file
from .json_file import read_object

MAX_BYTES: Final = 16 << 20


def read_state(path: Path, file_format: int) -> dict[str, Any] | None:
    """Return the fields of the file, or None where there is none of this format; see `json_file`.

    Args:
        path: The file.
        file_format: The value that its field `format` must have.
    """
    fields = read_object(path, MAX_BYTES)
    return fields if fields is not None and fields.get("format") == file_format else None


def write_state(path: Path, file_format: int, fields: dict[str, Any]) -> None:
    """Replace the file in one step, mode 0600, and make its folder where it is missing.

    Raises:
        StoreUnavailable: The folder cannot be made.
        OSError: The disk is full or the folder cannot be written; the old file stays.
    """
    make_private_folder(path.parent)
    text = json.dumps({"format": file_format, **fields}, ensure_ascii=False, indent=1)
    replace_file(path, text.encode() + b"\n")

"""The small files of a store that no table has and nothing else can make anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from ..base.files import make_private_folder, replace_file
from ..base.json_file import read_own_file
from ..base.machine_faults import machine_fault
from ..base.paths import StorePaths
from ..errors import StoreUnavailable

KIND: Final = ".files"
"""Part of the name of a segment that holds them."""

_NAME: Final = "iai_mcp_file"
_MAX_BYTES: Final = 16 << 20
# The aliases of projects, and what the user decided on transcripts that cannot be read.
_PATTERNS: Final = ("projects.json", "spool/failed/*.json")


def lines_of_files(paths: StorePaths) -> Iterator[bytes]:
    """Yield each file as a line of JSON; one that cannot be read is left out."""
    for pattern in _PATTERNS:
        for path in sorted(paths.root.glob(pattern)):
            try:
                content = read_own_file(path, _MAX_BYTES)
                text = None if content is None else content.decode()
            except (OSError, UnicodeDecodeError):
                continue  # who needs it says what is wrong with it
            if text is not None:
                fields = {_NAME: str(path.relative_to(paths.root)), "content": text}
                yield json.dumps(fields, ensure_ascii=False).encode()


def with_content(line: bytes, change: Callable[[str], str]) -> bytes:
    """Return the line with its file's content as `change` returns it."""
    fields: dict[str, Any] = json.loads(line)
    content = change(str(fields["content"]))
    if content == fields["content"]:
        return line
    return json.dumps({**fields, "content": content}, ensure_ascii=False).encode()


def write_files(paths: StorePaths, lines: Iterable[bytes]) -> list[str]:
    """Put the files back where there is none of that name; return the names.

    Raises:
        StoreUnavailable: One of them cannot be written.
    """
    written: list[str] = []
    for line in lines:
        fields: dict[str, Any] = json.loads(line)
        name = str(fields[_NAME])
        path = paths.root / name
        if not any(Path(name).match(pattern) for pattern in _PATTERNS) or ".." in path.parts:
            continue
        if path.exists():
            continue
        make_private_folder(path.parent)
        try:
            replace_file(path, str(fields["content"]).encode())
        except OSError as exc:
            raise StoreUnavailable(machine_fault(exc, f"{path} cannot be written")) from exc
        written.append(name)
    return written

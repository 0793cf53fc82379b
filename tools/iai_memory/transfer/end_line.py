"""The last line of an export, which says whether the file is whole: count and digest of the others.

A copy that was cut short, or a file that was edited, differs from it. Several exports may stand in
one file, one behind the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from .jsonl_export import FORMAT

END: Final = "end_of_export"
"""The field of the line: the number of lines before it."""

_WITHIN: Final = 64


def with_end(lines: Iterable[str], missing: Callable[[], int | None]) -> Iterator[str]:
    """Yield the lines and one that says how many they are, with their digest.

    Args:
        lines: Of an export, without line ends.
        missing: Asked after the last of them: how many memories could not be exported; None where
            nobody knows.
    """
    count, digest = 0, hashlib.sha256()
    for line in lines:
        count += 1
        digest.update(_bytes(line))
        yield line
    yield json.dumps(
        {"iai_mcp": FORMAT, END: count, "missing": missing(), "sha256": digest.hexdigest()}
    )


def end_of(line: str) -> dict[str, Any] | None:
    """Return the fields of a last line; None for any other line."""
    if f'"{END}"' not in line[:_WITHIN]:
        return None
    try:
        fields: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) and END in fields else None


class CheckedLines:
    """Lines of an exported file, counted and digested while they are read.

    Attributes:
        faults: How the file differs from what was exported, a sentence each.
        warnings: What else is to be known of it.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        """Take the file's lines, each with its line end; nothing is read yet."""
        self.faults: list[str] = []
        self.warnings: list[str] = []
        self._lines = lines

    def __iter__(self) -> Iterator[str]:
        """Yield the lines that are no last lines; `faults` is complete afterwards."""
        count, digest, number = 0, hashlib.sha256(), 0
        for number, line in enumerate(self._lines, 1):
            if not line.strip():
                continue
            end = end_of(line)
            if end is not None:
                self._compare(end, count, digest.hexdigest())
                count, digest = 0, hashlib.sha256()
            elif number > 1 and not line.endswith("\n") and not _is_json(line):
                self.faults.append(
                    f"line {number} ends in the middle, so the file was cut short: what followed "
                    f"is missing"
                )
                return
            else:
                count += 1
                digest.update(_bytes(line))
                yield line
        if count:
            self.warnings.append(
                f"the file does not say where it ends: it was cut short behind line {number}, or "
                f"an earlier iai-mcp exported it"
            )

    def _compare(self, end: dict[str, Any], count: int, digest: str) -> None:
        said, missing = end[END], end.get("missing")
        if type(said) is not int:
            self.faults.append("the last line says no number of lines")
        elif said > count:
            lines = "1 line is" if said - count == 1 else f"{said - count:,} lines are"
            self.faults.append(f"{lines} missing: {said:,} were exported, the file has {count:,}")
        elif said < count:
            self.faults.append(f"{said:,} lines were exported, the file has {count:,}")
        elif end.get("sha256") != digest:
            self.faults.append("a line was changed since it was exported")
        if missing is None:
            self.warnings.append(
                "it was exported from a damaged store, and nobody knows how many memories it lacks"
            )
        elif missing:
            self.warnings.append(
                f"it was exported from a damaged store and lacks {missing:,} of its memories"
            )


def _bytes(line: str) -> bytes:
    # Without its line end, which an editor or a transfer may have changed.
    return line.rstrip("\r\n").encode("utf-8", "surrogatepass") + b"\n"


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True

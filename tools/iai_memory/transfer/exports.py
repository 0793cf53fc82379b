"""Where exports of a store went, and the removal of memories from those files.

`exports.json` names the newest thousand files that `iai-mcp export` wrote. What was written to
stdout, copied or renamed, nobody can know.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Final

from ..base.clock import iso, utc_now
from ..base.foreign_file import open_foreign
from ..base.machine_faults import machine_fault
from ..base.new_file import replaced_file
from ..base.paths import StorePaths
from ..base.state_file import read_state, write_state
from ..errors import ForeignFileFault, ForeignFileMissing, StoreUnavailable
from .end_line import CheckedLines, end_of, with_end

_FORMAT: Final = 1
_MAX_NOTED: Final = 1_000


def note_export(paths: StorePaths, file: Path) -> None:
    """Note a file that an export wrote.

    Raises:
        StoreUnavailable: The store's folder cannot be written.
    """
    noted = {**_noted(paths), str(file.absolute()): iso(utc_now())}
    kept = dict(list(noted.items())[-_MAX_NOTED:])
    try:
        write_state(paths.exports, _FORMAT, {"files": kept})
    except OSError as exc:
        raise StoreUnavailable(machine_fault(exc, f"{paths.exports} cannot be written")) from exc


def without_memories(paths: StorePaths, ids: Collection[str]) -> tuple[list[str], list[str]]:
    """Write each noted export anew without these memories, where it has some.

    Returns:
        The files that were written anew; and for each that could not be looked at, or is not as it
        was exported, a sentence.
    """
    changed: list[str] = []
    faults: list[str] = []
    for name, at in _noted(paths).items():
        try:
            if _rewritten(Path(name), ids):
                changed.append(name)
        except ForeignFileMissing:
            faults.append(f"the export {name} of {at}, which is not there any more")
        except (ForeignFileFault, OSError, ValueError) as exc:
            what = exc.what if isinstance(exc, ForeignFileFault) else str(exc)
            faults.append(f"the export {name} of {at}: {what}")
    return changed, faults


def exports_that_say(paths: StorePaths, says: Callable[[str], bool]) -> tuple[list[str], list[str]]:
    """Look into each noted export that is still there.

    Returns:
        A sentence for each with a line that `says` is true of, and for each that cannot be read.
    """
    found: list[str] = []
    faults: list[str] = []
    for name, at in _noted(paths).items():
        try:
            if any(map(says, _lines(Path(name)))):
                found.append(f"the export {name} of {at}, which is not changed: remove it")
        except ForeignFileMissing:
            continue
        except (ForeignFileFault, OSError, ValueError) as exc:
            what = exc.what if isinstance(exc, ForeignFileFault) else str(exc)
            faults.append(f"the export {name} of {at}: {what}")
    return found, faults


def _noted(paths: StorePaths) -> dict[str, str]:
    fields = (read_state(paths.exports, _FORMAT) or {}).get("files")
    if not isinstance(fields, dict):
        return {}
    return {str(name): str(at) for name, at in fields.items()}


def _rewritten(file: Path, ids: Collection[str]) -> bool:
    """Write an export anew without these memories; return False where it has none of them.

    Raises:
        ForeignFileFault: It is no regular file, is not there, or cannot be read.
        ValueError: It is not as it was exported, so nobody may change it.
        OSError: It cannot be written.
    """
    checked = CheckedLines(_lines(file))
    if not any([_is_of(line, ids) for line in checked]):
        return False
    if checked.faults or checked.warnings:
        raise ValueError((checked.faults + checked.warnings)[0])
    kept = (
        line.rstrip("\r\n")
        for line in _lines(file)
        if end_of(line) is None and line.strip() and not _is_of(line, ids)
    )
    with replaced_file(file) as new:
        for line in with_end(kept, lambda: 0):
            new.write(f"{line}\n".encode("utf-8", "surrogatepass"))
    return True


def _lines(file: Path) -> Iterator[str]:
    with open_foreign(file) as opened:
        for line in opened:
            yield line.decode("utf-8", "surrogatepass")


def _is_of(line: str, ids: Collection[str]) -> bool:
    """Return whether a line is the memory with one of these ids."""
    if not any(id_ in line for id_ in ids):
        return False
    fields = json.loads(line)
    return isinstance(fields, dict) and fields.get("id") in ids

"""Lines of a command into a new file, or out on stdout: all of them, or an error in a sentence."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from io import TextIOWrapper
from pathlib import Path

from iai_memory.base.new_file import NameTaken, new_file, require_free
from iai_memory.errors import InvalidInput, OutputFault


def require_place(path: Path, store: Path) -> None:
    """Refuse a name that cannot be that of a new file, or that lies in the store.

    Raises:
        InvalidInput: The text says what is wrong with it.
    """
    try:
        require_free(path)
        folder = path.parent.resolve()
    except OSError as exc:
        raise _refused(path, exc) from exc
    except ValueError as exc:
        raise InvalidInput(f"{path} cannot be the name of a file: send another one") from exc
    if store.resolve() in (folder, *folder.parents):
        raise InvalidInput(
            f"{path} is in the store's own folder, with which it would be lost: name a file "
            f"elsewhere"
        )


def write_lines(path: Path, lines: Iterable[str]) -> int:
    """Write the lines to a new file; return how many. On any error there is no such file.

    Raises:
        InvalidInput: The file cannot be made there.
        OutputFault: It cannot be written to its end.
    """
    count = 0
    try:
        with new_file(path) as file:
            for line in lines:
                count += 1
                file.write(f"{line}\n".encode())
    except OSError as exc:
        if isinstance(exc, NameTaken) or (not count and exc.errno != errno.ENOSPC):
            raise _refused(path, exc) from exc
        raise OutputFault(
            f"{path} cannot be written ({exc.strerror}), and nothing is left of it: make room, or "
            f"name a file elsewhere"
        ) from exc
    return count


def print_lines(lines: Iterable[str]) -> None:
    """Write the lines to stdout as UTF-8; to a terminal with what does not print escaped.

    Raises:
        OutputFault: Stdout was closed, or the disk behind it is full.
    """
    from iai_memory.text.visible import escape_unprintable

    shown = escape_unprintable if sys.stdout.isatty() else str
    try:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # whatever the user's locale
        for line in lines:
            sys.stdout.write(f"{shown(line)}\n")
        sys.stdout.flush()
    except OSError as exc:
        # Or the interpreter says at its end that it could not write the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputFault(
            f"stdout cannot be written to its end ({exc.strerror}): what arrived is not everything"
        ) from exc


def _refused(path: Path, fault: OSError) -> InvalidInput:
    what = str(fault.args[-1]) if isinstance(fault, NameTaken) else fault.strerror
    return InvalidInput(f"{path} cannot be written ({what}): name a new file in a folder of yours")

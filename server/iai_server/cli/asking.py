"""The question before a command that takes something away."""

from __future__ import annotations

import sys

from iai_memory.errors import InvalidInput


def require_yes(yes: bool, question: str) -> None:
    """Return where the user agrees: with --yes, or by an answer on the terminal.

    Raises:
        InvalidInput: No terminal is there to ask on, or the answer was no.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidInput(f"{question} Nobody can be asked here: add --yes")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
        raise InvalidInput("nothing was changed")

"""Errors that stop a change of a host's file."""

from __future__ import annotations

from pathlib import Path

from iai_memory.errors import MemoryFault


class HostFileFault(MemoryFault):
    """A host's file cannot be read or written; nothing was changed in it."""


class CannotMerge(HostFileFault):
    """A host's file cannot be changed safely; the text ends with the block to paste by hand."""

    def __init__(self, path: Path, why: str, block: str) -> None:
        """Name the file, the reason and the block to paste."""
        super().__init__(
            f"{path} {why}: nothing was changed; mend it and run the command again, or put this "
            f"into it yourself"
        )
        self.path = path
        self.why = why
        self.block = block

    def __str__(self) -> str:
        """Return the sentence in one line, and the block behind it as it is to be pasted."""
        return f"{super().__str__()}\n{self.block}"

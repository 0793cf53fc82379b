"""The interface of a file format: our entry found, added and removed in a host's file."""

from __future__ import annotations

from typing import Any, Protocol


class FileFormat(Protocol):
    """The place of our entry in one format of text.

    `entry_in` returns an entry and `with_entry` takes one; its type is the format's own. Each
    method raises `NotMergeable` with a predicate of the file, such as "is not JSON".
    """

    def entry_in(self, text: str) -> Any:
        """Return our entry in the text; None without one."""
        ...

    def with_entry(self, text: str, ours: Any) -> str:
        """Return the text with our entry in it; the same text if it is there already."""
        ...

    def without_entry(self, text: str, before: str) -> str:
        """Return the text without our entry, and without what is empty now and not in `before`."""
        ...

    def snippet(self, ours: Any) -> str:
        """Return the lines that a user can paste."""
        ...


class NotMergeable(Exception):
    """The file cannot be changed safely; the message is a predicate of the file."""

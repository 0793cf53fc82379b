"""The files that a host's edit tools changed, followed over the lines of one transcript.

A call stands in one line and its result in a later one: only what did not fail is a change. The
next turn of the transcript takes the changes, so that each is stored once, with the words on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ...store.changed_files import FileChange, changes_in, last_changes, to_texts

_MAX_CALLS: Final = 64


class FileEdits:
    """The calls whose results are still to come, and the changes that no turn took yet."""

    def __init__(self, state: object) -> None:
        """Go on from the `state` of an earlier one; what of it cannot be used is left out."""
        known = state if isinstance(state, dict) else {}
        calls = known.get("calls")
        pairs = calls.items() if isinstance(calls, dict) else ()
        self._calls = {
            call: tuple(changes_in(_texts(listed))) for call, listed in pairs if _texts(listed)
        }
        self._changed = tuple(changes_in(_texts(known.get("changed"))))
        self._state: Mapping[str, Any] | None = None

    def state(self) -> Mapping[str, Any]:
        """Return what later lines need: paths and digests."""
        if self._state is None:
            self._state = {
                "calls": {call: [*to_texts(changes)] for call, changes in self._calls.items()},
                "changed": [*to_texts(self._changed)],
            }
        return self._state

    @property
    def has_any(self) -> bool:
        """Whether there is a call or a change."""
        return bool(self._calls or self._changed)

    def called(self, call: str, changes: Sequence[FileChange]) -> None:
        """Note a call, and what it changes unless it fails."""
        if call and changes:
            self._state = None
            self._calls = dict([*self._calls.items(), (call, tuple(changes))][-_MAX_CALLS:])

    def planned(self, call: str) -> tuple[FileChange, ...]:
        """Return what a call whose result is still to come changes; empty for any other."""
        return self._calls.get(call, ())

    def ended(self, call: str, changes: Sequence[FileChange]) -> None:
        """Note what a call changed; nothing if it failed."""
        self._state = None
        self._calls = {one: planned for one, planned in self._calls.items() if one != call}
        if changes:
            self._changed = last_changes([*self._changed, *changes])

    def settle(self) -> None:
        """Take the calls for done: their results are left out, in a sanitised transcript."""
        for call, changes in list(self._calls.items()):
            self.ended(call, changes)

    def take(self) -> tuple[FileChange, ...]:
        """Return the changes since the last turn; the next turn gets none of them."""
        taken, self._changed = self._changed, ()
        self._state = None if taken else self._state
        return taken


def changes_behind(state: object) -> tuple[FileChange, ...]:
    """Return the changes that no turn took yet, from the `state` of the edits of a transcript."""
    return FileEdits(state).take()


def file_change(
    path: object, digest: str | None = None, *, is_deleted: bool = False
) -> tuple[FileChange, ...]:
    """Return the change of a file that a host names; empty where that cannot be the name of one."""
    from ...store.names import stored_place  # parsers load without what redacts

    place = stored_place(path) if isinstance(path, str) else None
    return () if place is None else (FileChange(place, digest, is_deleted),)


def _texts(value: object) -> list[str]:
    listed = value if isinstance(value, list | tuple) else ()
    return [one for one in listed if isinstance(one, str)]

"""What the segments of a backup hold: of each memory the latest state, and where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .segment import DamagedSegment, Segment, Segments
from .state_line import State, state_of


class KnownState(NamedTuple):
    """The latest state of one memory.

    Attributes:
        version: The version of the table that it is of.
        digest: Of the state.
        text_bytes: Of its text.
        segment: Number of its segment.
    """

    version: int
    digest: bytes
    text_bytes: int
    segment: int


class Known:
    """The states of segments that can be read.

    Attributes:
        segments: Those that can be read, older ones first; `add` appends to them.
        states: The latest state of each memory, by id.
        faults: A sentence for each segment that cannot be read.
    """

    def __init__(self, folder: Segments, segments: Sequence[Segment] = ()) -> None:
        """Read every segment."""
        self.segments: list[Segment] = []
        self.states: dict[str, KnownState] = {}
        self.faults: list[str] = []
        self._folder = folder
        for segment in segments:
            try:
                self.add(segment, read_states(folder, segment))
            except DamagedSegment as exc:
                self.faults.append(str(exc))

    def add(self, segment: Segment, states: Sequence[State]) -> None:
        """Note a segment with the states that it holds; they are later than all before."""
        number = len(self.segments)
        self.segments.append(segment)
        for id_, version, digest, text_bytes in states:
            self.states[id_] = KnownState(version, digest, text_bytes, number)

    def live_rows(self) -> dict[str, int]:
        """Return for each segment, by name, how many of its states are the latest ones."""
        counts = [0] * len(self.segments)
        for state in self.states.values():
            counts[state.segment] += 1
        return {one.name: count for one, count in zip(self.segments, counts, strict=True)}


def read_states(folder: Segments, segment: Segment) -> list[State]:
    """Return what the lines of a segment say about themselves.

    Raises:
        DamagedSegment: It is missing, or is not what was written.
    """
    try:
        return [state_of(line) for line in folder.read(segment)]
    except ValueError as exc:
        raise DamagedSegment(f"{folder.path / segment.name} holds something else: {exc}") from exc

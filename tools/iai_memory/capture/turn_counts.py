"""Accounting of a transcript: each turn is stored, duplicate, skipped or failed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ..results import Ingested, IngestReport

_LOSSES: Final = ("line_too_long", "too_long", "unparsable")


@dataclass(slots=True)
class TurnCounts:
    """Turns by outcome; `total` is always the sum of them."""

    stored: int = 0
    duplicate: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter[str])

    @property
    def total(self) -> int:
        """All turns so far."""
        return self.stored + self.duplicate + self.failed + self.skipped.total()

    @property
    def lost(self) -> int:
        """Turns that should have been stored and could not be."""
        return self.failed + sum(self.skipped[reason] for reason in _LOSSES)

    @classmethod
    def of(cls, result: Ingested) -> TurnCounts:
        """Return the count of one result of an ingest."""
        if result.status == "duplicate":
            return cls(duplicate=1)
        if result.status == "skipped":
            from ..results import PURGED

            reason = "purged" if result.reason == PURGED else "own_payload"
            return cls(skipped=Counter([reason]))
        return cls(stored=1)

    def count(self, report: IngestReport) -> None:
        """Add the results of an ingest."""
        for result in report.results:
            self.add(TurnCounts.of(result))

    def as_known(self) -> TurnCounts:
        """Return the counts of the same turns when they come again."""
        return TurnCounts(0, self.stored + self.duplicate, self.failed, Counter(self.skipped))

    def add(self, other: TurnCounts) -> None:
        """Add the counts of another transcript or batch."""
        self.stored += other.stored
        self.duplicate += other.duplicate
        self.failed += other.failed
        self.skipped += other.skipped

    def to_fields(self) -> dict[str, Any]:
        """Return the counts as plain data; `seen` is the total."""
        return {
            "seen": self.total,
            "stored": self.stored,
            "duplicate": self.duplicate,
            "failed": self.failed,
            "skipped": dict(sorted(self.skipped.items())),
        }

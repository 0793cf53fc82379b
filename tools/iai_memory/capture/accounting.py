"""The books of a transcript: every turn seen is stored, duplicate, skipped or failed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ..results import IngestReport


@dataclass(slots=True)
class Books:
    """Counts of turns; `seen` is always the sum of the others."""

    stored: int = 0
    duplicate: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter[str])

    @property
    def seen(self) -> int:
        """Turns met so far."""
        return self.stored + self.duplicate + self.failed + self.skipped.total()

    def enter(self, report: IngestReport) -> None:
        """Books what an ingest answered."""
        for result in report.results:
            if result.status == "duplicate":
                self.duplicate += 1
            elif result.status == "skipped":
                self.skipped["own_payload"] += 1
            else:
                self.stored += 1

    def add(self, other: Books) -> None:
        """Adds another transcript's books."""
        self.stored += other.stored
        self.duplicate += other.duplicate
        self.failed += other.failed
        self.skipped += other.skipped

    def to_fields(self) -> dict[str, Any]:
        """The books as plain data."""
        return {
            "seen": self.seen,
            "stored": self.stored,
            "duplicate": self.duplicate,
            "failed": self.failed,
            "skipped": dict(sorted(self.skipped.items())),
        }

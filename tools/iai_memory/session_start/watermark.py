"""What a render is guaranteed to contain, taken before the render."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..base.clock import iso

if TYPE_CHECKING:
    from ..store.statistics import TableStatistics

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Watermark:
    """The state of the store that a payload shows.

    Attributes:
        table_version: The cheap gate: equal version of the same table, equal content.
        table_stamp: Tells the table from one that was dropped, restored or made anew, whose
            versions count from elsewhere.
        records_count: Live records.
        records_total: Rows, forgotten and superseded ones included.
        max_vec_label: The largest record id; grows with insertion whatever dates records carry.
        max_created_at: Newest `created_at`, ISO; empty for none.
        max_updated_at: Newest `updated_at`, ISO; empty for none.
        removal_version: Table version of the newest forgetting or superseding.
        spool_bytes: Captured bytes that were not drained yet.
        day: UTC date of the render.
        embedder: Key of the embedder.
        beside: Digest of what the page shows beside the table: waiting turns, topics and the
            capture notice.
    """

    table_version: int
    table_stamp: str
    records_count: int
    records_total: int
    max_vec_label: str
    max_created_at: str
    max_updated_at: str
    removal_version: int
    spool_bytes: int
    day: str
    embedder: str
    beside: str

    @classmethod
    def of_table(cls, contents: TableStatistics, *, version: int, stamp: str) -> Watermark:
        """The fields of the table; those of the page's other inputs are 0 and empty.

        Args:
            contents: What the page's part of the table contains.
            version: The version that was counted.
            stamp: Of the table.
        """
        return cls(
            table_version=version,
            table_stamp=stamp,
            records_count=contents.live,
            records_total=contents.total,
            max_vec_label=contents.max_id,
            max_created_at=iso(contents.max_created_at) if contents.max_created_at else "",
            max_updated_at=iso(contents.max_updated_at) if contents.max_updated_at else "",
            removal_version=contents.removal_version,
            spool_bytes=0,
            day="",
            embedder="",
            beside="",
        )

    @classmethod
    def from_fields(cls, fields: Any) -> Watermark | None:
        """Reads a sidecar; None where it is no sidecar of this format."""
        if not isinstance(fields, dict) or fields.get("format") != FORMAT:
            return None
        values: dict[str, Any] = {name: fields.get(name) for name in cls.__dataclass_fields__}
        for name, value in values.items():
            wanted = int if cls.__dataclass_fields__[name].type == "int" else str
            if not isinstance(value, wanted) or isinstance(value, bool):
                return None
        return cls(**values)

    def to_fields(self) -> dict[str, Any]:
        """The watermark as fields of a sidecar."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**values, "format": FORMAT}

    def same_content(self, other: Watermark) -> bool:
        """Whether a render would show the same; version and stamp alone do not count."""
        return replace(self, table_version=0, table_stamp="") == replace(
            other, table_version=0, table_stamp=""
        )

    def removed_since(self, other: Watermark) -> bool:
        """Whether something that `other` may show was forgotten, superseded or purged since."""
        fewer = self.records_total < other.records_total
        return fewer or self.removal_version != other.removal_version

"""The watermark: the state that a render surely contains, read before the render starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..base.clock import iso

if TYPE_CHECKING:
    from ..store.statistics import TableStatistics

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Watermark:
    """The state of the store that a page shows.

    Attributes:
        table_version: Equal versions of the same table have equal content, so that nothing else
            need be compared.
        table_stamp: Identifies the table: one that was dropped, restored or made anew counts its
            versions from elsewhere.
        records_count: Live records.
        records_total: Rows, forgotten and superseded ones included.
        max_vec_label: The largest record id; it grows with each insertion, whatever dates the
            records have.
        max_created_at: Newest `created_at`, ISO; empty for none.
        max_updated_at: Newest `updated_at`, ISO; empty for none.
        content_version: Table version of the newest change of a record, whatever the clocks said.
        removal_version: Table version of the newest forgetting or superseding.
        spool_bytes: Bytes of the rings that wait; 0 on the page of one project.
        day: Date of the render in the time zone of the page, ISO.
        embedder: Key of the embedder.
        beside: `PageInputs.digest` of topics, the capture notice and the time zone.
    """

    table_version: int
    table_stamp: str
    records_count: int
    records_total: int
    max_vec_label: str
    max_created_at: str
    max_updated_at: str
    content_version: int
    removal_version: int
    spool_bytes: int
    day: str
    embedder: str
    beside: str

    @classmethod
    def of_table(cls, statistics: TableStatistics, *, version: int, stamp: str) -> Watermark:
        """Return the fields of the table; those of the page's other inputs are 0 and empty.

        Args:
            statistics: Of the page's part of the table.
            version: The version that was counted.
            stamp: Of the table.
        """
        return cls(
            table_version=version,
            table_stamp=stamp,
            records_count=statistics.live,
            records_total=statistics.total,
            max_vec_label=statistics.max_id,
            max_created_at=iso(statistics.max_created_at) if statistics.max_created_at else "",
            max_updated_at=iso(statistics.max_updated_at) if statistics.max_updated_at else "",
            content_version=statistics.content_version,
            removal_version=statistics.removal_version,
            spool_bytes=0,
            day="",
            embedder="",
            beside="",
        )

    @classmethod
    def from_fields(cls, fields: Any) -> Watermark | None:
        """Return the watermark of a sidecar; None where the fields are of another format."""
        if not isinstance(fields, dict) or fields.get("format") != FORMAT:
            return None
        values: dict[str, Any] = {name: fields.get(name) for name in cls.__dataclass_fields__}
        for name, value in values.items():
            wanted = int if cls.__dataclass_fields__[name].type == "int" else str
            if not isinstance(value, wanted) or isinstance(value, bool):
                return None
        return cls(**values)

    def to_fields(self) -> dict[str, Any]:
        """Return the watermark as fields of a sidecar."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**values, "format": FORMAT}

    def same_content(self, other: Watermark) -> bool:
        """Return whether a render would show the same; version and stamp do not count."""
        return replace(self, table_version=0, table_stamp="") == replace(
            other, table_version=0, table_stamp=""
        )

    def removed_since(self, other: Watermark) -> bool:
        """Return whether a record that `other` may show was removed or superseded since."""
        fewer = self.records_total < other.records_total
        return fewer or self.removal_version != other.removal_version

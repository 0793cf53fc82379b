"""A record as results show it."""

from __future__ import annotations

from ..results import RecordView
from .record import Record


def view_of(record: Record, *, text: str | None = None) -> RecordView:
    """Return the view of the record, with `text` in place of its text where that is given."""
    values = {name: getattr(record, name) for name in RecordView.model_fields if name != "tags"}
    if text is not None:
        values["text"] = text
    return RecordView(**values, tags=list(record.tags))

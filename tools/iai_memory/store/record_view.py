"""A record as results show it."""

from __future__ import annotations

from ..results import RecordView
from .record import Record
from .trust import role_of_caller


def view_of(record: Record, *, text: str | None = None) -> RecordView:
    """Return the view of the record, with `text` in place of its text where that is given."""
    values = {name: getattr(record, name) for name in RecordView.model_fields if name != "tags"}
    values["role"] = role_of_caller(record.role, record.origin)
    if text is not None:
        values["text"] = text
    return RecordView(**values, tags=list(record.tags))

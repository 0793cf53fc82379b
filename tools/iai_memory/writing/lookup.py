"""The look-up of one live record, or the error that says why there is none."""

from __future__ import annotations

from ..base.checks import check_ids
from ..errors import UnknownRecord
from ..store.reader import TableReader
from ..store.record import Record
from ..store.vector_rows import Row
from ..store.writer import Writer


def live_record(reader: TableReader, id_: str) -> Record:
    """Return the record with that id.

    Raises:
        InvalidInput: It is no id.
        UnknownRecord: No record has it, or that record was forgotten or folded.
    """
    [wanted] = check_ids([id_])
    records = reader.get([wanted])
    if not records:
        raise UnknownRecord(
            f"no memory has the id {wanted[:80]!r}: send an id that recall returned"
        )
    if records[0].folded_into:
        raise UnknownRecord(f"{wanted} is a copy: send the id {records[0].folded_into} instead")
    if not records[0].is_live():
        raise UnknownRecord(f"{wanted} was forgotten: run `iai-mcp restore {wanted}` first")
    return records[0]


def live_row(writer: Writer, id_: str) -> Row:
    """Return the record with that id and its vectors, as the writer's commit starts from it.

    Raises:
        InvalidInput: It is no id.
        UnknownRecord: No record has it, or that record was forgotten or folded.
    """
    record = live_record(writer.reader, id_)
    return writer.reader.rows([record.id])[0]

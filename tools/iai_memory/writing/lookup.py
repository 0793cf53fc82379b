"""The look-up of records by id or by its unique beginning, or the error that says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ..base.checks import check_ids
from ..errors import InvalidInput, UnknownRecord
from ..store.id_prefix import with_prefixes
from ..store.reader import TableReader
from ..store.record import Record
from ..text.inert import neutralise
from ..text.tokens import cut_to_tokens

_LISTED: Final = 5
_FIRST_WORDS: Final = 12


def named_records(
    reader: TableReader, ids: Sequence[str], fits: Callable[[Record], bool]
) -> dict[str, Record]:
    """Return by what was told the fitting record with that id, or whose id alone begins so.

    What names no fitting record is left out.

    Raises:
        InvalidInput: Several fitting records have ids that begin so; the sentence lists them.
    """
    whole = {record.id: record for record in reader.get([id_.lower() for id_ in ids])}
    begun = with_prefixes(reader, [id_ for id_ in ids if id_.lower() not in whole])
    named: dict[str, Record] = {}
    for id_ in ids:
        found = begun[id_] if id_ in begun else [whole[id_.lower()]]
        fitting = [record for record in found if fits(record)]
        if len(fitting) > 1:
            raise InvalidInput(_ambiguous(id_, fitting))
        if fitting:
            named[id_] = fitting[0]
    return named


def live_record(reader: TableReader, id_: str) -> Record:
    """Return the record with that id.

    Raises:
        InvalidInput: It is no id.
        UnknownRecord: No record has it, or that record was forgotten or folded.
    """
    [wanted] = check_ids([id_])
    found = named_records(reader, [wanted], Record.is_live)
    if wanted in found:
        return found[wanted]
    hidden = named_records(reader, [wanted], lambda record: True)
    if wanted not in hidden:
        raise UnknownRecord(
            f"no memory has the id {wanted[:80]!r}: send an id that recall returned"
        )
    record = hidden[wanted]
    if record.folded_into:
        raise UnknownRecord(f"{record.id} is a copy: send the id {record.folded_into} instead")
    raise UnknownRecord(f"{record.id} was forgotten: run `iai-mcp restore {record.id}` first")


def every_named_record(reader: TableReader, ids: Sequence[str]) -> list[Record]:
    """Return the records with those ids, forgotten and folded ones too, each once.

    Raises:
        InvalidInput: `ids` is not a list of ids, or several ids begin so.
        UnknownRecord: No record has one of them.
    """
    wanted = check_ids(ids)
    named = named_records(reader, wanted, lambda record: True)
    for id_ in wanted:
        if id_ not in named:
            raise UnknownRecord(
                f"no memory has the id {id_[:80]!r}: send an id that recall returned"
            )
    return list({record.id: record for record in named.values()}.values())


def _ambiguous(prefix: str, records: Sequence[Record]) -> str:
    listed = "; ".join(
        f"{record.id} ({record.created_at.date()}: "
        f"{cut_to_tokens(neutralise(record.text[:400]), _FIRST_WORDS, ' …')})"
        for record in records[:_LISTED]
    )
    more = f"; and {len(records) - _LISTED:,} more" if len(records) > _LISTED else ""
    return (
        f"{len(records):,} memories have ids that begin with {prefix[:40]}: send more of the id of "
        f"one of {listed}{more}"
    )

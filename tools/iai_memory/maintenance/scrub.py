"""Removal of a text from every file of a store, and the check that it is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from ..base.files import replace_file
from ..base.page_mark import page_change
from ..base.paths import StorePaths
from ..errors import InvalidInput
from ..session_start.refresh import PageManager
from ..store.record import Record
from ..store.table import Store
from ..store.vector_rows import Row

MARK: Final = "[redacted:scrub]"
_TEXT_FIELDS: Final = ("text", "session_id", "turn_id", "project", "cwd", "host")
# Rewritten in place; everything else under the store is rebuilt from the table or removed.
_PLAIN_FOLDERS: Final = ("logs", "ledger", "spool")


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """Counts of changes by a scrub, and the findings of its check.

    Attributes:
        records: Memories that were changed.
        files: Plain files that were changed.
        left: Files and records that still contain the pattern; empty proves that it is gone.
    """

    records: int
    files: int
    left: list[str]


def compile_pattern(pattern: str, *, regex: bool) -> re.Pattern[str]:
    """Return the pattern to look for; a plain text unless `regex` is set.

    Raises:
        InvalidInput: It is empty, is no regular expression, or matches the empty text.
    """
    try:
        compiled = re.compile(pattern if regex else re.escape(pattern))
    except re.error as exc:
        raise InvalidInput(f"{pattern!r} is no regular expression ({exc}): mend it") from exc
    if not pattern.strip() or compiled.search(""):
        raise InvalidInput("the pattern matches everything: name what is to be removed")
    return compiled


def scrub(store: Store, pattern: re.Pattern[str], pages: PageManager) -> Scrubbed:
    """Replace every match by a mark: in records, old versions, indexes, spool, caches and logs.

    Changed records are pending until they are embedded again, because their vectors were made of
    the old text. Their history is dropped. Readers of old versions are moved to the latest.

    Args:
        store: The store to clean.
        pattern: From `compile_pattern`.
        pages: The session-start pages, rendered anew once the table is clean.

    Raises:
        StoreFault: The store could not be written; another run does the rest.
    """
    records = _scrub_records(store, pattern)
    store.compact(keep=timedelta(0))
    files = sum(_scrub_file(path, pattern) for path in _plain_files(store.paths))
    # Urgent: the pages are taken away. One that somebody renders just now may show old topics.
    with page_change(store.paths, urgent=True):
        # folds.json: earlier versions left it.
        for derived in ("topics.json", "folds.json", "sleep.json"):
            (store.paths.root / derived).unlink(missing_ok=True)
    for cache in store.paths.root.rglob("*.cached*"):
        cache.unlink(missing_ok=True)
    pages.refresh("manual", force_rebuild=True)
    return Scrubbed(records, files, sorted(_left(store, pattern)))


def _scrub_records(store: Store, pattern: re.Pattern[str]) -> int:
    with store.writing() as writer:
        retired = writer.reader.retired_values()
        found = [
            row.record
            for row in writer.reader.all_rows()
            if _holds(row.record, pattern, retired.get(row.record.id, ()))
        ]
        at = writer.now()
        writer.update([Row(_cleaned(record, pattern), None) for record in found], at)
        if found:
            store.rebuild_text_index()
    return len(found)


def _holds(record: Record, pattern: re.Pattern[str], retired: Sequence[str]) -> bool:
    values = [getattr(record, name) or "" for name in _TEXT_FIELDS]
    values += [*record.tags, *retired]
    values += [str(change.before) for change in record.history]
    return any(pattern.search(value) for value in values)


def _cleaned(record: Record, pattern: re.Pattern[str]) -> Record:
    def clean(value: str | None) -> str | None:
        return None if value is None else pattern.sub(MARK, value)

    fields: dict[str, Any] = {name: clean(getattr(record, name)) for name in _TEXT_FIELDS}
    return replace(
        record,
        **fields,
        tags=tuple(pattern.sub(MARK, tag) for tag in record.tags),
        history=(),
        embedder=None,
    )


def _plain_files(paths: StorePaths) -> Iterator[Path]:
    for folder in _PLAIN_FOLDERS:
        for path in sorted((paths.root / folder).rglob("*")):
            if _is_own_file(path):
                yield path
    if _is_own_file(paths.projects):
        yield paths.projects


def _is_own_file(path: Path) -> bool:
    """Return whether it is a file of the store; the spool has links to the hosts' transcripts."""
    return path.is_file() and not path.is_symlink()


def _scrub_file(path: Path, pattern: re.Pattern[str]) -> bool:
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    clean = pattern.sub(MARK, text)
    if clean == text:
        return False
    replace_file(path, clean.encode("utf-8", "surrogateescape"))
    return True


def _left(store: Store, pattern: re.Pattern[str]) -> Iterator[str]:
    """Yield files and records that match; records too, because columns on disk are compressed."""
    for path in store.paths.root.rglob("*"):
        if _is_own_file(path) and "models" not in path.relative_to(store.paths.root).parts[:1]:
            text = path.read_bytes().decode("utf-8", "replace")
            if pattern.search(text):
                yield str(path)
    retired = store.latest.retired_values()
    for row in store.latest.all_rows():
        if _holds(row.record, pattern, retired.get(row.record.id, ())):
            yield f"record {row.record.id}"

"""Import of whole transcripts: many files in one commit, each turn once, however often."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ..errors import ForeignFileFault, InvalidInput, TranscriptFault, one_line
from ..projects.lookup import ProjectLookup
from ..results import IngestReport
from ..writing.new_memory import NewMemory
from .import_record import ImportedFile, ImportRecord
from .jsonl_tail import AT_REST_SEC, FileCursor
from .rewinds import TagRewound, branch_count, branches_of, must_look
from .selection import Selection, selected_memory, with_changes_behind
from .transcript import host_of, read_transcript
from .transcript_files import FoundTranscript
from .turn import Host
from .turn_counts import TurnCounts

_BATCH_TURNS: Final = 1024
_BATCH_CHARS: Final = 1_000_000
_LINES_A_REPORT: Final = 256
_SAVE_EVERY_SEC: Final = 2.0
_UNREADABLE: Final = frozenset({"line_too_long", "unparsable"})


@dataclass(slots=True)
class ImportProgress:
    """How far an import is.

    Attributes:
        files: All files.
        size: Their bytes.
        file: Number of the file that is read, from 1.
        read: Bytes up to there.
        counts: What became of the turns of all files so far.
        unchanged: Files that were not read, because they are as they were when they were imported.
        faults: What could not be read, a sentence each.
        is_done: Whether everything is stored.
    """

    files: int
    size: int
    file: int = 0
    read: int = 0
    counts: TurnCounts = field(default_factory=TurnCounts)
    unchanged: int = 0
    faults: list[str] = field(default_factory=list[str])
    is_done: bool = False


@dataclass(slots=True)
class _Reading:
    """One file while it is read.

    Attributes:
        found: The file.
        host: Who wrote it.
        known: Its accounts by earlier imports.
        cursor: How far it was read.
        branches: The count of its branches when turns that were taken back were last tagged.
        counts: Its accounts by this import, as far as it was stored.
        turns: How many turns of it were selected, stored or not yet.
        is_done: Whether no more of it is read.
        is_faulted: Whether a part of it could not be read.
    """

    found: FoundTranscript
    host: Host
    known: TurnCounts
    cursor: FileCursor | None
    branches: int | None
    counts: TurnCounts = field(default_factory=TurnCounts)
    turns: int = 0
    is_done: bool = False
    is_faulted: bool = False

    def total(self) -> TurnCounts:
        """Return its accounts, what was read by earlier imports included."""
        total = TurnCounts()
        total.add(self.known)
        total.add(self.counts)
        return total


class HistoryImport:
    """One import; of an interrupted one, `progress` says what is stored."""

    def __init__(
        self,
        ingest: Callable[[list[NewMemory]], IngestReport],
        tag_rewound: TagRewound,
        *,
        selection: Selection,
        record: ImportRecord | None = None,
        advanced: Callable[[ImportProgress], None] | None = None,
        projects: ProjectLookup | None = None,
    ) -> None:
        """Bind a store.

        Args:
            ingest: Stores a batch and returns only when it is on disk.
            tag_rewound: Tags turns that were taken back.
            selection: Which turns.
            record: How far each file was imported before; None reads all, and notes nothing.
            advanced: Called some times a second.
            projects: Of folders; of this import only, for whoever asks which there were.
        """
        self.progress = ImportProgress(0, 0)
        self._ingest = ingest
        self._tag_rewound = tag_rewound
        self._selection = selection
        self._record = record
        self._advanced = advanced or _ignore
        self._projects = projects or ProjectLookup()
        self._batch: list[tuple[NewMemory, _Reading]] = []
        self._chars = 0
        self._readings: list[_Reading] = []
        self._finished = TurnCounts()
        self._saved_at = time.monotonic()

    def run(self, files: Sequence[FoundTranscript], host: Host) -> ImportProgress:
        """Store every selected turn of the files; return the accounts.

        May be interrupted at any time: the next import goes on where the last commit ended.

        Args:
            files: The transcripts.
            host: Which host wrote those that do not show it.

        Raises:
            StoreFault: The table could not be used.
        """
        self.progress = ImportProgress(len(files), sum(one.size for one in files))
        try:
            for found in files:
                before = self.progress.read
                self.progress.file += 1
                self._file(found, host)
                self.progress.read = before + found.size
                self._report()
            self._commit()
            self.progress.is_done = True
        finally:
            self._report()
            self._save()
        return self.progress

    def _file(self, found: FoundTranscript, host: Host) -> None:
        known = self._record.get(found.path) if self._record else None
        if known is not None and known.is_as(found):
            self.progress.unchanged += 1
            self._finished.add(known.counts.as_known())
            return
        try:
            self._read(found, host, known)
        except (ForeignFileFault, TranscriptFault) as exc:
            self.progress.faults.append(str(exc))

    def _read(self, found: FoundTranscript, host: Host, known: ImportedFile | None) -> None:
        wrote = host_of(found.path)
        reading = _Reading(
            found,
            wrote or host,
            known.counts.as_known() if known else TurnCounts(),
            known.cursor if known else None,
            # Tags are given at the end of a file, which an interrupted import did not reach.
            branch_count(known.cursor) if known and known.modified_ns else None,
        )
        self._readings.append(reading)
        try:
            self._read_lines(reading)
            self._finish(reading, wrote)
        except (ForeignFileFault, TranscriptFault):
            reading.is_faulted = reading.is_done = True
            raise
        reading.is_done = True

    def _finish(self, reading: _Reading, wrote: Host | None) -> None:
        unread = TurnCounts()
        if _ends_in_half_a_line(reading):
            unread.skipped["unparsable"] = 1
        self._finished.add(unread)  # of this import only: the next one looks at it again
        total = reading.total()
        skipped = total.skipped + unread.skipped
        has_turns = reading.turns or total.total > total.skipped.total()
        if wrote is None and not has_turns and skipped and set(skipped) <= _UNREADABLE:
            raise TranscriptFault(
                f"{reading.found.path} is neither a Claude Code transcript nor a Codex rollout: "
                f"none of its {skipped.total()} lines can be read"
            )

    def _read_lines(self, reading: _Reading) -> None:
        before = self.progress.read
        for number, parsed in enumerate(
            read_transcript(reading.found.path, reading.host, reading.cursor)
        ):
            # A line may hold several turns; only behind its last one may a batch end.
            if self._is_full() and parsed.cursor is not reading.cursor:
                self._commit()
            if number == 0 and reading.cursor and parsed.end_offset <= reading.cursor.offset:
                reading.known = TurnCounts()  # another file by now: it is read from its start
            memory = selected_memory(parsed, self._selection, reading.counts, self._projects)
            if memory is not None:
                reading.turns += 1
                self._batch.append((memory, reading))
                self._chars += len(memory.text)
            reading.cursor = parsed.cursor
            if number % _LINES_A_REPORT == 0:
                self.progress.read = before + min(parsed.end_offset, reading.found.size)
                self._report()
        if self._batch and self._batch[-1][1] is reading:
            self._batch[-1] = (with_changes_behind(self._batch[-1][0], reading.cursor), reading)

    def _is_full(self) -> bool:
        return len(self._batch) >= _BATCH_TURNS or self._chars >= _BATCH_CHARS

    def _commit(self) -> None:
        """Store what was read, and note up to where."""
        batch, self._batch, self._chars = self._batch, [], 0
        try:
            self._store(batch)
        except InvalidInput:
            # Nothing of the batch was stored: the others must not pay for the one that is wrong.
            for one in batch:
                self._store_one(*one)
        for reading in self._readings:
            self._tag(reading)
            self._note(reading)
            if reading.is_done:
                self._finished.add(reading.total())
        self._readings = [reading for reading in self._readings if not reading.is_done]
        if time.monotonic() - self._saved_at > _SAVE_EVERY_SEC:
            self._save()

    def _store(self, batch: list[tuple[NewMemory, _Reading]]) -> None:
        if not batch:
            return
        report = self._ingest([memory for memory, _ in batch])
        for result, (_, reading) in zip(report.results, batch, strict=True):
            reading.counts.add(TurnCounts.of(result))

    def _store_one(self, memory: NewMemory, reading: _Reading) -> None:
        try:
            self._store([(memory, reading)])
        except InvalidInput as exc:
            reading.counts.add(TurnCounts(failed=1))
            told = f"{reading.found.path}: turn {memory.turn_id}: {exc}"
            self.progress.faults.append(one_line(told))

    def _tag(self, reading: _Reading) -> None:
        """Tag the turns that the person took back, where that may have changed."""
        count, known_turns = branch_count(reading.cursor), reading.counts.duplicate
        if not reading.is_done or reading.is_faulted:
            return
        if must_look(reading.host, reading.branches, count, known_turns):
            try:
                found = branches_of(reading.found.path, reading.host)
            except (ForeignFileFault, TranscriptFault) as exc:
                reading.is_faulted = True
                self.progress.faults.append(str(exc))
                return
            self._tag_rewound(found.rewound_keys(), found.held_keys())

    def _note(self, reading: _Reading) -> None:
        if self._record is None or reading.cursor is None:
            return
        # Unchanged is only what was read to its end: a last line may have been half written. What
        # could not be read is looked at each time, so that each import says so.
        is_read = reading.is_done and not reading.is_faulted
        is_whole = is_read and reading.cursor.offset >= reading.found.size
        modified_ns = reading.found.modified_ns if is_whole else 0
        self._record.note(
            reading.found.path, ImportedFile(modified_ns, reading.cursor, reading.total())
        )

    def _report(self) -> None:
        total = TurnCounts()
        for counts in (self._finished, *(reading.total() for reading in self._readings)):
            total.add(counts)
        self.progress.counts = total
        self._advanced(self.progress)

    def _save(self) -> None:
        self._saved_at = time.monotonic()
        if self._record is not None:
            self._record.save()


def _ends_in_half_a_line(reading: _Reading) -> bool:
    """Return whether behind the last line stands what nobody is writing any more."""
    end = reading.cursor.offset if reading.cursor else 0
    is_at_rest = abs(time.time() - reading.found.modified_ns / 1e9) > AT_REST_SEC
    return is_at_rest and end < reading.found.size


def _ignore(progress: ImportProgress) -> None:
    """Ignore how far it is."""

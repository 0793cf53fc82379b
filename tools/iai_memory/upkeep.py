"""Work on a whole store: its state, its vectors, its copies, and what is to leave it for good.

What only some methods need is imported there: every command opens a memory, and few of them scrub.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .base.checks import check_ids, check_whole
from .base.clock import iso, utc_now
from .base.locks import held
from .base.progress import never_interrupted
from .capturing import CapturingHandle
from .errors import StoreFault, StoreUnavailable
from .maintenance.status import status
from .results import (
    MemoryHistory,
    PromptThreshold,
    RecordView,
    Restored,
    Status,
    StoreDiff,
    Undone,
)
from .session_start.cache import remove_pages
from .store.record_view import view_of
from .writing import changes
from .writing.embed_pending import reembed

if TYPE_CHECKING:
    from .backup.reading import Backup
    from .backup.restoring import RestoredBackup
    from .backup.taking import Taken
    from .capture.transcript_files import FoundTranscript
    from .capture.turn import Host
    from .maintenance.inspection import Inspection
    from .maintenance.projects import StoreProjects
    from .maintenance.purge import Purged
    from .maintenance.putting_back import PutBack
    from .maintenance.repair import Repaired, RepairPlan
    from .maintenance.scrub import Scrubbed
    from .settings import Settings
    from .store.table import Store
    from .transfer.jsonl_export import Damage
    from .transfer.jsonl_import import ImportCounts

_WAIT_FOR_BACKUP_SEC: Final = 30.0
# A command, and who reads its output, ends that much later once a day.
_AT_THE_END_SEC: Final = 1.0

_MAX_LISTED: Final = 100_000


class StoreUpkeep(CapturingHandle):
    """A store with the work that is done on all of it. The base of `Memory`."""

    def status(self) -> Status:
        """Return the state of the store.

        Raises:
            StoreFault: The store could not be read.
        """
        model = self._model
        return status(
            self.store, self.page_manager(), self.ledger, model.files_or_fault(), model.fix
        )

    def inspect(self, *, full: bool = False) -> Inspection:
        """Use the store and name what is damaged; also one that cannot be opened.

        Args:
            full: Read every file and every row, and not a sample.
        """
        from .maintenance.inspection import inspect

        try:
            store = self.store
        except StoreFault:
            return inspect(self.paths, None, full=full)
        return inspect(self.paths, store, full=full)

    def reembed(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Replace every vector by one of the model that is installed here; return how many.

        Of several published ones that is the one which was installed last. May be interrupted at
        any time: the rest is pending, and the next server or sleep embeds it.

        Raises:
            ModelMissing: There is no model.
            StoreFault: The store could not be written.
        """
        with self._opening:
            self._store = (
                None  # without the model below, the next one who opens it follows it again
            )
            self._model.follow_choice()
            encoder = self._model.require_encoder()
            self._store = self._open_store(check=False)
        done = reembed(self._store, encoder, progress)
        self._committed()
        return done

    def export_lines(
        self, *, vectors: bool = False, damaged: Callable[[Damage], None] | None = None
    ) -> Iterator[str]:
        """Yield every record as a line of JSON, oldest first; forgotten and superseded ones too.

        Of a damaged store every record that can be read. What is missing `damaged` is told after
        the last line.

        Raises:
            StoreFault: Nothing can be read, or the store is damaged and `damaged` is None.
        """
        from .transfer.jsonl_export import export_lines

        return export_lines(self.paths, lambda: self.store, vectors=vectors, damaged=damaged)

    def note_export(self, file: Path) -> None:
        """Note where an export goes, so that a purge can remove memories from it, or name it.

        Raises:
            StoreUnavailable: The store's folder cannot be written.
        """
        from .transfer.exports import note_export

        note_export(self.paths, file)

    def import_lines(self, lines: Iterable[str]) -> Iterator[ImportCounts]:
        """Store lines of `export_lines` as they were; yield what became of each batch.

        Raises:
            InvalidInput: A line is no exported record; the batches before it are stored.
        """
        from .transfer.jsonl_import import import_lines

        for arrived in import_lines(self.store, lines, embedder=self.embedder_key):
            if arrived.stored:
                self._committed()
            yield arrived

    def back_up(
        self,
        into: Path | None = None,
        *,
        interrupted: Callable[[], bool] = never_interrupted,
    ) -> Taken:
        """Take a backup now; only what changed since the last one is written.

        Args:
            into: Another folder than that of the settings; made where it is missing.
            interrupted: Called between segments; True ends the call, and the next one goes on.

        Raises:
            StoreBusy: Another process takes one.
            BackupFault: The folder cannot be used.
            StoreFault: The table cannot be read.
        """
        from .backup.daily import back_up

        return back_up(
            self.store,
            self._with_backups_in(into),
            utc_now(),
            make=True,
            anew=into is not None,
            interrupted=interrupted,
        )

    def back_up_if_due(
        self,
        *,
        asleep: bool = False,
        max_seconds: float = float("inf"),
        interrupted: Callable[[], bool] = never_interrupted,
    ) -> Taken | None:
        """Take a backup, or go on with one, where a day has passed since the last; else None.

        Costs a look at a small file where none is due. A failure is not raised: it stands in the
        ledger, and doctor tells it.

        Args:
            asleep: Whether nobody waits; then a store that has none gets one at once.
            max_seconds: Time after which no other segment is begun; the next call goes on.
            interrupted: Called between segments; True ends the call, too.
        """
        from .backup.daily import back_up_if_due, is_due

        now = utc_now()
        if not is_due(self.paths, self.settings, now, asleep=asleep):
            return None
        return back_up_if_due(
            self.store,
            self.settings,
            now,
            asleep=asleep,
            max_seconds=max_seconds,
            interrupted=interrupted,
        )

    def judge_prompts(self) -> bool:
        """Judge whether one prompt used what it was given, where that is due.

        Returns whether another one waits for it. Costs reading a small file within an hour
        after nothing was left.

        Raises:
            StoreFault: The table could not be read, or the outcomes not be written.
        """
        from .injection.judging import judge_next

        return judge_next(self.store, self.ledger, utc_now())

    def prompt_threshold(self) -> PromptThreshold:
        """Return how sure an answer must be to be said at a prompt; opens no table."""
        from .injection.threshold import threshold_now

        return threshold_now(self.paths, utc_now())

    def reset_prompt_threshold(self) -> PromptThreshold:
        """Let what prompts were given until now count for nothing; return the threshold then.

        Raises:
            StoreFault: The outcomes could not be written.
        """
        from .injection.judging import reset_threshold

        _ = self.store  # nothing is written beside one that is lost
        return reset_threshold(self.paths, self.ledger, utc_now())

    def close(self) -> None:
        """Refresh the page and take a backup that is due, if this object changed the store."""
        wrote = self._wrote
        try:
            super().close()
        finally:
            if wrote:
                self.back_up_if_due(max_seconds=_AT_THE_END_SEC)

    def backups(self, folder: Path | None = None) -> list[Backup]:
        """Return the backups, newest first; none of their files but the index is read.

        Args:
            folder: Another one than that of the settings.

        Raises:
            BackupFault: The folder cannot be read, or holds another store's backups.
        """
        from .backup.reading import backups_of

        return backups_of(self.paths, self._with_backups_in(folder))

    def damaged_backups(self, folder: Path | None = None) -> list[str]:
        """Return a sentence for each backup that `backups` leaves out, as its index is damaged.

        Raises:
            BackupFault: The folder cannot be read.
        """
        from .backup.reading import index_faults

        return index_faults(self.paths, self._with_backups_in(folder))

    def restore_backup(
        self,
        when: str | None = None,
        *,
        into: Path | None = None,
        folder: Path | None = None,
        identity: Path | None = None,
    ) -> RestoredBackup:
        """Make a store of a backup: in a folder of its own, or in the place of the present table.

        What was forgotten, superseded, purged or scrubbed since stays so, as far as newer backups,
        the present table and the ledger tell. The present table is kept beside the new one. Vectors
        are made anew.

        Args:
            when: Name of a backup, or an ISO date or time, of which the newest until then is taken;
                None is the newest. Damaged ones are passed over where a whole one is left.
            into: Folder of a new store, which does not exist or is empty; None is this store.
            folder: Where the backups are, if not where the settings say.
            identity: A file with the key of age or SSH that opens them, where the store's own does
                not.

        Raises:
            InvalidInput: `when` cannot be used, or `into` is not empty.
            BackupFault: There is no such backup, or their folder cannot be read.
            StoreFault: The store cannot be written. Then it is as it was.
        """
        from .backup.restoring import choose, restore_in_place, restore_into

        settings = self._with_backups_in(folder)
        in_place = into is None
        with self._backups_undisturbed():
            choice = choose(
                self.paths,
                settings,
                when,
                self.zone,
                any_store=not in_place or self._holds_nothing(),
                identity=identity,
            )
            key = self.embedder_key
            if into is not None:
                return restore_into(into, choice, self.paths, lambda: self.store, embedder=key)
            done = restore_in_place(choice, self.paths, lambda: self.store, embedder=key)
        with self._opening:
            self._store = self._store_id = None  # an empty one becomes the backup's
        self._committed()
        return done

    def _holds_nothing(self) -> bool:
        """Return whether the store has a table, and no memory in it."""
        try:
            return self.paths.table.is_dir() and not self.store.statistics().total
        except StoreFault:
            return False

    @contextmanager
    def _backups_undisturbed(self) -> Generator[None]:
        if not self.paths.root.exists():
            yield  # nobody can take one
            return
        with held(self.paths.lock("backup"), timeout=_WAIT_FOR_BACKUP_SEC):
            yield

    def _with_backups_in(self, folder: Path | None) -> Settings:
        return self.settings.model_copy(update={"backup": folder} if folder else {})

    def plan_repair(self, *, transcripts: bool | None = None) -> RepairPlan:
        """Return what is wrong with the table, and what a repair would make of it; changes nothing.

        Does not open the store. Costs two reads of every data file, and one of the last backup.

        Args:
            transcripts: Whether to read transcripts again; None does, unless they may bring back
                what was forgotten.

        Raises:
            StoreMismatch: A later version of iai-mcp wrote the table.
            StoreUnavailable: There is no store, or no room for a temporary folder.
        """
        from .maintenance.repair import plan_repair

        return plan_repair(self.paths, self.settings, self.embedder_key, transcripts=transcripts)

    def repair(self, plan: RepairPlan) -> Repaired:
        """Mend what the plan names; may be killed at any time, and run again.

        Raises:
            StoreBusy: Another process kept the write lock for a minute, or repaired the store.
            StoreUnavailable: The disk is full or fails, or nothing is left to mend with.
        """
        from .maintenance.repair import Repaired, rebuild, transcripts_are_read

        if plan.kind == "hopeless":
            raise StoreUnavailable(
                f"nothing of {self.paths.root} can be read, and there is neither a backup nor a "
                f"transcript that may be read: nothing was changed; see `iai-mcp backup --list`"
            )
        done = Repaired(plan)
        if plan.kind == "indexes":
            done.indexes = self.store.mend_indexes()
        elif plan.kind == "rebuild":
            done = rebuild(self.paths, plan)
            with self._opening:
                self._store = None  # the table that it had open is not there any more
        by_host: dict[Host, list[FoundTranscript]] = {}
        for host, one in plan.transcripts:
            by_host.setdefault(host, []).append(one)
        for host, files in by_host.items():
            read = self.import_transcripts(files, host, anew=True)
            done.from_transcripts += read.counts.stored
            done.faults += read.faults
        transcripts_are_read(self.paths)
        if plan.kind != "whole":
            self._committed()
        return done

    def put_table_back(self) -> PutBack:
        """Put the table that a restore or a repair replaced last back in its place.

        What was forgotten since is forgotten in it, too.

        Raises:
            InvalidInput: There is none.
            StoreFault: Somebody reads the store, or it cannot be written.
        """
        from .maintenance.putting_back import put_back

        def opened_anew() -> Store:
            with self._opening:
                self._store = None  # the table that it had open may have been replaced
            return self.store

        done = put_back(self.paths, opened_anew)
        self._committed()
        return done

    def undo(
        self,
        *,
        to: str | datetime | None = None,
        change: int | None = None,
        dry_run: bool = False,
        limit: int = 20,
    ) -> Undone:
        """Take back the last change, or all since a time; itself a change, which undo takes back.

        Args:
            to: Back to that time: an ISO date or time, or words as "yesterday"; of a day its end.
            change: Only the change with this number, as a dry run named it; what was changed again
                since stays.
            dry_run: Only say what would be done.
            limit: Maximum number of memories that are listed.

        Raises:
            InvalidInput: The time cannot be used.
            StoreFault: The store could not be written; then nothing was undone.
        """
        check_whole(limit, "limit", 0, _MAX_LISTED)
        from .maintenance.undo import plan_undo, undo
        from .maintenance.undo_report import undo_report

        moment = None if to is None else self._moment(to, "to", end=True)
        if dry_run:
            plan, number = plan_undo(self.store, self.store.latest, moment, change), None
        else:
            plan, number = undo(self.store, moment, change, by=self._origin)
        report = undo_report(plan, self.ledger, limit, number)
        if report.done:
            self.ledger.write(
                "undone",
                number=number,
                change=report.change,
                to=report.to and iso(report.to),
                counts=report.counts,
            )
            try:
                self._remove_pages()
            finally:
                self._committed()
        return report

    def history(self, id: str, *, forgotten: bool = False) -> MemoryHistory:
        """Return the states of a memory, oldest first; `forgotten` shows a forgotten text, too.

        Raises:
            UnknownRecord: No memory has that id.
            InvalidInput: Several have ids that begin so.
        """
        from .maintenance.past import history

        return history(self.store, self.ledger, id, forgotten=forgotten)

    def diff(
        self,
        since: str | datetime,
        until: str | datetime | None = None,
        *,
        limit: int = 50,
        forgotten: bool = False,
    ) -> StoreDiff:
        """Return what is different between two times, the newest first.

        Args:
            since: An ISO date or time, or words as "yesterday"; of a day its beginning.
            until: The same; of a day its end. None is now.
            limit: Maximum number of memories that are listed; all are counted.
            forgotten: Show the texts of what is forgotten, too.

        Raises:
            InvalidInput: A time cannot be used.
        """
        from .maintenance.past import diff

        check_whole(limit, "limit", 0, _MAX_LISTED)
        start = self._moment(since, "since", end=False)
        end = None if until is None else self._moment(until, "until", end=True)
        return diff(self.store, start, end, limit, forgotten=forgotten)

    def _moment(self, value: str | datetime, name: str, *, end: bool) -> datetime:
        from .maintenance.named_moment import named_moment

        return named_moment(value, name, utc_now().astimezone(self.zone), end=end)

    def projects(self) -> StoreProjects:
        """Return the projects of the store, to be listed, moved and given other names."""
        from .maintenance.projects import StoreProjects

        return StoreProjects(self.store, self.ledger, self.own_project, self._committed)

    def restore_folded(self) -> Restored:
        """Undo the folding of copies of one turn, which the upgrade of an old store did."""
        done = changes.restore_folded(self.store)
        if done.restored:
            self.ledger.write("folding_undone", copies=len(done.restored))
            self._committed()
        return done

    def scrub(
        self,
        pattern: str,
        *,
        regex: bool = False,
        ignore_case: bool = False,
        remove_unknown: bool = False,
    ) -> Scrubbed:
        """Replace every match by a mark, in records, old versions, spool, caches and logs.

        Args:
            pattern: A text, found in each encoding of `privacy.sought_text`.
            regex: Whether it is a regular expression.
            ignore_case: Whether capital and small letters are the same.
            remove_unknown: Whether former tables that a repair or a restore kept, and damaged parts
                of backups, are removed: nobody can say what is in them. Else they are named.

        Raises:
            InvalidInput: The pattern cannot be used.
            StoreFault: The store could not be written; another run does the rest.
        """
        from .maintenance.scrub import scrub
        from .privacy.sought_text import SoughtText

        sought = SoughtText.of(pattern, regex=regex, ignore_case=ignore_case)
        self._note_page_hits()
        return scrub(
            self.store,
            sought,
            self.page_manager(),
            self.settings,
            remove_unknown=remove_unknown,
        )

    def scrub_texts_of(self, ids: Sequence[str], *, remove_unknown: bool = False) -> Scrubbed:
        """Replace the whole texts of these memories by a mark, wherever they stand.

        Raises:
            InvalidInput: `ids` is no list of ids, or one names words that stand everywhere.
            UnknownRecord: No memory has one of them; nothing was changed.
            StoreFault: The store could not be written; another run does the rest.
        """
        from .maintenance.scrub import sayable, scrub
        from .privacy.sought_text import SoughtText
        from .writing.lookup import every_named_record

        named = every_named_record(self.store.latest, ids)
        sought = SoughtText.of_texts([sayable(record) for record in named])
        self._note_page_hits()
        return scrub(
            self.store,
            sought,
            self.page_manager(),
            self.settings,
            remove_unknown=remove_unknown,
        )

    def to_be_purged(self, ids: Sequence[str]) -> list[RecordView]:
        """Return the memories that `purge` would remove, the named ones first.

        Raises:
            InvalidInput: `ids` is no list of ids, or one is the beginning of several.
            StoreFault: The store could not be read.
        """
        from .maintenance.purge import chosen

        return [view_of(one) for one in chosen(self.store, check_ids(ids)).records]

    def purge(self, ids: Sequence[str] = ()) -> Purged:
        """Remove memories for good, with all that say the same, from backups and exports, too.

        Without ids it finishes a purge that was begun.

        Raises:
            InvalidInput: `ids` is no list of ids, or one is the beginning of several.
            UnknownRecord: No id names a memory; nothing was changed.
            StoreFault: The store could not be written; another run does the rest.
        """
        from .maintenance.purge import purge

        wanted = check_ids(ids) if ids else []
        self._note_page_hits()
        return purge(self.store, self.page_manager(), self.ledger, wanted, self.settings)

    def _remove_pages(self) -> None:
        # Here and not in the refresher: that one may be at another step for long.
        self._note_page_hits()
        try:
            remove_pages(self.paths)
        except OSError as exc:
            raise StoreUnavailable(
                f"the pages in {self.paths.root} cannot be removed ({exc.strerror}), and may still "
                f"show what was forgotten: run `iai-mcp session-start --refresh`"
            ) from exc

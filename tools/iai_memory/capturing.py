"""What hosts wrote into the store: their transcripts read, embedded, and kept under its project.

What only some methods need is imported there: every command opens a memory, and few of them read
transcripts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from .base.clock import iso
from .base.out_of_sight import OutOfSight
from .base.page_mark import hasten_page
from .coverage.catching_up import CatchingUp, CaughtUp
from .errors import ForeignFileFault
from .handle import StoreHandle
from .maintenance.after_commit import compact_if_due
from .projects.identity import ignored
from .results import IngestReport
from .store.writer import ChangeGroup
from .writing import changes
from .writing.embed_pending import STEP_MEMORIES, EmbeddingElsewhere, embed_step
from .writing.ingest import ingest
from .writing.new_memory import NewMemory, new_memories

if TYPE_CHECKING:
    from .capture.drain import Drained
    from .capture.history_import import ImportProgress
    from .capture.selection import Selection
    from .capture.transcript_files import FoundTranscript
    from .capture.turn import Host
    from .projects.identity import Project


class CapturingHandle(StoreHandle):
    """A store that takes up what hosts wrote. The base of `Memory`."""

    def catch_up(self, *, vectors: bool = True) -> CaughtUp:
        """Store what hosts wrote since and embed what waits, where that is cheap.

        Costs a look at the spool where nothing waits, and else at most two seconds; see
        `coverage/catching_up.py`. Nothing that fails is raised: it is returned.

        Args:
            vectors: Whether to embed, too.
        """
        return self._catching_up.run(self, vectors=vectors)

    def drain(
        self,
        *,
        max_seconds: float = float("inf"),
        wait_seconds: float = 0.0,
        reading: Callable[[Path], None] | None = None,
    ) -> Drained:
        """Store the turns that capture hooks rang for, as text; their vectors are pending.

        Args:
            max_seconds: Time after which no other batch is begun; the next drain goes on.
            wait_seconds: How long to wait for a drain of another process.
            reading: Called with each transcript before it is opened.

        Raises:
            StoreFault: The spool or the table could not be used; every unanswered ring waits.
        """
        from .capture.drain import Drain
        from .projects.lookup import ProjectLookup

        _ = self.store  # a lost one is told before a ring is taken; no cursor comes before a table
        projects = ProjectLookup()
        drain = Drain(
            self.paths,
            self.ledger,
            self._store_captured,
            self._tag_captured,
            reading=reading,
            projects=projects,
        )
        done = drain.run(max_seconds=max_seconds, wait_seconds=wait_seconds)
        for one in projects.found():
            self.join_folder(one)
        if done.stored or done.rings:
            self._committed()
        return done

    def import_transcripts(
        self,
        files: Sequence[FoundTranscript],
        host: Host,
        *,
        selection: Selection | None = None,
        anew: bool = False,
        advanced: Callable[[ImportProgress], None] | None = None,
    ) -> ImportProgress:
        """Store the turns of whole transcripts, as text; their vectors are pending.

        May be interrupted at any time: the next import goes on where the last commit ended.

        Args:
            files: The transcripts.
            host: Which host wrote those that do not show it.
            selection: Which turns; None is all. Only then are files left out that are unchanged
                since they were imported.
            anew: Read also those.
            advanced: Called some times a second.

        Raises:
            StoreFault: The store could not be used.
        """
        from .capture.history_import import HistoryImport
        from .capture.import_record import ImportRecord
        from .capture.selection import Selection
        from .projects.lookup import ProjectLookup

        projects = ProjectLookup()
        run = HistoryImport(
            partial(self._store_imported, ChangeGroup()),
            self.tag_rewound,
            selection=replace(selection or Selection(), names=self.store.project_names),
            record=None if selection else ImportRecord(self.paths, self._table, anew=anew),
            advanced=advanced,
            projects=projects,
        )
        done = run.run(files, host)
        for one in projects.found():
            self.join_folder(one)
        if done.counts.stored:
            self._committed()
        return done

    def embed_pending(
        self,
        limit: int = STEP_MEMORIES,
        *,
        seconds: float | None = None,
        wait_seconds: float = 0.0,
    ) -> int:
        """Embed some pending memories, in one commit and about a second of processor time.

        A long text takes several calls. Returns how many memories got vectors: 0 where none is
        pending, without a model, and while another process embeds.

        Args:
            limit: Maximum number of memories.
            seconds: Processor time of the model, where it is to be less than usual.
            wait_seconds: How long to wait for another process that embeds.

        Raises:
            ModelFault: The model could not run.
            StoreFault: The store could not be written.
        """
        # The model is not loaded where nothing is pending.
        encoder = self.encoder if self.store.latest.count_pending() else None
        if encoder is None:
            return 0
        try:
            step = embed_step(
                self.store, encoder, limit=limit, seconds=seconds, wait_sec=wait_seconds
            )
        except EmbeddingElsewhere:
            return 0
        if step is None:
            return 0
        self._committed()
        return step.finished + step.continued

    def fill_tokens(self) -> int:
        """Give some memories that earlier versions embedded their token vectors, in one commit.

        About a second of processor time. Returns how many got some: 0 where all have them, where
        the model makes none or is not there, and while another process embeds.

        Raises:
            ModelFault: The model could not run.
            StoreFault: The store could not be written.
        """
        key = None if self.model is None else self.model.identity.token_key
        if key is None or not self.store.latest.count_lacking_tokens(key):
            return 0  # the model is not loaded
        from .writing.fill_tokens import token_step

        encoder = self.encoder
        try:
            return 0 if encoder is None else token_step(self.store, encoder)
        except EmbeddingElsewhere:
            return 0

    def tag_rewound(self, rewound: Collection[str], others: Collection[str]) -> int:
        """Give turns that the user took back the tag `rewound`, take it from `others`.

        Both are idempotency keys; those that are not stored are left out. Returns how many changed.

        Raises:
            StoreFault: The store could not be written.
        """
        changed = changes.tag_rewound(self.store, rewound, others)
        if changed:
            self._committed()
        return changed

    def join_folder(self, project: Project) -> None:
        """Join what a folder's memories were kept under before it had a remote, if it is certain.

        Raises:
            StoreFault: The store could not be read.
        """
        if project.name == project.folder:
            return
        from .maintenance.project_offers import join_folder

        done = join_folder(self.store, project)
        if done is not None:
            self.ledger.write("project_linked", alias=done.alias, project=done.name, by=done.by)
            self._committed()

    def offered_project(self) -> str | None:
        """Return what the own project may have been before, as a sentence; None where nothing is.

        Raises:
            StoreFault: The store could not be read.
        """
        from .maintenance.project_offers import offer

        self._join_own_folder()
        return None if self._folder is None else offer(self.store, self._folder)

    @cached_property
    def _catching_up(self) -> CatchingUp:
        return CatchingUp()

    def _no_capture(self) -> OutOfSight | None:
        """Return why hooks note nothing where the user works; None where they do."""
        if self.settings.disable:
            return OutOfSight.CAPTURE_OFF
        try:
            here = self._cwd is not None and ignored(self._cwd)
        except ForeignFileFault:
            return None  # nobody can say
        return OutOfSight.FOLDER_IGNORED if here else None

    def _join_own_folder(self) -> None:
        if self._folder is not None and self._joined_at != self.store.stamp:
            self.join_folder(self._folder)
            self._joined_at = self.store.stamp

    def _store_captured(self, turns: list[NewMemory]) -> IngestReport:
        # Without the encoder: words first, since one long text may cost seconds.
        return ingest(self.store, None, new_memories(turns), origin="hook")

    def _tag_captured(self, rewound: Collection[str], others: Collection[str]) -> int:
        return changes.tag_rewound(self.store, rewound, others)

    def _store_imported(self, group: ChangeGroup, turns: list[NewMemory]) -> IngestReport:
        # Without the encoder: words first. The page follows at the end, whatever its interval.
        report = ingest(self.store, None, new_memories(turns), origin="import", group=group)
        hasten_page(self.paths)
        compact_if_due(self.store)
        return report

    def _table(self) -> tuple[str, int]:
        first = self.store.first_ingested_at()
        return "" if first is None else iso(first), self.store.version

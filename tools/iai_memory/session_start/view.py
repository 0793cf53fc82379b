"""One version of the table with the page inputs of that moment: every page and its watermark."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from ..analysis.topics import MAX_ROWS_IN_A_TICK
from ..base.clock import utc_now
from ..store.reader import TableReader
from ..store.statistics import TableStatistics, total_statistics
from ..store.table import Store
from .page import NEW_PROJECT, Page, RenderedPage, render
from .page_inputs import PageInputs, read_page_inputs
from .watermark import Watermark


@dataclass(frozen=True, slots=True)
class PageOptions:
    """The options of a store's pages.

    Attributes:
        min_interval_sec: Minimum age of the cache before a live tick renders it again.
        budget_tokens: Estimated tokens of one page.
        embedder: Key of the embedder.
        zone: Time zone of the dates on the page.
        max_rows_for_topics: Rows of a store up to which a missing topic map is built at once.
    """

    min_interval_sec: float
    budget_tokens: int
    embedder: str
    zone: tzinfo = UTC
    max_rows_for_topics: int = MAX_ROWS_IN_A_TICK


@dataclass(frozen=True, slots=True)
class StoreView:
    """A pinned version of the table, and the page inputs that were read just before it.

    Attributes:
        store_name: Name of the store's folder.
        reader: Reads the pinned version.
        stamp: Which table it is; see `Watermark.table_stamp`.
        by_project: Statistics of each project; those of the records of no project under None.
        inputs: Without topics that are stale in this version.
        now: When the view was taken, UTC.
        options: Budget and embedder.
    """

    store_name: str
    reader: TableReader
    stamp: str
    by_project: dict[str | None, TableStatistics]
    inputs: PageInputs
    now: datetime
    options: PageOptions

    def projects(self) -> list[str]:
        """Return every name of a project that has a page, sorted.

        A hook asks under the name that it finds today, records may have another one.
        """
        return self.inputs.names.asked_for(self.by_project)

    def names_of(self, project: str) -> tuple[str, ...]:
        """Return the names that records of the project have."""
        return self.inputs.names.names_of(project, self.by_project)

    def scope(self, project: str | None) -> str | None:
        """Return whose page is shown to a project: that of a new one if it has no memories."""
        if project is None or self.names_of(project):
            return project
        return NEW_PROJECT

    def statistics(self, project: str | None) -> TableStatistics:
        """Return the statistics of one page; a project's includes memories of no project."""
        parts = self.by_project
        wanted = parts if project is None else (*self.names_of(project), None)
        return total_statistics([parts[name] for name in wanted if name in parts])

    def with_inputs(self, inputs: PageInputs) -> StoreView:
        """Return the same version of the table with other inputs, without stale topics."""
        whole = self.statistics(None)
        fit = inputs.without_stale_topics(
            removal_version=whole.removal_version, records_total=whole.total
        )
        return replace(self, inputs=fit)

    def render(self, project: str | None, *, rings: int = 0) -> RenderedPage:
        """Return one page.

        Args:
            project: Whose, or `NEW_PROJECT`; None is every project.
            rings: How many rings wait; a page for the cache names none, since a hook serves it
                only while none waits.

        Raises:
            StoreFault: The table could not be read.
        """
        page = Page(
            store_name=self.store_name,
            project=project,
            statistics=self.statistics(project),
            budget_tokens=self.options.budget_tokens,
            zone=self.options.zone,
            same_project=() if project is None else self.names_of(project),
            names=self.inputs.names,
            rings=rings,
            topics=self.inputs.topic_lines(project),
            topic_facts=self.inputs.topic_facts(project),
            notice=self.inputs.notice,
            places=self.inputs.places_in(project),
        )
        return render(self.reader, page)

    def watermark(self, project: str | None) -> Watermark:
        """Return what `render` of the same project is guaranteed to contain."""
        table = Watermark.of_table(
            self.statistics(project), version=self.reader.version, stamp=self.stamp
        )
        return _with_inputs(table, self.inputs, project, self.now, self.options)


def take_view(store: Store, options: PageOptions) -> StoreView:
    """Return the newest version of the table with the inputs beside it.

    Raises:
        StoreFault: The store could not be read.
    """
    # Inputs first: what a drain stores in between is in the table that is read then.
    inputs = read_page_inputs(store.paths)
    stamp = store.stamp
    reader = store.pinned_reader()
    view = StoreView(
        store_name=store.paths.root.name,
        reader=reader,
        stamp=stamp,
        by_project=store.statistics_by_project(reader, stamp),
        inputs=inputs,
        now=utc_now(),
        options=options,
    )
    return view.with_inputs(inputs)


def is_unchanged(store: Store, options: PageOptions, mark: Watermark) -> bool:
    """Return whether the page of all projects would get the watermark `mark` again.

    False where anything was committed since, even without new content. Opens no version of the
    table and reads no row: cheap enough for every tick.

    Raises:
        StoreFault: The store could not be read.
    """
    if mark.table_stamp != store.stamp or mark.table_version != store.version:
        return False
    # The same version of the same table: what the watermark says of it still holds.
    inputs = read_page_inputs(store.paths).without_stale_topics(
        removal_version=mark.removal_version, records_total=mark.records_total
    )
    return _with_inputs(mark, inputs, None, utc_now(), options).same_content(mark)


def _with_inputs(
    table: Watermark,
    inputs: PageInputs,
    project: str | None,
    now: datetime,
    options: PageOptions,
) -> Watermark:
    """Return the watermark of one page: `table` with the fields of the page's other inputs."""
    return replace(
        table,
        spool_bytes=inputs.spool_bytes if project is None else 0,
        day=now.astimezone(options.zone).date().isoformat(),
        embedder=options.embedder,
        beside=inputs.digest(project, options.zone),
    )

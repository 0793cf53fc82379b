"""Answers with their coverage: of a recall, of a timeline, of a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ..base.out_of_sight import OutOfSight
from ..base.paths import StorePaths
from ..embedding.model import EmbeddingModel
from ..errors import ModelFault
from ..projects.identity import Project
from ..recall.project_scope import in_project
from ..recall.query import Query
from ..results import Coverage, Handoff, Recalled, SessionStartPage, Timeline
from ..store.filter import Filter
from ..store.table import Store
from ..text.analyzer import query_terms
from .catching_up import CaughtUp
from .measure import Answered, coverage_of
from .unread import unread

SLEEP_FIX: Final = "iai-mcp sleep"
"""The command to run where vectors are pending or an index is damaged."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Where an answer comes from.

    Attributes:
        store: The table.
        paths: The store's files.
        no_capture: Says why hooks note nothing where the user works; None where they do.
        caught_up: What was completed before the answer.
        own: The project of the user's folder; None without one.
    """

    store: Store
    paths: StorePaths
    no_capture: Callable[[], OutOfSight | None]
    caught_up: CaughtUp
    own: Project | None = None

    def recalled(
        self, found: Recalled, query: Query, model: EmbeddingModel, fault: ModelFault | None
    ) -> Recalled:
        """Return what was recalled with its coverage; where that is not complete, it is not sure.

        Args:
            found: The answer of the pipeline, which says what it left out.
            query: What was asked for, its filter in scope.
            model: Names the command where there is none.
            fault: Why the model could not be used; None where it could, or where there is none.

        Raises:
            StoreFault: The store could not be read.
        """
        hidden = {OutOfSight(one.reason): one.count or 0 for one in found.coverage.hidden}
        searches, where = found.mode not in ("time", "id"), query.where
        if searches and found.degraded:
            hidden[OutOfSight.DAMAGED_MODEL if fault else OutOfSight.NO_MODEL] = 1
        words_only = "only words were searched"
        coverage = self._coverage(
            Answered(
                where=_within(where, found),
                is_empty=not found.hits,
                project_is_known=_is_known(where),
                by_meaning=found.mode in ("hybrid", "dense"),
                lacks_model=found.degraded,
                wants_vectors=searches,
                hidden=hidden,
                remedies={
                    OutOfSight.DAMAGED_MODEL: f"{words_only}: {fault}",
                    OutOfSight.NO_MODEL: f"{words_only}, there is no model: run `{model.fix}`",
                    OutOfSight.RESPELLED: found.coverage.note or "",
                },
                terms=query_terms(query.text) if searches and not found.hits else (),
            )
        )
        fix = found.fix
        if found.degraded:
            fix = model.fix
        elif coverage.pending or OutOfSight.DAMAGED_WORDS in hidden:
            fix = SLEEP_FIX
        return found.model_copy(
            update={
                "coverage": coverage,
                "confidence": found.confidence if coverage.complete else None,
                "degraded": found.degraded
                or bool(coverage.pending)
                or OutOfSight.DAMAGED_WORDS in hidden,
                "fix": fix,
            }
        )

    def timeline(self, found: Timeline, where: Filter) -> Timeline:
        """Return the entries with their coverage: all that pass the filter are wanted.

        Args:
            found: Says how many entries are behind its limit.
            where: Its filter.

        Raises:
            StoreFault: The store could not be read.
        """
        hidden = {OutOfSight(one.reason): one.count or 0 for one in found.coverage.hidden}
        answered = Answered(
            where,
            is_empty=not found.records,
            project_is_known=_is_known(where),
            hidden=hidden,
        )
        return found.model_copy(update={"coverage": self._coverage(answered)})

    def page(self, page: SessionStartPage, project: str | None) -> SessionStartPage:
        """Return the page with its coverage; what does not fit on it is not counted.

        Raises:
            StoreFault: The store could not be read.
        """
        own = in_project(Filter(project=project), self.store)
        of_page = replace(own, or_no_project=project is not None)
        is_known = project is None or bool(own.same_project)
        coverage = self._coverage(Answered(of_page, is_empty=False, project_is_known=is_known))
        return page.model_copy(update={"coverage": coverage})

    def handoff(self, found: Handoff, where: Filter) -> Handoff:
        """Return a handoff with its coverage.

        Raises:
            StoreFault: The store could not be read.
        """
        is_known = _is_known(where)
        answered = Answered(where, is_empty=not found.sessions, project_is_known=is_known)
        return found.model_copy(update={"coverage": self._coverage(answered)})

    def _coverage(self, answered: Answered) -> Coverage:
        undone = self.caught_up.undone
        failed = {OutOfSight.NOT_DRAINED: 1} if OutOfSight.NOT_DRAINED in undone else {}
        answered = replace(
            answered,
            hidden={**failed, **answered.hidden},
            remedies={**undone, **self._offered(answered), **answered.remedies},
        )
        return coverage_of(
            self.store,
            unread(self.paths, self.store.aliases, nothing_waits=self.caught_up.nothing_waits),
            answered,
            no_capture=self.no_capture,
        )

    def _offered(self, answered: Answered) -> Mapping[OutOfSight, str]:
        """Return what the own project may have been before, where it is asked for and has nothing.

        Raises:
            StoreFault: The store could not be read.
        """
        project = answered.where.project
        if answered.project_is_known or project is None or self.own is None:
            return {}
        if not self.store.project_names.same(project, self.own.name):
            return {}
        if self.store.aliases.fault() is not None:
            return {}  # the command that would be offered needs them
        from ..maintenance.project_offers import offer  # few answers have something to offer

        said = offer(self.store, self.own)
        return {} if said is None else {OutOfSight.UNKNOWN_PROJECT: said}


def _is_known(where: Filter) -> bool:
    """Return whether the filter names no project, or one that has memories; of one in scope."""
    return where.project is None or bool(where.same_project)


def _within(where: Filter, found: Recalled) -> Filter:
    """Return the filter with the time that the question names."""
    if found.period is None:
        return where
    return replace(where, since=found.period.start, until=found.period.end)

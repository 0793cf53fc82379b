"""The memory behind one object: a method for each tool and command. It opens and delegates.

What only some methods need is imported there: every command opens a memory, and few of them search,
read transcripts or scrub.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Unpack

from .base.checks import check_flag, check_whole
from .base.clock import parse_time, utc_now
from .coverage.answers import Sight
from .coverage.catching_up import CaughtUp
from .errors import UnknownRecord
from .privacy.redaction import redact
from .recall.filter_arguments import check_filter, in_hindsight
from .recall.project_scope import in_project
from .recall.session_prefix import in_session
from .recall.timeline import MAX_LIMIT, timeline
from .results import (
    Forgotten,
    Handoff,
    IngestReport,
    Injections,
    Pinned,
    PromptRecall,
    Recalled,
    RecordView,
    Restored,
    SessionStartPage,
    Superseded,
    Timeline,
)
from .session_start.current_page import current_page
from .store.filter import Filter
from .store.names import stored_id, stored_place
from .store.record_view import view_of
from .upkeep import StoreUpkeep
from .writing import changes
from .writing.ingest import ingest
from .writing.lookup import live_record
from .writing.new_memory import new_memories
from .writing.supersede import supersede

if TYPE_CHECKING:
    from .analysis.contradictions import Contradiction
    from .injection.events import By
    from .recall.query import RecallOptions

_MAX_REASON: Final = 200
_REHEARSED: Final = "which database did we choose for the tests, and why?"


class Memory(StoreUpkeep):
    """A memory in one store folder.

    Safe to use from several threads, and beside other processes on the same store. Store and model
    are opened at their first use.

    Example:
        >>> memory = Memory(store="~/.iai-mcp")  # doctest: +SKIP
        >>> memory.ingest("The staging database listens on port 5544.")  # doctest: +SKIP
        >>> memory.recall("which port is staging on?").hits[0].text  # doctest: +SKIP
        'The staging database listens on port 5544.'
    """

    def ingest(
        self, memories: str | dict[str, Any] | Iterable[Any], *, origin: str | None = None
    ) -> IngestReport:
        """Store memories: texts, or objects with text and the fields of `NewMemory`.

        They are on disk when it returns. The same turn, or the same text of the same time, is
        stored once however often it comes.

        Raises:
            InvalidInput: One of them cannot be stored; then none was.
            StoreFault: Some may not be on disk; storing all of them again doubles none.
        """
        checked = new_memories(memories, self.zone, self.own_project)
        encoder = self._usable_encoder()[0]
        report = ingest(self.store, encoder, checked, origin=origin or self._origin)
        if report.stored:
            self._committed()
        return report

    def recall(
        self, query: str, *, catch_up: bool = False, **options: Unpack[RecallOptions]
    ) -> Recalled:
        """Find what answers the query, best first.

        Args:
            query: A question or a few words.
            catch_up: Whether to complete first what is cheap to complete, see `catch_up`.
            options: limit, project, since, until, as_of, tags, origins, include_superseded,
                budget_tokens and min_confidence, each as `RecallOptions` describes it.

        Raises:
            InvalidInput: An argument cannot be used.
            StoreFault: The store could not be read.
        """
        from .recall.pipeline import recall
        from .recall.query import check_query

        checked = check_query(query, options, self.own_project, self.zone)
        caught_up = self.catch_up() if catch_up else CaughtUp()
        self._join_own_folder()
        encoder, fault = self._usable_encoder()
        scoped = replace(checked, where=self._scoped(checked.where))
        found = recall(self.store, encoder, scoped)
        found = self._sight(caught_up).recalled(found, scoped, self._model, fault)
        if self._folder is None or self.default_project is None or not found.hits:
            return found
        from .session_start.hit_files import Asking, with_named_files

        asking = Asking(self._folder, str(self._cwd))
        return found.model_copy(update={"hits": with_named_files(found.hits, self.store, asking)})

    def prompt_recall(
        self, prompt: str, *, session_id: str | None, cwd: str | None, host: str
    ) -> PromptRecall:
        """Find what a model should know at a prompt that nobody asked us about: mostly nothing.

        Nothing is noted: `note_injected` does, once the model has it.

        Args:
            prompt: What the user wrote, of any length.
            session_id: The host's session.
            cwd: The session's folder; its project is the one that asks.
            host: The host's name.

        Raises:
            StoreFault: The store could not be read.
        """
        from .injection.asked import asked_of
        from .injection.prompt import recall_at_prompt
        from .projects.identity import project_of
        from .recall.query import check_query
        from .session_start.hit_files import Asking

        place = None if cwd is None else project_of(cwd)
        name = None if place is None else stored_place(place.name)
        text = asked_of(prompt)
        if not text:
            return PromptRecall(reason="nothing_asked")
        asked = check_query(text, {"project": name}, name, self.zone)
        return recall_at_prompt(
            self.store,
            self.ledger,
            self._usable_encoder()[0],
            asked,
            session_id=stored_id(session_id),
            asking=None if place is None else Asking(place, cwd or place.folder),
        )

    def warm(self) -> None:
        """Load what the first prompt needs: code, model, and what LanceDB keeps of the table.

        It takes about 0.3 s of processor time and 80 MB, most of them the model's. The table is not
        copied into memory, which pays only where somebody asks.

        Raises:
            StoreFault: The store could not be read.
        """
        self.prompt_recall(_REHEARSED, session_id=None, cwd=None, host="")
        self.store.latest.forget_searches()

    def prepare_next(self) -> None:
        """Copy a small table into memory after a search, for which the next would wait.

        Raises:
            StoreFault: The store could not be read.
        """
        self.store.latest.build_small_snapshot()

    def note_injected(self, recalled: PromptRecall, *, session_id: str | None, by: By) -> None:
        """Note what a model was given without having asked: ids, never a text.

        Args:
            recalled: What it was given.
            session_id: The host's session.
            by: What gave it: page, prompt or tool.
        """
        from .injection.events import note_given

        note_given(
            self.ledger,
            by,
            recalled.memory_ids,
            session=stored_id(session_id),
            reason=recalled.reason,
            confidences=recalled.confidences,
        )

    def note_page(self, page: SessionStartPage, *, session_id: str | None) -> None:
        """Note that a model was given a session-start page: ids, never a text.

        Args:
            page: The page.
            session_id: The host's session; None where nobody tells it.
        """
        from .injection.events import note_given
        from .injection.page_hits import SESSION_START

        note_given(
            self.ledger,
            "page",
            page.memory_ids,
            session=stored_id(session_id),
            reason=SESSION_START,
            project=self.default_project,
        )

    def note_answered(
        self, tool: str, ids: Sequence[str], confidences: Sequence[float | None] = ()
    ) -> None:
        """Note which memories a model got from a tool that it called: ids, never a text.

        Nobody tells a server which session calls; the project and the time are noted.
        """
        from .injection.events import note_given

        known = [one for one in confidences if one is not None]
        note_given(
            self.ledger,
            "tool",
            ids,
            session=None,
            reason="asked",
            confidences=known if len(known) == len(ids) else (),
            tool=tool,
            project=self.default_project,
        )

    def why(self, session: str | None = None, *, catch_up: bool = False) -> Injections:
        """Return what was put before the model in a session, why, and what it used of that.

        Args:
            session: Its id, or the beginning of it; None is the last session of the own project.
            catch_up: That of `recall`.

        Raises:
            InvalidInput: Several sessions begin with `session`.
            UnknownRecord: None does, or no session is known here.
            StoreFault: The store could not be read.
        """
        from .injection.events import injected
        from .injection.threshold import threshold_now
        from .injection.why import injections_of, last_session, session_named

        self._note_page_hits()
        if catch_up:
            self.catch_up(vectors=False)
        self._join_own_folder()
        events = injected(self.ledger)
        if session is None:
            chosen = last_session(self.store, self.default_project)
        else:
            chosen = session_named(self.store, session, events, self.zone)
        found = injections_of(self.store, chosen, events, self.store.erasures.now().purged)
        return found.model_copy(update={"threshold": threshold_now(self.paths, utc_now())})

    def supersede(
        self, id: str, text: str, *, reason: str = "", at: str | datetime | None = None
    ) -> Superseded:
        """Store `text` as true since `at` in place of the memory `id`; both stay.

        Args:
            id: Of the memory that is no longer true.
            text: The text that is true instead.
            reason: Why; goes into the ledger.
            at: Since when, as an ISO date or time; None is now.

        Raises:
            UnknownRecord: No such memory, or it was forgotten.
            InvalidInput: The text cannot be stored, the memory was superseded already, or `at` is
                before the old one began to hold or in the future.
        """
        since = None if at is None else parse_time(at, "at", zone=self.zone)
        encoder = self._usable_encoder()[0]
        done = supersede(self.store, encoder, id, text, origin=self._origin, at=since)
        self.ledger.write(
            "superseded",
            old_id=done.old_id,
            new_id=done.new_id,
            reason=_noted(reason),
            by=self._origin,
        )
        self._committed()
        return done

    def forget(self, ids: Sequence[str], *, reason: str = "") -> Forgotten:
        """Hide memories from every result and page at once; `restore` undoes it.

        Raises:
            InvalidInput: `ids` is not a list of ids.
            StoreUnavailable: The pages cannot be removed; the memories are hidden all the same.
        """
        done = changes.forget(self.store, ids, self._origin)
        if done.forgotten:
            self.ledger.write(
                "forgotten", ids=done.forgotten, reason=_noted(reason), by=self._origin
            )
            try:
                self._remove_pages()
            finally:
                self._committed()
        return done

    def restore(self, ids: Sequence[str]) -> Restored:
        """Undo `forget`, and `supersede` for the old memory.

        Raises:
            InvalidInput: `ids` is not a list of ids.
        """
        done = changes.restore(self.store, ids, self._origin)
        if done.restored:
            self.ledger.write("restored", ids=done.restored, by=self._origin)
            self._committed()
        return done

    def pin(
        self,
        id: str,
        *,
        pinned: bool = True,
        add_tags: Sequence[str] = (),
        remove_tags: Sequence[str] = (),
    ) -> Pinned:
        """Set the tags of a memory, and whether it is a pinned fact.

        Raises:
            UnknownRecord: No such memory, or it was forgotten.
            InvalidInput: A tag cannot be used.
        """
        check_flag(pinned, "pinned")
        view = changes.pin(
            self.store,
            id,
            pinned=pinned,
            add_tags=add_tags,
            remove_tags=remove_tags,
            by=self._origin,
        )
        self.ledger.write("pinned" if pinned else "unpinned", id=view.id, by=self._origin)
        self._committed()
        return view

    def timeline(
        self,
        *,
        project: str | None = None,
        session_id: str | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        as_of: str | datetime | None = None,
        limit: int = 20,
        catch_up: bool = False,
        turns: bool = False,
    ) -> Timeline:
        """Return exchanges and memories in time, newest first; texts are cut, see `record`.

        A turn of a host's session comes with its exchange: the user's turns and the answer, and how
        many turns were between. With `as_of` all are as the store had them then.

        Args:
            project: "." is the own project, None every project.
            session_id: Of a session, or the beginning of one that no other session has.
            since: ISO date or time.
            until: ISO date or time; a date is its whole day.
            as_of: ISO date or time.
            limit: Maximum number of exchanges and single memories, 1 to 500.
            catch_up: That of `recall`.
            turns: List each turn by itself, narration too.

        Raises:
            InvalidInput: An argument cannot be used, or several sessions begin with `session_id`.
            StoreFault: The store could not be read.
        """
        check_flag(turns, "turns")
        where = check_filter(
            project=project,
            own_project=self.own_project,
            session_id=session_id,
            since=since,
            until=until,
            as_of=as_of,
            include_superseded=True,
            zone=self.zone,
        )
        check_whole(limit, "limit", 1, MAX_LIMIT)
        caught_up = self.catch_up(vectors=False) if catch_up else CaughtUp()
        self._join_own_folder()
        where = self._scoped(in_session(where, self.store.latest, self.zone))
        found = timeline(self.store, where, limit, turns=turns)
        return self._sight(caught_up).timeline(found, where)

    def contradictions(self, limit: int = 20) -> list[Contradiction]:
        """Return pairs of memories that may not both be true, newest first; changes nothing.

        Raises:
            InvalidInput: `limit` is not 1 to 500.
            ModelMissing: There is no model, so there are no vectors to compare.
            StoreFault: The store could not be read.
        """
        from .analysis.contradictions import find_contradictions

        check_whole(limit, "limit", 1, MAX_LIMIT)
        store = self.store  # says of which model
        self._model.require_files()
        return find_contradictions(store, limit)

    def not_compared(self) -> tuple[int, int]:
        """Return how many memories `contradictions` leaves out: too old ones, and pending ones.

        Raises:
            StoreFault: The store could not be read.
        """
        from .analysis.contradictions import not_compared

        return not_compared(self.store)

    def record(self, id: str) -> RecordView:
        """Return one memory with its whole text.

        Raises:
            UnknownRecord: No such memory, or it was forgotten or purged.
        """
        try:
            return view_of(live_record(self.store.latest, id))
        except UnknownRecord as exc:
            if id.strip().lower() in self.store.erasures.now().purged:
                raise UnknownRecord(f"{id} was purged, and nothing brings it back") from exc
            raise

    def session_start(
        self,
        project: str | None = None,
        *,
        refresh: bool = False,
        catch_up: bool = False,
        session: str | None = None,
        since: str | datetime | None = None,
    ) -> SessionStartPage:
        """Return the session-start page: the cache where it is provably fresh, else a new render.

        Args:
            project: "." is the own project, None every project.
            refresh: First render and cache it if anything changed.
            catch_up: That of `recall`.
            session: In place of the page the handoff of this session, see `handoff`; then of every
                project.
            since: In place of the page the handoff since this ISO date or time.

        Raises:
            InvalidInput: The project is "." and not known here.
            StoreFault: The store could not be read.
        """
        if session is not None or since is not None:
            return self._handed_off(project, session, since, catch_up=catch_up)
        name = check_filter(project=project, own_project=self.own_project).project
        caught_up = self.catch_up(vectors=False) if catch_up else CaughtUp()
        self._join_own_folder()
        page = current_page(self.paths, self.page_manager(), name, refresh=refresh)
        return self._sight(caught_up).page(page, name)

    def handoff(
        self,
        project: str | None = None,
        *,
        session: str | None = None,
        since: str | datetime | None = None,
        catch_up: bool = False,
    ) -> Handoff:
        """Return where the last session left off: asked, finished, left open, and its files.

        Files are looked up on the disk now.

        Args:
            project: "." is the own project, None every project.
            session: Of this session, by its id or the beginning of it.
            since: ISO date or time; then of each session since, the newest five.
            catch_up: That of `recall`.

        Raises:
            InvalidInput: An argument cannot be used, or no session or several begin with `session`.
            StoreFault: The store could not be read.
        """
        from .session_start.handoff import handoff
        from .session_start.page_inputs import places_in_the_middle

        where = check_filter(
            project=project,
            own_project=self.own_project,
            session_id=session,
            since=since,
            zone=self.zone,
        )
        caught_up = self.catch_up(vectors=False) if catch_up else CaughtUp()
        self._join_own_folder()
        where = self._scoped(in_session(where, self.store.latest, self.zone))
        places = places_in_the_middle(self.paths)
        found = handoff(self.store.latest, where, places, self.zone, self.paths.root.name)
        return self._sight(caught_up).handoff(found, where)

    def _handed_off(
        self,
        project: str | None,
        session: str | None,
        since: str | datetime | None,
        *,
        catch_up: bool,
    ) -> SessionStartPage:
        """Return a handoff in the place of the page; a session is found in whatever project."""
        own = None if session is not None else project
        found = self.handoff(own, session=session, since=since, catch_up=catch_up)
        return SessionStartPage(
            payload=found.payload,
            generated_at=None,
            age_s=None,
            fresh=True,
            watermark=self.page_manager().probe().to_fields(),
            action="live",
            coverage=found.coverage,
            memory_ids=found.memory_ids,
        )

    def _scoped(self, where: Filter) -> Filter:
        return in_project(in_hindsight(where, self.store), self.store)

    def _sight(self, caught_up: CaughtUp) -> Sight:
        return Sight(self.store, self.paths, self._no_capture, caught_up, self._folder)


def _noted(reason: str) -> str:
    """Return a reason as the ledger keeps it: without secrets, and short."""
    return redact(reason).text[:_MAX_REASON]

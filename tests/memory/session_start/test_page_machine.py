"""Any order of writes, refreshes, crashes and second handles: one refresh makes the page true."""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.support.pages import cache, opened, ring, set_age, sidecar

from iai_memory import Memory
from iai_memory.projects.key import project_key
from iai_memory.session_start.cache import cache_path, read_sidecar, sidecar_path
from iai_memory.session_start.refresh import RefreshOutcome

MOST_WAITING = 10
"""Rings that no drain has answered yet."""
INTERVAL = 3600.0
"""Longer than any run; where it matters, the page's age is set back by as much."""
PROJECTS = [None, "alpha", "beta"]
STEPS = ["watermark", "rendered", "written"]
WHO = st.sampled_from([0, 1])


class Crash(BaseException):
    """A process that ends at this point, as far as the files can tell."""


class Freshness(RuleBasedStateMachine):
    """Two handles on one store, as two processes have them.

    What is known beside the store: which texts are current and which were taken back.
    """

    interval = 0.0
    interleavings = 0

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="freshness-"))
        self.handles = [self._open(), self._open()]
        self.count = 0
        self.current: dict[str, tuple[str, str | None]] = {}
        self.gone: dict[str, tuple[str, str | None]] = {}
        self.retired: list[str] = []
        self.waiting = 0

    def teardown(self) -> None:
        """Once writes stop, one refresh must do, whatever came before."""
        self.writes_stop(0)
        shutil.rmtree(self.root)

    @rule(who=WHO, project=st.sampled_from(PROJECTS), role=st.sampled_from(["user", "note"]))
    def commit(self, who: int, project: str | None, role: str) -> None:
        """Stores a text that nobody said before."""
        self.count += 1
        text = f"fact-{self.count:04d}"
        [done] = self.handles[who].ingest({"text": text, "project": project, "role": role}).results
        assert done.id is not None
        self.current[done.id] = (text, project)

    @precondition(lambda self: self.current)
    @rule(who=WHO, data=st.data())
    def forget(self, who: int, data: st.DataObject) -> None:
        """Takes one back."""
        id_ = data.draw(st.sampled_from(sorted(self.current)))
        assert self.handles[who].forget([id_]).forgotten == [id_]
        self.gone[id_] = self.current.pop(id_)

    @precondition(lambda self: self.gone)
    @rule(who=WHO, data=st.data())
    def restore(self, who: int, data: st.DataObject) -> None:
        """Brings one back."""
        id_ = data.draw(st.sampled_from(sorted(self.gone)))
        assert self.handles[who].restore([id_]).restored == [id_]
        self.current[id_] = self.gone.pop(id_)

    @precondition(lambda self: self.current)
    @rule(who=WHO, data=st.data())
    def supersede(self, who: int, data: st.DataObject) -> None:
        """Replaces one by a text that nobody said before."""
        id_ = data.draw(st.sampled_from(sorted(self.current)))
        old, project = self.current.pop(id_)
        self.count += 1
        text = f"fact-{self.count:04d}"
        done = self.handles[who].supersede(id_, text)
        self.current[done.new_id] = (text, project)
        self.retired.append(old)

    @precondition(lambda self: self.current)
    @rule(who=WHO, data=st.data(), pinned=st.booleans())
    def pin(self, who: int, data: st.DataObject, pinned: bool) -> None:
        """Pins one or takes its pin away."""
        self.handles[who].pin(data.draw(st.sampled_from(sorted(self.current))), pinned=pinned)

    @precondition(lambda self: self.waiting < MOST_WAITING)
    @rule(who=WHO, folder=st.sampled_from([None, "gamma"]))
    def ring(self, who: int, folder: str | None) -> None:
        """A capture hook rings for a transcript that will never be there."""
        self.waiting += 1
        more = {} if folder is None else {"cwd": str(self.root / folder)}
        ring(self.handles[who], "", **more)

    @rule(who=WHO)
    def drain(self, who: int) -> None:
        """Answers the doorbells."""
        self.handles[who].drain()
        self.waiting = 0

    @rule(who=WHO)
    def compact(self, who: int) -> None:
        """Rewrites the files; no memory changes."""
        self.handles[who].store.compact(keep=timedelta(0))

    @rule(who=WHO)
    def tick(self, who: int) -> None:
        """What a refresher does all day."""
        assert self._refresh(who).action in ("wrote", "skipped")

    @rule(who=WHO, step=st.sampled_from(STEPS), project=st.sampled_from(PROJECTS))
    def commit_during_a_refresh(self, who: int, step: str, project: str | None) -> None:
        """The other handle stores something while this one renders."""
        said: list[str] = []

        def commit(passed: str) -> None:
            if passed == step and not said:
                said.append(passed)
                self.commit(1 - who, project, "user")

        self.handles[who].page_manager(on_step=commit).refresh("periodic_wake")

    @rule(who=WHO)
    def crash(self, who: int) -> None:
        """Drops all that a process knows and starts it again."""
        self.handles[who] = self._open()

    @rule(who=WHO, step=st.sampled_from(STEPS), count=st.integers(1, 4))
    def crash_in_a_refresh(self, who: int, step: str, count: int) -> None:
        """Ends a process in the middle of a refresh."""
        left = count

        def end(passed: str) -> None:
            nonlocal left
            left -= passed == step
            if left == 0:
                raise Crash

        try:
            self.handles[who].page_manager(on_step=end).refresh("periodic_wake")
        except Crash:
            self.handles[who] = self._open()

    @rule(who=WHO, project=st.sampled_from(PROJECTS))
    def tear(self, who: int, project: str | None) -> None:
        """Puts an older sidecar beside a newer page, as a kill between two replacements does."""
        path = cache_path(self.handles[who].paths, project and project_key(project))
        if not sidecar_path(path).exists():
            return
        old = sidecar_path(path).read_bytes()
        self.tick(who)
        if path.exists():
            sidecar_path(path).write_bytes(old)

    @rule(who=WHO)
    def writes_stop(self, who: int) -> None:
        """The claim itself: one refresh after the interval, and every page is that of the store."""
        memory = self.handles[who]
        self._let_the_interval_pass()
        outcome = self._refresh(who)
        assert outcome.reason in ("cache_absent", "meta_absent", "watermark_changed") or (
            outcome.reason == "no_new_records"
        )
        fresh = self._open().page_manager()
        written = cache(memory).read_bytes()
        assert written == fresh.render_now(None).payload.encode()
        for project in {project for _, project in self.current.values() if project}:
            own = cache(memory, project_key(project)).read_bytes()
            assert own == fresh.render_now(project).payload.encode()
        self._let_the_interval_pass()
        assert self._refresh(1 - who).reason == "no_new_records"
        assert sidecar(memory)["table_version"] == memory.store.version
        self._nothing_taken_back_is_shown()
        newest = sorted(self.current)[-3:]
        assert all(self.current[id_][0].encode() in written for id_ in newest)

    @invariant()
    def a_page_is_whole_and_claims_no_more_than_it_shows(self) -> None:
        """Between any two steps."""
        Freshness.interleavings += 1
        memory = self.handles[0]
        found = read_sidecar(cache(memory))
        if found is not None:
            count = found.watermark.records_count
            said = "holds no memory yet" if not found.payload.count(b"\n- ") else f", {count} memor"
            assert said.encode() in found.payload or count == 0

    def _nothing_taken_back_is_shown(self) -> None:
        removed = [text for text, _ in self.gone.values()]
        folder = self.root / "session-start"
        for path in [cache(self.handles[0]), *folder.glob("*")]:
            content = path.read_text(encoding="utf-8")
            assert not [text for text in removed if text in content], path
            superseded = [text for text in self.retired if text in content]
            assert not superseded, path

    def _refresh(self, who: int) -> RefreshOutcome:
        return self.handles[who].page_manager().refresh("periodic_wake")

    def _let_the_interval_pass(self) -> None:
        if self.interval and cache(self.handles[0]).exists():
            set_age(cache(self.handles[0]), self.interval + 1)

    def _open(self) -> Memory:
        return opened(self.root / "store", interval=self.interval, commit_budget=100_000)


class PatientFreshness(Freshness):
    """The same with an interval that has not passed unless it is made to."""

    interval = INTERVAL


def run(machine: type[Freshness], examples: int, steps: int) -> None:
    """Runs so many examples of at most so many steps each."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        print_blob=True,
    )
    run_state_machine_as_test(machine, settings=chosen)


@pytest.mark.long
@pytest.mark.parametrize(
    "machine", [Freshness, pytest.param(PatientFreshness, marks=pytest.mark.slow)]
)
def test_once_writes_stop_one_refresh_makes_every_page_true(machine: type[Freshness]) -> None:
    run(machine, examples=8, steps=25)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("machine", [Freshness, PatientFreshness])
def test_five_thousand_interleavings_of_two_handles_leave_no_page_stale(
    machine: type[Freshness],
) -> None:
    """Counts the steps that were taken, in stores that stay small: so they cost least."""
    Freshness.interleavings = 0
    while Freshness.interleavings < 5_000:
        run(machine, examples=20, steps=50)

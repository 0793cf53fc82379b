"""Which session got which page: through the real hook, a store, the ledger and `why`."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.hooks import RecallRun
from tests.support.pages import WAIT_SEC, cache, opened, refresh, until

from iai_memory import Memory
from iai_memory.base.clock import utc_now
from iai_memory.base.ledger import Ledger
from iai_memory.base.locks import QUEUE_SUFFIX, held
from iai_memory.injection.page_hits import note_page_hits
from iai_memory.results import InjectionView
from iai_memory.session_start.cache import write_pair
from iai_memory.session_start.page_ids import ids_files, ids_on

PORT = "The staging database listens on port 5544."
HIVES = "Marta keeps eleven hives behind the orchard."


class Place:
    """A store, the hook that serves its pages, and a project."""

    def __init__(self, folder: Path) -> None:
        self.hook = RecallRun(["sh"], folder)
        self.hook.project.mkdir()
        self.hook.live("exit 1")
        self.memory = opened(self.hook.store)

    def remembers(self, *texts: str) -> list[str]:
        told = [{"text": text, "pinned": True} for text in texts]
        ids = [one.id for one in self.memory.ingest(told).results]
        refresh(self.memory, "manual")
        return [id_ for id_ in ids if id_]

    def starts(self, session: str) -> str:
        """What the hook prints as the session starts."""
        told = {"session_id": session, "cwd": str(self.hook.project)}
        return self.hook.run(json.dumps(told).encode())

    def says(self, role: str, text: str, session: str = "s-1") -> None:
        at = (utc_now() + timedelta(seconds=1)).isoformat()
        turn = {"text": text, "role": role, "session_id": session, "created_at": at}
        self.memory.ingest({**turn, "project": str(self.hook.project)})

    def given(self, session: str = "s-1") -> list[InjectionView]:
        return self.memory.why(session).injections

    @property
    def log(self) -> Path:
        [log] = (self.hook.store / "logs").glob("recall-*.log")
        return log

    @property
    def events(self) -> int:
        return len(self.memory.ledger.newest(1_000, event="memory_injected"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place of its own."""
    return Place(tmp_path)


def test_the_page_of_a_session_is_shown_with_what_the_session_used_of_it(place: Place) -> None:
    port, hives = place.remembers(PORT, HIVES)
    assert PORT in place.starts("s-1")
    place.says("user", "Which port has staging?")
    place.says("assistant", "It is 5544.")

    [page] = place.given()
    assert (page.by, page.reason, page.matched) == ("page", "session start", "session")
    assert {one.id: one.outcome for one in page.memories} == {port: "used", hives: "not_used"}
    assert abs(page.at - datetime.now(UTC)) < timedelta(minutes=5)
    line = place.hook.log()[-1]
    assert re.fullmatch(r"cache-hit age=\d+s bytes=\d+ session=s-1 page=[0-9a-f]{16}", line)
    assert "5544" not in place.memory.ledger.current.read_text()


def test_each_session_has_the_page_that_it_got_and_not_the_one_that_came_later(
    place: Place,
) -> None:
    [port] = place.remembers(PORT)
    place.starts("s-1")
    [hives] = place.remembers(HIVES)
    place.starts("s-2")
    place.memory.forget([port])
    refresh(place.memory, "manual")
    place.starts("s-3")

    found = [{one.id for page in place.given(f"s-{n}") for one in page.memories} for n in (1, 2, 3)]
    assert found == [{port}, {port, hives}, {hives}]
    [page] = place.given("s-1")
    assert [(one.state, one.text) for one in page.memories] == [("forgotten", None)]
    assert place.events == 3


def test_a_session_is_counted_once_whoever_asks_and_however_often(place: Place) -> None:
    place.remembers(PORT)
    place.starts("s-1")
    other = Memory(place.hook.store)
    for memory in (place.memory, other, place.memory):
        note_page_hits(memory.paths, memory.ledger)
        assert len(memory.why("s-1").injections) == 1
    refresh(other, "manual", force_rebuild=True)  # the same page once more
    assert place.events == 1
    place.starts("s-1")  # as after a compaction; within the same second it would be one
    assert len(place.given()) in (1, 2)


def test_two_processes_that_note_at_once_count_a_session_once(place: Place) -> None:
    [port] = place.remembers(PORT)
    place.starts("s-1")
    [page] = place.given()
    [event] = place.memory.ledger.newest(1, event="memory_injected")
    ledger = place.memory.ledger.current
    noted = ledger.read_bytes()
    ledger.write_bytes(b"")
    lock = place.memory.paths.lock("hits")
    other = threading.Thread(
        target=note_page_hits,
        args=(place.memory.paths, place.memory.ledger),
        kwargs={"wait_sec": WAIT_SEC},
    )
    with held(lock, timeout=0):
        other.start()
        until("the other one", lambda: any(lock.parent.glob(f"hits*{QUEUE_SUFFIX}/*")))
        ledger.write_bytes(noted)
    other.join()
    assert place.events == 1
    assert (event["ids"], [one.id for one in page.memories]) == ([port], [port])


def test_a_page_is_known_when_others_took_its_place_and_nobody_asked(place: Place) -> None:
    [port] = place.remembers(PORT)
    place.starts("s-1")
    place.remembers(HIVES)
    place.remembers("The harbour crane was repainted yellow.")
    [page] = place.given()
    assert [one.id for one in page.memories] == [port]


def test_a_line_that_is_logged_after_another_page_came_is_of_the_page_before(place: Place) -> None:
    [port] = place.remembers(PORT)
    place.starts("s-1")
    line = place.log.read_bytes()
    place.log.write_bytes(b"")
    place.remembers(HIVES)
    place.log.write_bytes(line)

    [page] = place.given()
    assert [one.id for one in page.memories] == [port]


def replaced_by_an_earlier_version(page: Path) -> None:
    page.write_text("<iai-mcp-session-start>\nother\n</iai-mcp-session-start>\n")


def killed_in_the_middle(page: Path) -> None:
    ids_files(page)[0].unlink()


def a_fifo(page: Path) -> None:
    killed_in_the_middle(page)
    os.mkfifo(ids_files(page)[0])


@pytest.mark.parametrize("spoil", [replaced_by_an_earlier_version, killed_in_the_middle, a_fifo])
def test_a_page_whose_ids_are_not_known_is_served_and_noted_for_nobody(
    place: Place, spoil: Callable[[Path], None]
) -> None:
    place.remembers(PORT)
    place.says("user", "Hello.")
    refresh(place.memory, "manual")
    spoil(place.hook.project_cache())

    assert place.starts("s-1").startswith("<iai-mcp-session-start>")
    assert re.fullmatch(r"cache-hit age=\d+s bytes=\d+ session=s-1", place.hook.log()[-1])
    assert place.given() == []
    place.remembers(HIVES)
    place.starts("s-1")
    assert len(place.given()) == 1


def test_a_disk_that_is_full_leaves_the_old_page_its_ids(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.remembers(PORT)
    page = cache(place.memory)
    before = page.read_bytes()

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("iai_memory.session_start.cache.replace_file", full)
    mark = place.memory.page_manager().probe()
    with pytest.raises(OSError, match="No space"):
        write_pair(page, b"x", mark, ids=(), trigger="manual", generated_at="")
    assert len(ids_on(page, before)) == 1


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir])
def test_what_is_no_log_and_lines_of_nobody_tell_nothing(
    place: Place, make: Callable[[Path], None]
) -> None:
    place.remembers(PORT)
    place.starts("s-1")
    log = place.log
    hit = log.read_text()
    foreign = [hit.replace("s-1", "s;rm"), hit.replace("page=", "page=0"), hit[5:]]
    log.write_text("".join(foreign))
    make(log.with_name("recall-2999-01-01.log"))
    note_page_hits(place.memory.paths, place.memory.ledger)
    assert place.events == 0

    # A clock that was ahead leaves names that stay the newest, and a page is not known by its time.
    for year in range(2990, 2999):
        log.with_name(f"recall-{year}-01-01.log").touch()
    log.write_text(f"1970-01-01T00:00:00Z{hit[20:]}")
    [page] = place.given()
    assert page.at == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_ledger_that_could_not_be_written_has_the_page_once_it_can(place: Place) -> None:
    place.remembers(PORT)
    place.starts("s-1")
    whole = place.memory.ledger
    blocked = place.hook.folder / "elsewhere"
    blocked.write_text("in the way")
    place.memory.ledger = Ledger(type(place.memory.paths)(blocked))
    refresh(place.memory, "manual", force_rebuild=True)
    place.memory.ledger = whole
    assert len(place.given()) == 1

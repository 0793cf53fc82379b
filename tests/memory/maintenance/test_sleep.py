"""Consolidation: topics, repetitions, and a sleep that can be stopped anywhere and goes on."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_memory import Memory, load_settings
from iai_memory.analysis.topic_file import load_topics, save_topics, topics_path
from iai_memory.analysis.topic_labels import terms
from iai_memory.analysis.topics import TopicMap, build_topics
from iai_memory.errors import StoreUnavailable
from iai_memory.maintenance.sleep import STEPS, SleepReport, needs_sleep, run_sleep
from iai_memory.recall.deduplication import said, sameness
from iai_memory.session_start.cache import cache_path
from iai_memory.text.filler_words import STOP_WORDS

THEMES = {
    "bees": (
        "The beehive near the orchard swarmed in May.",
        "Honey from the beehive gave forty jars this year.",
        "Sugar syrup feeds the bees in the beehive through winter.",
        "The queen of the second beehive was marked blue, the bees took her.",
        "Varroa mites were counted on the bees of the beehive in August.",
    ),
    "shop": (
        "The staging database of the shop listens on port 5544.",
        "Migrations of the shop database run before each deploy.",
        "The shop database is backed up to cold storage every night.",
        "The connection pool of the shop database was raised to twenty.",
        "The slow query log of the shop database shows the orders table.",
    ),
    "station": (
        "The weather station sends the temperature every ten minutes.",
        "The rain gauge of the weather station was cleaned.",
        "Wind readings of the weather station drift at night.",
        "The humidity sensor of the weather station was replaced.",
        "The weather station loses its connection in storms.",
    ),
}

OpenMemory = Callable[..., Memory]

# A sleeper in a process of its own: it says where it is and goes on when it reads a line.
SLEEPER = """
import sys
from iai_memory import Memory
from iai_memory.maintenance.sleep import run_sleep

def pause(step, done, total):
    if step == sys.argv[1]:
        print(step, flush=True)
        sys.stdin.readline()

print(run_sleep(Memory(), progress=pause).done, flush=True)
"""


def corpus() -> list[dict[str, Any]]:
    return [
        {"text": text, "project": project, "created_at": f"2026-05-{day + 1:02}"}
        for project, texts in THEMES.items()
        for day, text in enumerate(texts)
    ]


@pytest.fixture
def open_memory(tmp_path: Path, model_folder: Path) -> OpenMemory:
    def open_(name: str = "store") -> Memory:
        # As in a server, nothing follows a commit at once: what a test wants done, it does.
        settings = load_settings(store=tmp_path / name, model=model_folder)
        return Memory(settings=settings, on_commit=lambda: None)

    return open_


@pytest.fixture
def memory(open_memory: OpenMemory) -> Memory:
    opened = open_memory()
    opened.ingest(corpus())
    return opened


@pytest.fixture
def sleeper(memory: Memory) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts a process that sleeps on the store and waits at the step."""
    started: list[subprocess.Popen[str]] = []
    environment = {
        **os.environ,
        "IAI_MCP_STORE": str(memory.paths.root),
        "IAI_MCP_MODEL": str(memory.settings.model),
    }

    def start(step: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", SLEEPER, step],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == step
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def topics_of(memory: Memory) -> TopicMap:
    return build_topics(memory.store, embedder=memory.embedder_key)


def pages_of(memory: Memory) -> dict[str | None, Any] | None:
    topics = memory.surroundings().topics
    if topics is None or topics.is_cold(memory.store.contents()):
        return None
    return dict(topics.lines)


def words_of(lines: tuple[str, ...]) -> set[str]:
    return {word for line in lines for word in line.partition(" (")[0].split(", ")}


def store_all(memory: Memory, items: list[dict[str, Any]]) -> list[str]:
    return [one.id for one in memory.ingest(items).results if one.id is not None]


def events(memory: Memory) -> list[str]:
    newest_first = [event["event"] for event in memory.ledger.newest(100)]
    return [name for name in reversed(newest_first) if name.startswith("sleep_")]


# Topics


def test_each_subject_has_a_line_with_its_own_words_its_size_and_its_newest_date(
    memory: Memory,
) -> None:
    lines = topics_of(memory).lines[None]
    assert len(lines) == 3
    for own in ("beehive", "database", "weather"):
        [line] = [line for line in lines if own in words_of((line,))]
        assert line.endswith("(5 memories, newest 2026-05-05)")


@pytest.mark.parametrize("seed", range(3))
def test_equal_memories_give_an_equal_map_in_whatever_order_and_batches_they_came(
    open_memory: OpenMemory, memory: Memory, seed: int
) -> None:
    rng, items = random.Random(seed), corpus()
    rng.shuffle(items)
    other = open_memory("other")
    while items:
        size = rng.randint(1, 6)
        other.ingest(items[:size])
        items = items[size:]
    assert topics_of(other).lines == topics_of(memory).lines
    assert topics_of(memory).lines == topics_of(memory).lines


def test_a_project_sees_topics_of_its_own_memories_and_of_no_project_and_of_no_other(
    memory: Memory,
) -> None:
    memory.ingest(
        [
            {"text": f"The login page has a {part} in dark mode.", "created_at": "2026-06-01"}
            for part in ("button", "form", "menu", "header")
        ]
    )
    lines = topics_of(memory).lines
    assert set(lines) == {None, *THEMES}
    login = {word for word in terms("The login page has in dark mode button form menu header")}
    for project, texts in THEMES.items():
        own = terms(" ".join(texts)) | login
        assert len(lines[project]) == 2
        assert words_of(lines[project]) <= own


def test_two_memories_of_a_subject_are_no_topic(open_memory: OpenMemory) -> None:
    memory = open_memory("few")
    memory.ingest([{"text": text} for text in THEMES["bees"][:2]])
    assert topics_of(memory).lines[None] == ()


def test_two_memories_that_have_nothing_in_common_are_no_topic(open_memory: OpenMemory) -> None:
    memory = open_memory("unrelated")
    memory.ingest(["The staging database listens on port 5544.", "Bees dance in the dark."])
    assert topics_of(memory).lines[None] == ()


def test_at_most_eight_topics_stand_on_a_page_and_the_largest_is_first(
    open_memory: OpenMemory,
) -> None:
    subjects = (
        "beehive honey", "database migration", "guitar chord", "volcano eruption", "bread dough",
        "tax declaration", "bicycle tyre", "chess opening", "telescope mirror", "dental surgery",
    )  # fmt: skip
    memory = open_memory("many")
    memory.ingest(
        [
            f"{subject}, note {number} about the {subject}"
            for size, subject in enumerate(subjects)
            for number in range(3 + size)
        ]
    )
    lines = topics_of(memory).lines[None]
    assert len(lines) == 8
    assert {"dental", "surgery"} <= words_of(lines[:1])
    sizes = [int(line.partition(" (")[2].split()[0]) for line in lines]
    assert sizes == sorted(sizes, reverse=True)


def test_memories_without_a_vector_are_left_to_the_next_map(memory: Memory) -> None:
    with memory.store.writing() as writer:
        writer.drop_vectors()
    assert topics_of(memory).lines == {None: ()}


def test_what_was_superseded_is_in_no_topic(memory: Memory) -> None:
    for hit in memory.timeline(project="bees").records:
        memory.supersede(hit.id, "Left empty on purpose: see the other notes.")
    assert "beehive" not in " ".join(topics_of(memory).lines[None])


def test_words_of_a_forgotten_memory_are_never_served(memory: Memory) -> None:
    run_sleep(memory)
    served = pages_of(memory)
    assert served is not None
    assert "beehive" in words_of(served[None])

    bees = [record.id for record in memory.timeline(project="bees").records]
    memory.forget(bees[:1])
    assert pages_of(memory) is None

    memory.forget(bees)
    run_sleep(memory)
    served = pages_of(memory)
    assert served is not None
    assert b"beehive" not in topics_path(memory.paths).read_bytes()
    assert {"database", "weather"} <= words_of(served[None])


def test_a_map_made_before_a_purge_is_cold(memory: Memory) -> None:
    run_sleep(memory)
    contents = memory.store.contents()
    topics = memory.surroundings().topics
    assert topics is not None
    assert not topics.is_cold(contents)
    assert topics.is_cold(replace(contents, total=contents.total - 1))


def test_new_memories_alone_leave_the_last_map_in_use(memory: Memory) -> None:
    run_sleep(memory)
    before = pages_of(memory)
    memory.ingest("Something about nothing in particular.")
    assert pages_of(memory) == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The database, please: use port_5544 on v2!", {"database"}),
        ("Ärger mit dem Überlauf der Größe", {"ärger", "überlauf", "grösse"}),
        ("L'été et l'hiver", {"lété", "lhiver"}),
        ("Резервная копия базы", {"резервная", "копия", "базы"}),
        ("数据库备份", {"数据", "据库", "库备", "备份"}),
        ("データベースの移行", {"データベース", "移行"}),
        ("डेटाबेस सर्वर", {"डेटाबेस", "सर्वर"}),
        ("don't can't it's", set[str]()),
        ("a1b2c3 0xdeadbeef 1234", set[str]()),
        ("‮hidden​mark", {"hidden", "mark"}),
        ("x" * 31, set[str]()),
    ],
)
def test_label_words_are_words_of_any_script_without_numbers_names_and_grammar(
    text: str, expected: set[str]
) -> None:
    assert terms(text) == {word.casefold() for word in expected}


@given(st.text())
def test_no_text_whatever_puts_more_than_letters_into_a_label(text: str) -> None:
    for term in terms(text):
        assert term not in STOP_WORDS
        assert not set(term) & set("<>#`|()[]{}\n\r\t \x1b,;:")


def test_stop_words_are_written_as_words_are_made() -> None:
    assert all(word == word.casefold() and "'" not in word for word in STOP_WORDS)


# The file


def test_the_map_comes_back_from_its_private_file_as_it_was_saved(memory: Memory) -> None:
    topics = TopicMap(
        7, 3, 20, "model/384", {None: ("a (3 memories)",), "näme": (), "null": ("b",)}
    )
    save_topics(memory.paths, topics)
    assert load_topics(memory.paths) == topics
    assert topics_path(memory.paths).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"null",
        b'{"format": 99}',
        b'{"format": 1}',
        b'{"format": 1, "content_version": true, "removal_version": 0, "records_total": 0,'
        b' "embedder": "", "all": [], "projects": {}}',
        b'{"format": 1, "content_version": 1, "removal_version": 0, "records_total": 0,'
        b' "embedder": "", "all": [1], "projects": {}}',
        b'{"format": 1, "content_version": 1, "removal_version": 0, "records_total": 0,'
        b' "embedder": "", "all": [], "projects": {"a": "b"}}',
    ],
)
def test_a_file_that_is_no_map_is_no_map(memory: Memory, content: bytes) -> None:
    topics_path(memory.paths).write_bytes(content)
    assert load_topics(memory.paths) is None
    assert pages_of(memory) is None


# Repetitions


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Staging listens on port 5544.", "Staging listens on port 6000."),
        ("Deploy to staging works.", "Deploy to staging does not work."),
        ("You can merge it.", "You can't merge it."),
        ("You cannot merge it", "You can merge it"),
        ("Never use tabs", "Use tabs"),
        ("Ann reports to Bob", "Bob reports to Ann"),
        ("We moved from A to B", "We moved to A from B"),
        ("We moved to B", "We moved from B"),
        ("The build is green.", "The build is green?"),
        ("It costs 1.5", "It costs 15"),
        ("It costs 5 $", "It costs 5 €"),
        ("offset -5", "offset 5"),
        ("Write it in C++", "Write it in C#"),
        ("Write it in C", "Write it in C++"),
        ("a == b", "a != b"),
        ("Set userId here", "Set userid here"),
        ("ship it to US", "ship it to us"),
        ("read .env", "read env"),
        ("version 1.2.3", "version 1.2.4"),
        ("use foo_bar", "use foo_baz"),
        ("if x:\n  a\n  b", "if x:\n  a\nb"),
        ("rm -rf *", "rm -rf"),
        ("5!", "5"),
        ("do it or not", "do it"),
    ],
)
def test_texts_that_differ_in_what_they_say_never_say_the_same(one: str, other: str) -> None:
    assert said(one) != said(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Staging listens on port 5544.", "staging listens on port 5544"),
        ("Run the tests again", "Please run tests again!"),
        ("Use 'ripgrep' here", "use ripgrep here."),
        ("  a   b ", "a b"),
        ("one\n\ntwo", "one\n\ntwo  \n"),
    ],
)
def test_blanks_quotes_a_full_stop_and_a_capital_say_nothing(one: str, other: str) -> None:
    assert said(one) == said(other)


WORDS = st.lists(
    st.sampled_from(["deploy", "staging", "port", "user_id", "--force", "beehive", "v1.2", "x"]),
    min_size=1,
    max_size=8,
)


@given(WORDS, st.integers(0, 10**6), st.integers(0, 10**6), st.data())
def test_another_number_anywhere_is_another_saying(
    words: list[str], one: int, other: int, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(words)))
    texts = [" ".join([*words[:at], str(number), *words[at:]]) for number in (one, other)]
    assert (said(texts[0]) == said(texts[1])) == (one == other)


@given(
    WORDS, st.sampled_from(["not", "no", "never", "without", "don't", "Not", "nicht"]), st.data()
)
def test_a_negation_anywhere_is_another_saying(
    words: list[str], negation: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(words)))
    assert said(" ".join([*words[:at], negation, *words[at:]])) != said(" ".join(words))


def test_repetitions_are_shown_once_and_every_wording_stays_recallable(
    memory: Memory,
) -> None:
    wordings = [
        "The release train leaves on Tuesday",
        "the release train leaves on Tuesday.",
        "The release train leaves on Tuesday!",
    ]
    items = [
        {"text": text, "created_at": f"2026-07-{day:02}"} for day, text in enumerate(wordings, 1)
    ]
    other = {"text": "The release train leaves on Thursday.", "created_at": "2026-07-09"}
    newest, middle, oldest, _ = store_all(memory, [*reversed(items), other])
    before = memory.store.contents()

    run_sleep(memory)

    assert memory.store.contents() == before
    assert {memory.record(id).text for id in (newest, middle, oldest)} == set(wordings)
    for text in wordings:
        hits = memory.recall(text, limit=10).hits
        assert [hit.text in wordings for hit in hits].count(True) == 1
        assert "; 2 more say the same" in next(h for h in hits if h.text in wordings).reason


def test_what_a_list_selects_by_keeps_equal_texts_apart(memory: Memory) -> None:
    text = "The release train leaves on Tuesday."
    ids = store_all(
        memory,
        [
            {"text": text, "created_at": "2026-07-01"},
            {"text": text, "created_at": "2026-07-02", "project": "shop"},
            {"text": text, "created_at": "2026-07-03", "role": "user"},
            {"text": text, "created_at": "2026-07-04", "pinned": True},
            {"text": text, "created_at": "2026-07-05", "tags": ["decision"]},
        ],
    )
    assert len({sameness(record) for record in memory.store.latest.get(ids)}) == len(ids)


# Sleep


def test_a_sleep_does_every_step_and_an_idle_store_is_not_slept_again(memory: Memory) -> None:
    seen: list[tuple[str, int, int]] = []
    assert needs_sleep(memory)
    report = run_sleep(memory, progress=lambda *at: seen.append(at))
    assert report.done == STEPS
    assert tuple(report.seconds) == STEPS
    assert not report.busy
    assert not report.interrupted
    assert {"compact", "topics", "refresh"} <= {step for step, _, _ in seen}
    assert all(0 <= done <= total for _, done, total in seen)
    assert events(memory) == ["sleep_started", "sleep_finished"]
    assert cache_path(memory.paths, None).exists()
    assert load_topics(memory.paths) == topics_of(memory)

    assert not needs_sleep(memory)
    assert run_sleep(memory) == SleepReport()
    assert events(memory) == ["sleep_started", "sleep_finished"]


def test_only_new_content_or_a_lost_map_calls_for_another_sleep(memory: Memory) -> None:
    run_sleep(memory)
    memory.store.compact(keep=timedelta())
    assert not needs_sleep(memory)

    [record] = memory.timeline(limit=1).records
    memory.forget([record.id])
    assert needs_sleep(memory)
    assert run_sleep(memory).done == STEPS
    assert not needs_sleep(memory)

    topics_path(memory.paths).unlink()
    assert needs_sleep(memory)
    assert run_sleep(memory).done == STEPS


def test_an_empty_store_needs_no_sleep_and_can_be_told_to(open_memory: OpenMemory) -> None:
    empty = open_memory("empty")
    assert not needs_sleep(empty)
    assert run_sleep(empty).done == ()
    assert run_sleep(empty, force=True).done == STEPS


# Before each step, after the one page and the one block of topics.
@pytest.mark.parametrize(("asked_before", "finished"), list(enumerate([0, 1, 2, 2, 2, 3])))
def test_a_sleep_interrupted_at_any_point_is_continued_with_what_is_left(
    open_memory: OpenMemory, memory: Memory, asked_before: int, finished: int
) -> None:
    answers = iter([False] * asked_before + [True])
    report = run_sleep(memory, interrupted=lambda: next(answers))
    assert report.interrupted
    assert report.done == STEPS[:finished]
    assert events(memory) == ["sleep_started", "sleep_interrupted"]
    assert needs_sleep(memory)

    rest = run_sleep(open_memory())
    assert rest.done == STEPS[finished:]
    assert not rest.interrupted
    assert not needs_sleep(memory)


def _stop_when(asked: list[str], wanted: str) -> Callable[[str, int, int], None]:
    def progress(step: str, done: int, total: int) -> None:
        if step == wanted:
            asked[:] = [step]

    return progress


def test_embedding_that_is_interrupted_is_continued_without_compacting_again(
    memory: Memory,
) -> None:
    with memory.store.writing() as writer:
        writer.drop_vectors()
    asked: list[str] = []
    report = run_sleep(memory, interrupted=lambda: bool(asked), progress=_stop_when(asked, "embed"))
    assert report.interrupted
    assert report.done == ("compact",)
    assert run_sleep(memory).done == STEPS[1:]
    assert memory.store.contents().pending == 0
    assert len(topics_of(memory).lines[None]) == 3


def test_an_interrupted_sleep_starts_anew_when_something_was_stored_meanwhile(
    memory: Memory,
) -> None:
    asked: list[str] = []
    run_sleep(memory, interrupted=lambda: bool(asked), progress=_stop_when(asked, "topics"))
    memory.ingest("The mites are gone.")
    assert run_sleep(memory).done == STEPS


def test_what_is_stored_during_a_sleep_calls_for_the_next_one(memory: Memory) -> None:
    def progress(step: str, done: int, total: int) -> None:
        if step == "refresh":
            memory.ingest({"text": "The mites are gone.", "created_at": "2026-08-01"})

    assert run_sleep(memory, progress=progress).done == STEPS
    assert needs_sleep(memory)
    assert run_sleep(memory).done == STEPS
    assert not needs_sleep(memory)


def test_while_one_process_sleeps_another_is_told_so_and_does_nothing(
    memory: Memory, sleeper: Callable[[str], subprocess.Popen[str]]
) -> None:
    process = sleeper("compact")  # it is inside its sleep now, and waits
    assert run_sleep(memory, force=True) == SleepReport(busy=True)
    assert process.poll() is None
    assert events(memory) == ["sleep_started"]
    output, _ = process.communicate("\n\n\n\n")
    assert output.splitlines()[-1] == str(STEPS)
    assert not needs_sleep(memory)


def test_a_sleep_that_was_killed_is_continued_by_another_process(
    memory: Memory, sleeper: Callable[[str], subprocess.Popen[str]]
) -> None:
    process = sleeper("topics")
    process.kill()
    process.wait()
    assert load_topics(memory.paths) is None
    assert run_sleep(memory).done == ("topics", "refresh")
    assert not needs_sleep(memory)


def test_a_step_that_fails_is_told_and_is_tried_again_next_time(memory: Memory) -> None:
    blocked = cache_path(memory.paths, None)
    (blocked / "in the way").mkdir(parents=True)
    with pytest.raises(StoreUnavailable, match=r"could not be refreshed .*see `iai-mcp events`"):
        run_sleep(memory)
    assert events(memory)[-1] == "sleep_failed"
    assert needs_sleep(memory)
    (blocked / "in the way").rmdir()
    blocked.rmdir()
    assert run_sleep(memory).done == ("refresh",)


def test_the_command_sleeps_prints_json_and_knows_that_somebody_else_does(
    memory: Memory, sleeper: Callable[[str], subprocess.Popen[str]]
) -> None:
    def iai_mcp(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "iai_server", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "IAI_MCP_STORE": str(memory.paths.root),
                "IAI_MCP_MODEL": str(memory.settings.model),
            },
        )

    done = iai_mcp("sleep", "--json")
    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert json.loads(done.stdout)["done"] == list(STEPS)
    assert iai_mcp("sleep").stdout.splitlines()[0].startswith("compact")

    memory.ingest("The mites are gone.")
    sleeper("compact")
    busy = iai_mcp("sleep")
    assert busy.returncode == 1
    assert "another process of this store is sleeping" in busy.stdout
    assert "Example: iai-mcp sleep" in iai_mcp("sleep", "--help").stdout


def test_importing_consolidation_does_not_load_the_community_library() -> None:
    code = "import sys, iai_memory.analysis.topics; print('graspologic_native' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

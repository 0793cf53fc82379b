"""What backups cost: bytes on disk for each byte of text over weeks of use, time, processor time.

Texts are those of a folder of transcripts (`--transcripts`), else made up, as long as turns of
talk. Days pass by the time that is given to each backup; nobody waits for one.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from iai_memory import Memory, load_settings
from iai_memory.backup.daily import back_up
from iai_memory.backup.place import folder_of
from iai_memory.backup.reading import backups_of
from iai_memory.base.clock import utc_now
from iai_memory.capture.transcript_files import look_at
from iai_memory.store.vector_rows import Row

from .records import numbered_record
from .talk import RARE_SHARE, SEED, Talk

DAYS = 56
BEGAN = datetime(2026, 1, 5, tzinfo=UTC)
_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Weeks:
    """What a store and its backups came to.

    Attributes:
        most: Largest size of all backups for each byte of text, over all days.
        last: That of the last day.
        backups: Number of backups on the last day.
    """

    most: float
    last: float
    backups: int


def made_up(count: int) -> Iterator[str]:
    """Turns of talk, a quarter of their words made up."""
    talk = Talk(SEED)
    return (talk.turn(rare=RARE_SHARE) for _ in range(count))


def real(folder: Path, count: int) -> Iterator[str]:
    """The turns of the transcripts, as often as it takes, each time under another number."""
    with tempfile.TemporaryDirectory() as scratch:
        memory = words_only(Path(scratch))
        files = [look_at(path) for path in sorted(folder.glob("*.jsonl"))]
        memory.import_transcripts(files, "claude-code")
        texts = [row.record.text for row in memory.store.latest.all_rows()]
    for number in range(count):
        turn, again = number % len(texts), number // len(texts)
        yield f"{again}: {texts[turn]}" if again else texts[turn]


def words_only(root: Path) -> Memory:
    """A memory in a new store, without a model."""
    settings = load_settings(store=root / "store", model=root / "none")
    return Memory(settings=settings, on_commit=lambda: None)


def store(memory: Memory, texts: list[str], first: int) -> None:
    """Store the texts as turns of a host."""
    for start in range(0, len(texts), _BATCH):
        rows = [
            Row(replace(numbered_record(first + n, text, "user", BEGAN), embedder=None), None)
            for n, text in enumerate(texts[start : start + _BATCH], start)
        ]
        with memory.store.writing() as writer:
            writer.insert(_with_real_ids(rows))


def _with_real_ids(rows: list[Row]) -> list[Row]:
    """Rows with keys and ids of turns as random as real ones, which do not compress."""
    chance = random.Random(len(rows) + hash(rows[0].record.text))
    return [
        replace(
            row,
            record=replace(
                row.record, idem=f"{chance.getrandbits(256):064x}", turn_id=_uuid(chance)
            ),
        )
        for row in rows
    ]


def _uuid(chance: random.Random) -> str:
    digits = f"{chance.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def weeks(memory: Memory, texts: list[str]) -> Weeks:
    """Use a store for eight weeks: it grows to double its size, and a percent changes each day."""
    chance, half = random.Random(SEED), len(texts) // 2
    store(memory, texts[:half], 0)
    ratios: list[float] = []
    daily = half // DAYS
    folder = folder_of(memory.paths, memory.settings)
    for day in range(DAYS):
        store(memory, texts[half + day * daily : half + (day + 1) * daily], half + day * daily)
        change(memory, chance.sample(memory.store.latest.ids(), (half + day * daily) // 100), day)
        back_up(memory.store, memory.settings, BEGAN + timedelta(days=day))
        text = sum(len(one.encode()) for one in texts[: half + (day + 1) * daily])
        ratios.append(folder.size() / text)
    return Weeks(max(ratios), ratios[-1], len(backups_of(memory.paths, memory.settings)))


def change(memory: Memory, ids: list[str], day: int) -> None:
    """Forget a half of them, and tag the others."""
    with memory.store.writing() as writer:
        at = writer.now()
        rows = [
            replace(
                row,
                record=row.record.changed(at, tombstoned_at=at)
                if number % 2
                else row.record.changed(at, tags=(*row.record.tags, f"day {day}")),
            )
            for number, row in enumerate(writer.reader.rows(ids))
        ]
        writer.update(rows, at)


def costs(memory: Memory, texts: list[str]) -> dict[str, tuple[float, float]]:
    """Seconds and processor seconds of a first backup, one after 100 changes, and of none."""
    store(memory, texts, 0)
    found = {"first": _timed(lambda: _take(memory, 0))}
    store(memory, [f"{n} {text}" for n, text in enumerate(texts[:100])], len(texts))
    found["100 new"] = _timed(lambda: _take(memory, 1))
    found["nothing new"] = _timed(lambda: _take(memory, 2))
    found["restored"] = _timed(
        lambda: memory.restore_backup(into=memory.paths.root.with_name("restored"))
    )
    return found


def _take(memory: Memory, day: int) -> object:
    return back_up(memory.store, memory.settings, utc_now() + timedelta(days=day))


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transcripts", type=Path, help="a folder of Claude Code's transcripts")
    parser.add_argument("--sizes", type=int, nargs="+", default=[3_000, 30_000])
    parser.add_argument("--days-of", type=int, default=3_000, help="memories of the eight weeks")
    chosen = parser.parse_args()

    def texts(count: int) -> list[str]:
        source = real(chosen.transcripts, count) if chosen.transcripts else made_up(count)
        return list(source)

    print(f"{'memories':>9}  {'':<12}{'seconds':>8}{'processor':>10}")
    for size in chosen.sizes:
        with tempfile.TemporaryDirectory() as scratch:
            for name, (wall, processor) in costs(words_only(Path(scratch)), texts(size)).items():
                print(f"{size:>9,}  {name:<12}{wall:>8.2f}{processor:>10.2f}")
    with tempfile.TemporaryDirectory() as scratch:
        found = weeks(words_only(Path(scratch)), texts(chosen.days_of))
    print(
        f"{DAYS} days, {chosen.days_of:,} memories: {found.backups} backups, all together "
        f"{found.last:.2f} of the text, at most {found.most:.2f}"
    )


if __name__ == "__main__":
    main()

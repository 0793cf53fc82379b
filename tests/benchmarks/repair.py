"""Repair of each kind of damage: the share of memories that are as they were, and what it took.

    python -m tests.benchmarks.repair [--memories N] [--kinds NAME …] [--flips N]

Each row is a store of that many memories (in ten files, a fiftieth forgotten, a fiftieth pinned)
whose file was damaged; with a backup that was taken before the last hundredth came, and without.
`named` is how many of the others the report names or counts. What comes back although it was
forgotten, or as a text that it was not, is `wrong`, and has to be 0.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from tests.support.damage import (
    DAMAGES,
    Damaging,
    data_files,
    deletion_files,
    index_files,
    newest_manifest,
    table_folder,
    with_one_flip,
)

from iai_memory import Memory
from iai_memory.base.paths import StorePaths
from iai_memory.store.record import Record

FILES = 10
Found = dict[str, Record]
Chosen = Callable[[StorePaths], Sequence[Path]]

KINDS: dict[str, Chosen] = {
    "newest manifest": lambda paths: [newest_manifest(paths)],
    "every manifest": lambda paths: sorted((table_folder(paths) / "_versions").glob("*.manifest")),
    "largest data file": lambda paths: [max(data_files(paths), key=_size)],
    "smallest data file": lambda paths: [min(data_files(paths), key=_size)],
    "newest deletion file": lambda paths: deletion_files(paths)[-1:],
    "largest index file": lambda paths: [max(index_files(paths), key=_size)],
}


def _size(path: Path) -> int:
    return path.stat().st_size


def made(root: Path, memories: int) -> None:
    """Write the store, with a backup before the last hundredth."""
    memory = Memory(root, on_commit=lambda: None)
    batch = memories * 99 // 100 // FILES
    for file in range(FILES):
        memory.ingest([_text(file * batch + number) for number in range(batch)])
    ids = memory.store.latest.ids()
    memory.forget(ids[:: len(ids) // (memories // 50)])
    for id_ in ids[1 :: len(ids) // max(1, memories // 500)]:
        memory.pin(id_, add_tags=["kept"])
    memory.back_up()
    memory.ingest([_text(memories + number) for number in range(memories - FILES * batch)])


def _text(number: int) -> str:
    return (
        f"the service of customer {number} listens on port {10_000 + number} in room {number % 97}"
    )


def repaired(root: Path) -> tuple[Found, set[str], float]:
    """Repair; return what is there, the ids that the report names, and the seconds it took."""
    memory = Memory(root, on_commit=lambda: None)
    began = time.monotonic()
    plan = memory.plan_repair()
    named = set[str]()
    if plan.kind != "hopeless":
        done = memory.repair(plan)
        if done.merged is not None:
            named = {*done.merged.changed, *done.merged.doubtful, *done.merged.missing_ids}
            named |= {*done.merged.older}
            named |= {f"lost-{number}" for number in range(done.missing or 0)}
    seconds = time.monotonic() - began
    if plan.kind == "hopeless":
        return {}, {"all"}, seconds
    return everything(root), named, seconds


def everything(root: Path) -> Found:
    """Every memory of the store, by id."""
    reader = Memory(root, on_commit=lambda: None).store.latest
    return {one.id: one for one in reader.get(reader.ids())}


def is_as_before(now: Record | None, before: Record) -> bool:
    """Whether a memory is what it was, but for its vectors."""
    return now is not None and (now.text, now.is_live(), now.pinned, now.tags) == (
        *(before.text, before.is_live(), before.pinned, before.tags),
    )


def row(name: str, root: Path, before: Found, damage: Callable[[StorePaths], object]) -> None:
    """Damage a copy, repair it, and print one row, with and without the backup."""
    cells: list[str] = []
    for with_backup in (True, False):
        with tempfile.TemporaryDirectory(prefix="iai-mcp-repair-") as folder:
            copy = Path(shutil.copytree(root, Path(folder) / "store"))
            if not with_backup:
                shutil.rmtree(StorePaths(copy).backups)
            damage(StorePaths(copy))
            after, named, seconds = repaired(copy)
        share = sum(is_as_before(after.get(id_), one) for id_, one in before.items()) / len(before)
        wrong = sum(
            one.is_live() > before[id_].is_live() or (one.text != before[id_].text)
            for id_, one in after.items()
            if id_ not in named
        )
        cells.append(f"{share:>8.4f}{len(named):>7}{wrong:>6}{seconds:>7.1f} s")
    print(f"{name:<34}{cells[0]}   {cells[1]}", flush=True)


def damaged(target: str, how: Damaging) -> Callable[[StorePaths], None]:
    """Return the work that damages the files of one kind."""

    def work(paths: StorePaths) -> None:
        for path in KINDS[target](paths):
            how(path)

    return work


def flipped(number: int) -> Callable[[StorePaths], None]:
    """Return the work that flips one bit somewhere in the table."""

    def work(paths: StorePaths) -> None:
        chance = Random(number)
        files = sorted(path for path in table_folder(paths).rglob("*") if path.is_file())
        with_one_flip(chance.choices(files, [_size(path) + 1 for path in files])[0], chance)

    return work


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description="The share of memories that a repair brings back.")
    parser.add_argument("--memories", type=int, default=5_000)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--flips", type=int, default=10)
    chosen = parser.parse_args()
    os.environ["IAI_MCP_MODEL"] = "installed"
    with tempfile.TemporaryDirectory(prefix="iai-mcp-repair-") as folder:
        root = Path(folder) / "store"
        made(root, chosen.memories)
        before = everything(root)
        title = f"{len(before):,} memories"
        print(f"{title:<34}{'backed':>8}{'named':>7}{'wrong':>6}{'':>9}   {'bare':>8}")
        for target in chosen.kinds:
            for how in DAMAGES[:4]:
                row(f"{target}, {how.__name__}", root, before, damaged(target, how))
        row("the whole table, gone", root, before, lambda paths: shutil.rmtree(paths.database))
        for number in range(chosen.flips):
            row(f"one bit, {number}", root, before, flipped(number))


if __name__ == "__main__":
    main()

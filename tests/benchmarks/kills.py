"""Commands that are killed at a random moment, and what is there afterwards.

    python -m tests.benchmarks.kills [--kills N] [--seconds S] [--seed N] [--commands NAME ...]

Each trial copies a small store and kills one command between its start and its usual end, which is
measured first, and sometimes kills the second attempt, too. Then the store must open or name the
command that mends it, everything that was acknowledged must be there once and as its last change
left it, what was forgotten, purged or scrubbed must stay away, and the same command must succeed
and come to the state to which it comes without a kill. A command that ended first is counted apart.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.support.damage import data_files, truncated
from tests.support.forked import Forked, Say

from iai_memory import Memory
from iai_memory.errors import InvalidInput, MemoryFault
from iai_memory.maintenance.inspection import inspect

FACTS, LATE = 160, 20
_GONE, _SECRET, _NEXT_SECRET = "Quirrenbach", "Vellmarsund", "Ostrefjell"
_TURNS, _NOTES = 40, 12
_AGAIN_KILLED = 0.35

Content = dict[str, list[object]]
"""Of each memory by its id: its text, and whether it is live, current and pinned."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command that is killed.

    Attributes:
        run: Does the work again from whatever a kill left, and says what is acknowledged.
        store: Name of the store of which each trial has a copy.
        atomic: Whether all of it happens, or nothing.
        back: Whether the second run takes the first one back.
        gone: Words that stand in no file of the store when it has succeeded.
    """

    run: Callable[[Memory, Say], None]
    store: str = "whole"
    atomic: bool = False
    back: bool = False
    gone: tuple[str, ...] = ()


def _ids(memory: Memory, text: str) -> list[str]:
    rows = memory.store.latest.all_rows()
    return [row.record.id for row in rows if text in row.record.text]


def _ingest(memory: Memory, say: Say) -> None:
    for number in range(_NOTES):
        text = f"Note {number} of the harbour master, taken at noon."
        memory.ingest({"text": text, "created_at": f"2026-05-08T12:{number:02}:00Z"})
        say(["stored", text])


def _change(memory: Memory, say: Say) -> None:
    for number in range(70, 76):
        text = _fact(number)
        memory.forget(_ids(memory, text))
        say(["forgotten", text])
    for number in range(80, 84):
        text, new = _fact(number), f"The ferry of fact {number} lies in the dock."
        [old] = memory.store.latest.get(_ids(memory, text))
        if old.is_current():  # else a run before this one did it
            memory.supersede(old.id, new)
        say(["superseded", text])
        say(["stored", new])
    for number in range(90, 93):
        memory.pin(_ids(memory, _fact(number))[0])
        say(["pinned", _fact(number)])


def _drain(memory: Memory, say: Say) -> None:
    memory.drain(wait_seconds=5)
    for number in range(_TURNS):
        say(["stored", _turn(number)])


def _sleep(memory: Memory, _: Say) -> None:
    memory.sleep(force=True)


def _backup(memory: Memory, _: Say) -> None:
    memory.back_up()
    newest = memory.backups()[0]
    saved = {row.record.id for row in newest.rows()}
    assert saved == set(memory.store.latest.ids()), "the newest backup is not what the store holds"


def _repair(memory: Memory, _: Say) -> None:
    done = memory.repair(memory.plan_repair())
    assert not done.faults, f"the repair says {done.faults}"


def _restore(memory: Memory, _: Say) -> None:
    done = memory.restore_backup()
    assert not done.missing and not done.faults, f"the restore says {done.faults}"


def _restore_elsewhere(memory: Memory, _: Say) -> None:
    other = memory.paths.root.with_name("restored")
    with suppress(InvalidInput):  # it is there already
        memory.restore_backup(into=other)
    found, there = content(Memory(other)), content(memory)
    assert len(found) >= FACTS, f"only {len(found)} memories were restored elsewhere"
    wrong = [id_ for id_, state in found.items() if state[1] and id_ in there and not there[id_][1]]
    assert not wrong, f"forgotten, and live in the restored store: {wrong}"
    assert not holding(other, _GONE), "what was purged is in the restored store"


def _put_back(memory: Memory, _: Say) -> None:
    memory.put_table_back()


def _scrub(memory: Memory, _: Say) -> None:
    done = memory.scrub(_NEXT_SECRET)
    assert done.is_gone, f"the scrub says {done.left} {done.unread}"


def _purge(memory: Memory, _: Say) -> None:
    chosen = json.loads((memory.paths.root.with_name("chosen.json")).read_text())
    done = memory.purge(chosen)
    assert done.is_gone, f"the purge says {done.left} {done.unread}"
    assert not done.not_found, f"the purge does not know {done.not_found}"


def _undo(memory: Memory, _: Say) -> None:
    number = int((memory.paths.root.with_name("change.json")).read_text())
    memory.undo(change=number)


COMMANDS: dict[str, Command] = {
    "ingest": Command(_ingest),
    "forget, supersede, pin": Command(_change),
    "drain": Command(_drain),
    "sleep": Command(_sleep),
    "backup": Command(_backup),
    "doctor --repair": Command(_repair, "damaged"),
    "restore-backup": Command(_restore, atomic=True),
    "restore-backup --into": Command(_restore_elsewhere),
    "restore-backup --undo": Command(_put_back, "restored", atomic=True, back=True),
    "doctor --undo-repair": Command(_put_back, "restored", atomic=True, back=True),
    "scrub": Command(_scrub, gone=(_NEXT_SECRET,)),
    "purge": Command(_purge, gone=("Fact 60:", "Fact 61:", "Fact 62:")),
    "undo": Command(_undo, atomic=True),
}


def _fact(number: int) -> str:
    return f"Fact {number}: the ferry leaves pier {number % 7} at {5000 + number}."


def _turn(number: int) -> str:
    return f"Turn {number}: which of the lamps on the pier is broken?"


def make_stores(folder: Path) -> None:
    """Make the store with a past, a damaged one, and one that was restored from its backup."""
    whole = folder / "whole" / "store"
    whole.parent.mkdir()
    memory = Memory(whole)
    facts = [_fact(number) for number in range(FACTS)]
    secrets = [f"The word of gate {number} is {_SECRET}{number}." for number in range(3)]
    stored = memory.ingest([*facts, *secrets, f"{_GONE} nests behind the mill."]).results
    memory.ingest([f"The word of door {number} is {_NEXT_SECRET}." for number in range(4)])
    ids = [str(one.id) for one in stored]
    memory.forget(ids[:8])
    for number in range(10, 13):
        memory.supersede(ids[number], f"The ferry of fact {number} does not leave any more.")
    memory.pin(ids[15])
    memory.sleep(force=True)
    memory.back_up()
    memory.forget(ids[20:26])
    memory.supersede(ids[30], "The ferry of fact 30 leaves at six.")
    memory.purge([ids[-1]])
    memory.scrub(_SECRET)
    memory.ingest([f"late fact {number}" for number in range(LATE)])
    memory.forget(ids[50:60])
    change = memory.undo(dry_run=True).change
    memory.close()
    whole.with_name("change.json").write_text(json.dumps(change))
    whole.with_name("chosen.json").write_text(json.dumps(ids[60:63]))
    _ring(memory, folder / "transcript.jsonl")
    for name in ("damaged", "restored"):
        shutil.copytree(whole.parent, folder / name)
    damaged = Memory(folder / "damaged" / "store").paths
    truncated(max(data_files(damaged), key=lambda path: path.stat().st_size))
    restored = Memory(folder / "restored" / "store")
    restored.restore_backup()
    restored.close()


def _ring(memory: Memory, transcript: Path) -> None:
    lines = [
        {
            "type": "user",
            "uuid": f"turn-{number}",
            "isSidechain": False,
            "sessionId": "s-1",
            "timestamp": f"2026-05-08T10:{number:02}:00.000Z",
            "cwd": str(transcript.parent),
            "message": {"role": "user", "content": _turn(number)},
        }
        for number in range(_TURNS)
    ]
    transcript.write_text("".join(json.dumps(line) + "\n" for line in lines))
    bell = {"event": "Stop", "session_id": "s-1", "cwd": str(transcript.parent), "at": 1778234400}
    memory.paths.spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    bell["transcript_path"] = str(transcript)
    (memory.paths.spool / "doorbell.jsonl").write_text(json.dumps(bell) + "\n")


def content(memory: Memory) -> Content:
    """Read every memory of the store, forgotten ones too."""
    records = (row.record for row in memory.store.latest.all_rows())
    found: Content = {}
    for one in records:
        assert one.id not in found, f"{one.id} is there twice"
        found[one.id] = [one.text, one.is_live(), one.is_current(), one.pinned]
    return found


def holding(root: Path, word: str) -> list[str]:
    """The files in which a word stands."""
    files = (path for path in root.rglob("*") if path.is_file())
    return [str(path.relative_to(root)) for path in files if word.encode() in path.read_bytes()]


def texts(found: Content) -> Counter[str]:
    """How often each state is there, whatever its id: each run gives new memories other ids."""
    return Counter(json.dumps(state) for state in found.values())


def attempt(root: Path, command: Command, say: Say) -> None:
    """Say what is there, run the command, then say what is there."""
    _look(root, say)
    memory = Memory(root)
    command.run(memory, say)
    memory.close()
    say("done")
    _look(root, say)
    _prove(root, command, say)


def _look(root: Path, say: Say) -> None:
    memory = Memory(root)
    backups = memory.backups()
    damaged = [fault for one in backups if not one.verify() for fault in one.faults]
    assert backups, "no backup is there"
    assert not damaged, f"backups are damaged: {damaged}"
    try:
        say({"content": content(memory)})
    except MemoryFault as exc:
        say({"unopened": str(exc)})


def _prove(root: Path, command: Command, say: Say) -> None:
    memory = Memory(root)
    found = inspect(memory.paths, memory.store, full=True)
    broken = [f"{one}" for one in found.findings if one.state == "broken"]
    assert not broken, f"the inspection says {broken}"
    for word in (_GONE, f"{_SECRET}0", *command.gone):
        places = holding(root, word)
        assert not places, f"{word} stands in {places}"
    memory.ingest("The bell buoy of Ankersund was painted green.")
    hits = memory.recall("bell buoy Ankersund").hits
    assert hits and "Ankersund" in hits[0].text, "a new memory is not found"
    say("proved")


@dataclass(slots=True)
class Usual:
    """How a command runs without a kill: seconds, and what is there before and after."""

    seconds: float
    before: Content
    after: Content


class Trials:
    """Kills of commands on copies of the stores in a folder."""

    def __init__(self, folder: Path, log: Path) -> None:
        """Make the stores."""
        self._folder = folder
        self._log = log
        self._usual: dict[str, Usual] = {}
        made = Forked(lambda _: make_stores(folder), self._log)
        faults = made.rest()
        made.kill()
        made.close()
        if faults:
            raise RuntimeError(f"no stores to kill in: {faults}; see {self._log}")

    def usual(self, name: str) -> Usual:
        """Measure a command once."""
        if name not in self._usual:
            trial = _Trial(self._copy(name), COMMANDS[name], self._log)
            self._usual[name] = trial.undisturbed()
        return self._usual[name]

    def trial(self, name: str, seed: str) -> tuple[int, list[str]]:
        """Return how many kills of a trial came before the end, and what was wrong after them."""
        usual, chance = self.usual(name), Random(seed)
        trial = _Trial(self._copy(name), COMMANDS[name], self._log)
        moments = [chance.uniform(0, usual.seconds)]
        if chance.random() < _AGAIN_KILLED:
            moments.append(chance.uniform(0, usual.seconds))
        return trial.killed(moments, usual)

    def _copy(self, name: str) -> Path:
        trial = self._folder / "trial"
        shutil.rmtree(trial, ignore_errors=True)
        shutil.copytree(self._folder / COMMANDS[name].store, trial)
        return trial / "store"


class _Trial:
    """A command in a copy of its own: killed some times, and then run to its end."""

    def __init__(self, root: Path, command: Command, log: Path) -> None:
        self._root, self._command, self._log = root, command, log
        self._acknowledged: list[list[str]] = []
        self._faults: list[str] = []

    def undisturbed(self) -> Usual:
        child, before = self._started()
        began = time.monotonic()
        seconds, found = self._finished(child, began)
        opened = before is not None or self._command.store == "damaged"
        if self._faults or not opened or found is None:
            raise RuntimeError(f"it fails without a kill: {self._faults}; see {self._log}")
        if self._command.atomic and texts(before or {}) == texts(found):
            raise RuntimeError("it changes nothing that a kill could show")
        return Usual(seconds, before or {}, found)

    def killed(self, moments: Collection[float], usual: Usual) -> tuple[int, list[str]]:
        kills = ended = 0
        for seconds in moments:
            child, found = self._started()
            self._check(found, usual)
            end = time.monotonic() + seconds
            said: list[Any] = []
            while (left := end - time.monotonic()) > 0 and "done" not in said:
                if (one := child.next(left)) is not None:
                    said.append(one)
                elif not child.is_open:
                    break
            kills += child.kill() and "done" not in said
            said += child.rest(0.1)
            child.close()
            ended += "done" in said
            self._take(said)
        child, found = self._started()
        self._check(found, usual)
        _, after = self._finished(child, time.monotonic())
        if after is not None:
            self._check(after, usual)
            self._check_end(found, after, usual, ended)
        return kills, self._faults

    def _started(self) -> tuple[Forked, Content | None]:
        child = Forked(lambda say: attempt(self._root, self._command, say), self._log)
        first = child.next()
        if first is None:
            self._faults.append("the store does not open: no answer")
            return child, None
        self._take([first])
        if "unopened" in first and "iai-mcp" not in first["unopened"]:
            self._faults.append(f"does not say what mends it: {first['unopened']}")
        return child, first.get("content")

    def _finished(self, child: Forked, began: float) -> tuple[float, Content | None]:
        said: list[Any] = []
        seconds = 0.0
        while (one := child.next()) is not None:
            said.append(one)
            if one == "done":
                seconds = time.monotonic() - began
        child.kill()
        child.close()
        self._take(said)
        if "proved" not in said and not self._faults:
            self._faults.append(f"the last run comes to no end: {said[-1:]}")
        found = [one["content"] for one in said if isinstance(one, dict) and "content" in one]
        return seconds, found[-1] if found else None

    def _take(self, said: Collection[Any]) -> None:
        self._acknowledged += [one for one in said if isinstance(one, list)]
        self._faults += [one["fault"] for one in said if isinstance(one, dict) and "fault" in one]

    def _check(self, found: Content | None, usual: Usual) -> None:
        if found is None:
            return
        command = self._command
        if command.store != "damaged":
            self._check_states(found, usual)
        if command.atomic and texts(found) not in (texts(usual.before), texts(usual.after)):
            self._faults.append(f"half done: {_difference(found, usual.after)}")
        for what, text in self._acknowledged:
            states = [state for state in found.values() if state[0] == text]
            if len(states) != 1:
                self._faults.append(f"acknowledged and there {len(states)} times: {text}")
            elif (what, *states[0][1:]) not in _AS_ACKNOWLEDGED:
                self._faults.append(f"acknowledged as {what}, and it is {states[0]}")

    def _check_states(self, found: Content, usual: Usual) -> None:
        """Each memory is as before or as after; what is new is as the whole run makes it."""
        new = texts(usual.after)
        for id_, state in found.items():
            known = [side[id_] for side in (usual.before, usual.after) if id_ in side]
            # Of a purge that was killed: hidden, and gone with the next one.
            purged = id_ not in usual.after and state[:2] == ["", False]
            if not purged and state not in known and json.dumps(state) not in new:
                self._faults.append(f"neither as before nor as after: {id_} {state}")
        for id_ in usual.before:
            if id_ in usual.after and id_ not in found:
                self._faults.append(f"lost: {usual.before[id_]}")

    def _check_end(self, before: Content | None, after: Content, usual: Usual, ended: int) -> None:
        wanted = usual.after
        if self._command.back and before is not None and texts(before) == texts(usual.after):
            wanted = usual.before
        if texts(after) != texts(wanted):
            self._faults.append(
                f"another end (ended before: {ended}): {_difference(after, wanted)}"
            )


_AS_ACKNOWLEDGED = {
    ("stored", True, True, False),
    ("forgotten", False, True, False),
    ("superseded", True, False, False),
    ("pinned", True, True, True),
}


def _difference(found: Content, wanted: Content) -> str:
    more, less = texts(found) - texts(wanted), texts(wanted) - texts(found)
    return f"{more.total()} too many {list(more)[:3]}, {less.total()} missing {list(less)[:3]}"


def report(counts: Mapping[str, Counter[str]]) -> None:
    """Print how many kills each command had, and what was wrong."""
    print(f"\n{'':<26}{'trials':>8}{'kills':>8}{'ended first':>13}{'faults':>8}")
    every: Counter[str] = Counter()
    for name, found in counts.items():
        every += found
        print(_row(name, found))
    print(_row("all", every), flush=True)


def _row(name: str, found: Counter[str]) -> str:
    cells = f"{found['trials']:>8}{found['kills']:>8}{found['ended']:>13}{found['faults']:>8}"
    return f"{name:<26}{cells}"


def main() -> None:
    """Kill commands in turn until there are enough kills, or the time is over."""
    parser = argparse.ArgumentParser(description="Kill commands at random moments.")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, default=Path(os.devnull), help="what commands print")
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    parser.add_argument("--commands", nargs="*", default=list(COMMANDS), choices=list(COMMANDS))
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    counts: dict[str, Counter[str]] = {name: Counter() for name in options.commands}
    with tempfile.TemporaryDirectory(prefix="iai-mcp-kills-") as scratch:
        os.environ.update(IAI_MCP_MODEL="installed", HOME=scratch)
        trials = Trials(Path(scratch), options.log.absolute())
        number = options.first
        while sum(one["kills"] for one in counts.values()) < options.kills:
            if time.monotonic() > end:
                break
            name = options.commands[number % len(options.commands)]
            kills, faults = trials.trial(name, f"{options.seed} {number} {name}")
            counts[name].update(trials=1, kills=kills, ended=not kills, faults=bool(faults))
            for fault in dict.fromkeys(faults):
                print(f"{name}, seed {options.seed}, trial {number}: {fault}", flush=True)
            number += 1
        report(counts)
    if not any(one["kills"] for one in counts.values()):
        raise SystemExit("nothing was killed in that time")
    if any(one["faults"] for one in counts.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()

"""A set of real coding sessions with questions: a folder of transcripts and `questions.json`.

`corpus.files` of `questions.json` names the transcripts in the folder, JSON lines as Claude Code
writes them. Each of `questions` has `question`, `kind`, `now` (when it is asked; null for any time)
and `evidence`: objects with the `uuid` of a turn, or with a `day`, which is every turn whose uuid
begins with "d" and that day. Kinds that mean something here: `none` has no evidence, because nobody
said it; `time` asks for a time alone; `language` and `lang-xx` are in another language than the
sessions. A question may name its `language`.

`own_questions.json` beside this module has questions of our own about sets that others have too, by
the name of the folder: each with the uuids of the turns that answer, and no text of the set. Its
`note` says how they were made.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from iai_memory import Memory
from iai_memory.capture.transcript_files import look_at
from iai_memory.store.record import Record

OTHER_LANGUAGE = "another"
OWN = "own questions"
_SESSIONS = "en"
_OWN_QUESTIONS = Path(__file__).with_name("own_questions.json")
PAGE = Path(__file__).with_name("page_questions.json")


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a set.

    Attributes:
        text: As it is asked.
        kind: As the set has it.
        language: Two letters; `OTHER_LANGUAGE` where the set says only that it is another one.
        now: When it is asked; None for any time.
        evidence: Host's ids of the turns that answer; empty for a question that nothing answers.
        own: Whether it is one of ours, and not of the set.
    """

    text: str
    kind: str
    language: str
    now: datetime | None
    evidence: frozenset[str]
    own: bool = False

    @property
    def is_content(self) -> bool:
        """Whether it asks for something that was said, in the language of the sessions mostly."""
        return self.kind not in ("none", "time") and not self.kind.startswith("lang-")


@dataclass(frozen=True, slots=True)
class RealSet:
    """A set, read.

    Attributes:
        name: Of its folder.
        sessions: The lines of each session, by its id.
        questions: In their order.
    """

    name: str
    sessions: Mapping[str, list[str]]
    questions: list[Question]


def load_set(folder: Path, *, own: bool = False) -> RealSet:
    """Read a set.

    Args:
        folder: Of the set.
        own: Whether our own questions about a set of this name are added.

    Raises:
        ValueError: The folder is none; the message says what is missing.
    """
    try:
        told = json.loads((folder / "questions.json").read_text(encoding="utf-8"))
        sessions: dict[str, list[str]] = {}
        uuids: list[str] = []
        for name in told["corpus"]["files"]:
            for line in (folder / name).read_text(encoding="utf-8").splitlines():
                fields = json.loads(line)
                sessions.setdefault(fields.get("sessionId") or Path(name).stem, []).append(line)
                uuids.append(fields.get("uuid") or "")
        questions = [_question(one, uuids) for one in told["questions"]]
    except (OSError, KeyError, TypeError, json.JSONDecodeError) as exc:
        raise ValueError(
            f"{folder} is no set of real sessions ({exc!r}): it needs questions.json with corpus, "
            f"its files and questions"
        ) from exc
    if own:
        questions += own_questions(folder.name, frozenset(uuids))
    return RealSet(folder.name, sessions, questions)


def questions_about(one: RealSet, file: Path) -> list[Question]:
    """Return the questions that a file of ours has about a set, as `own_questions` does.

    Raises:
        ValueError: The set has no turn that a question counts as evidence: it is another edition.
    """
    lines = (json.loads(line) for said in one.sessions.values() for line in said)
    return own_questions(one.name, frozenset(line.get("uuid") or "" for line in lines), file)


def own_questions(name: str, uuids: Collection[str], file: Path = _OWN_QUESTIONS) -> list[Question]:
    """Return our own questions about a set; none about a set that we have none about.

    Args:
        name: Of the set.
        uuids: Of the turns that it has.
        file: Which has them.

    Raises:
        ValueError: The set has no turn that a question counts as evidence: it is another edition.
    """
    told = json.loads(file.read_text(encoding="utf-8"))["sets"].get(name, [])
    asked: list[Question] = []
    for one in told:
        if missing := [uuid for uuid in one["evidence"] if uuid not in uuids]:
            raise ValueError(
                f"{file.name} and the set {name} do not fit: {one['id']} names the turn "
                f"{missing[0]}, which the set does not have"
            )
        evidence = [{"uuid": uuid} for uuid in one["evidence"]]
        asked.append(replace(_question(one | {"evidence": evidence}, ()), own=True))
    return asked


def _question(fields: Mapping[str, Any], uuids: Iterable[str]) -> Question:
    kind, now = str(fields["kind"]), fields.get("now")
    days = tuple(f"d{one['day']}" for one in fields["evidence"] if "day" in one)
    evidence = {one["uuid"] for one in fields["evidence"] if "uuid" in one}
    if days:
        evidence |= {uuid for uuid in uuids if uuid.startswith(days)}
    language = OTHER_LANGUAGE if kind == "language" else _SESSIONS
    if kind.startswith("lang-"):
        language = kind.removeprefix("lang-")
    return Question(
        text=str(fields["question"]),
        kind=kind,
        language=str(fields.get("language") or language),
        now=None if now is None else datetime.fromisoformat(now),
        evidence=frozenset(evidence),
    )


def told_to(memory: Memory, sessions: Mapping[str, list[str]], folder: Path) -> Turns:
    """Store the sessions as an import does, embed them, and return where each turn stands.

    Args:
        memory: Empty; without a model nothing is embedded.
        sessions: The lines of each.
        folder: For a transcript of each session.

    Raises:
        ValueError: Nothing was stored.
    """
    folder.mkdir()
    files = [folder / f"{session}.jsonl" for session in sessions]
    for file, lines in zip(files, sessions.values(), strict=True):
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = memory.import_transcripts([look_at(file) for file in files], "claude-code")
    if not done.counts.stored:
        raise ValueError(f"no turn of {len(files)} transcripts was stored: {done.faults}")
    while memory.embed_pending():
        pass
    return Turns([row.record for row in memory.store.latest.all_rows()])


class Turns:
    """Where each stored turn stands: which ones are beside it, and which are of its exchange.

    It counts exchanges anew, so that it can find a fault of the product's count.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        """Order the turns of each session by their time."""
        self.records = sorted(records, key=lambda one: (one.created_at, one.id))
        self.turn = {one.id: one.turn_id or one.id for one in self.records}
        self._days = {self.turn[one.id]: one.created_at.date() for one in self.records}
        sessions: dict[str | None, list[Record]] = {}
        for one in self.records:
            sessions.setdefault(one.session_id, []).append(one)
        self._pair: dict[str, set[str]] = {}
        self._exchange: dict[str, set[str]] = {}
        self._first: dict[str, str] = {}
        for said in sessions.values():
            self._place(said)

    def of(self, ids: Iterable[str]) -> set[str]:
        """Return the host's ids of stored turns."""
        return {self.turn[id_] for id_ in ids}

    def day(self, evidence: Iterable[str]) -> str:
        """Return the day of the first of these turns, by the host's ids; empty for none stored."""
        days = [self._days[turn] for turn in evidence if turn in self._days]
        return min(days).isoformat() if days else ""

    def pair(self, id_: str) -> set[str]:
        """Return the ids of a turn and of those right before and after it."""
        return self._pair[id_]

    def exchange(self, id_: str) -> set[str]:
        """Return the ids of a turn, of the user's turns of its exchange and of the answer."""
        return {id_} | self._exchange[id_]

    def first_of_each_exchange(self, ids: Iterable[str]) -> list[str]:
        """Return the ids without those whose exchange came before."""
        found: dict[str, str] = {}
        for id_ in ids:
            found.setdefault(self._first[id_], id_)
        return list(found.values())

    def _place(self, said: list[Record]) -> None:
        for at, one in enumerate(said):
            self._pair[one.id] = {near.id for near in said[max(0, at - 1) : at + 2]}
        begins = [
            at
            for at, one in enumerate(said)
            if at == 0 or (one.role == "user" and said[at - 1].role != "user")
        ]
        for begin, end in zip(begins, [*begins[1:], len(said)], strict=True):
            turns = said[begin:end]
            shown = {one.id for one in turns if one.role == "user"} | {turns[-1].id}
            self._exchange |= dict.fromkeys((one.id for one in turns), shown)
            self._first |= dict.fromkeys((one.id for one in turns), turns[0].id)

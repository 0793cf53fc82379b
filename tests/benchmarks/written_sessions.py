"""Coding sessions written by hand, two people's in English and one's in German, with questions.

`written_sessions/*.txt` holds them: for each person a project, its sessions and what is asked about
them weeks later, in other words than the sessions'. `python -m tests.benchmarks.written_sessions
FOLDER` writes them as the transcripts of Claude Code, which `real_sessions` reads as it reads real
ones. Nothing in them is anybody's. One line of a file is one of:

    project FOLDER BRANCH
    session DATE TIME
    U: what the user says             A: what the assistant says; U#name: and A#name: can be named
    T TOOL INPUT -> RESULT
    ask KIND | question | names of all turns that answer; ask-de where it is asked in German
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

_FOLDER = Path(__file__).with_name("written_sessions")
_SAID = re.compile(r"([UA])(?:#([\w-]+))?: (.+)")
_INPUT = {"Bash": "command", "Grep": "pattern"}


@dataclass
class _Person:
    """What one file says: lines of transcripts by session, questions, and the named turns."""

    name: str
    cwd: str = ""
    branch: str = ""
    sessions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    questions: list[dict[str, Any]] = field(default_factory=list)
    named: dict[str, str] = field(default_factory=dict)
    at: datetime = datetime.min

    def read(self, line: str) -> None:
        """Take in one line of the file.

        Raises:
            ValueError: It is none of the kinds of the module's docstring.
        """
        kind, _, rest = line.partition(" ")
        if kind == "project":
            self.cwd, self.branch = rest.split()
        elif kind == "session":
            self.at = datetime.fromisoformat(rest).replace(tzinfo=UTC)
            self.sessions[str(uuid5(NAMESPACE_URL, f"{self.name} {rest}"))] = []
        elif said := _SAID.fullmatch(line):
            role, turn, text = said.groups()
            uuid = self._say("user" if role == "U" else "assistant", _content(role, text))
            if turn is not None:
                self.named[turn] = uuid
        elif kind == "T":
            self._use(rest)
        elif kind.startswith("ask"):
            self._ask(kind, rest)
        else:
            raise ValueError(f"{self.name}.txt: no such line: {line!r}")

    def _say(self, role: str, content: Any, **more: Any) -> str:
        session, lines = list(self.sessions.items())[-1]
        self.at += timedelta(seconds=40 if role == "user" else 15)
        uuid = str(uuid5(NAMESPACE_URL, f"{session} {len(lines)}"))
        lines.append(
            {
                "type": role,
                "uuid": uuid,
                "parentUuid": lines[-1]["uuid"] if lines else None,
                "isSidechain": False,
                "userType": "external",
                "sessionId": session,
                "version": "2.1.332",
                "cwd": self.cwd,
                "gitBranch": self.branch,
                "timestamp": f"{self.at:%Y-%m-%dT%H:%M:%S.000Z}",
                "message": {"role": role, "content": content},
                **more,
            }
        )
        return uuid

    def _use(self, line: str) -> None:
        call, _, result = line.partition(" -> ")
        tool, _, given = call.partition(" ")
        id_ = f"toolu_{uuid5(NAMESPACE_URL, line + str(self.at)).hex[:24]}"
        asked = {_INPUT.get(tool, "file_path"): given}
        self._say("assistant", [{"type": "tool_use", "id": id_, "name": tool, "input": asked}])
        answer = {"type": "tool_result", "tool_use_id": id_, "content": result}
        self._say("user", [answer], toolUseResult=result)

    def _ask(self, kind: str, line: str) -> None:
        sort, question, names = (part.strip() for part in line.split("|"))
        evidence = [{"uuid": self.named[name]} for name in names.split()]
        asked = {"kind": sort, "question": question, "now": None, "evidence": evidence}
        language = kind.partition("-")[2]
        self.questions.append(asked | ({"language": language} if language else {}))


def written_set() -> dict[str, Any]:
    """Return the lines of each session by its id, and the questions, as `real_data` wants them.

    Raises:
        ValueError: A file has a line of no kind.
        KeyError: A question names a turn that its file does not have.
    """
    people = list(_people())
    return {
        "sessions": {id_: lines for one in people for id_, lines in one.sessions.items()},
        "questions": [question for one in people for question in one.questions],
    }


def write_written_set(folder: Path) -> Path:
    """Write the set into a new folder; return it."""
    folder.mkdir(parents=True)
    made = written_set()
    files: list[str] = []
    for session, lines in made["sessions"].items():
        files.append(f"{session}.jsonl")
        text = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
        (folder / files[-1]).write_text(text, encoding="utf-8")
    told = {"corpus": {"files": files}, "questions": made["questions"]}
    (folder / "questions.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


def _people() -> Iterator[_Person]:
    for file in sorted(_FOLDER.glob("*.txt")):
        person = _Person(file.stem)
        for line in file.read_text(encoding="utf-8").splitlines():
            person.read(line)
        yield person


def _content(role: str, text: str) -> Any:
    return text if role == "U" else [{"type": "text", "text": text}]


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, writes; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.written_sessions", description=__doc__
    )
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    if folder.exists():
        print(f"{folder} is there already: name a new folder", file=sys.stderr)
        return 2
    print(f"wrote {write_written_set(folder)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

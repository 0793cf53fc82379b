"""Conversations, questions and evidence in the shape of LoCoMo (snap-research/LoCoMo)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop"}
"""The categories that are asked; 5 is adversarial and has no answer to find."""
ADVERSARIAL = 5
"""Asked only where others count it: at session level, whether its session is found."""

_EVIDENCE = re.compile(r"D:?(\d+):(\d+)")


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that was said.

    Attributes:
        dia_id: The data set's id, such as "D8:6".
        text: "Speaker: text", with the caption of a picture behind it.
        session_id: The session's number as text.
        created_at: When the session began, plus a second for each turn before this one.
    """

    dia_id: str
    text: str
    session_id: str
    created_at: datetime

    def to_memory(self) -> dict[str, Any]:
        """The turn as `Memory.ingest` and the `ingest` tool take it."""
        return {
            "text": self.text,
            "role": "user",
            "session_id": self.session_id,
            "created_at": self.created_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the turns that answer it, at least one."""

    text: str
    category: int
    evidence: frozenset[str]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Two people's sessions and what is asked about them.

    Attributes:
        name: The data set's name of it.
        turns: In the order they were said.
        questions: Those of the asked categories that have valid evidence.
        left_out: How many of the asked categories had none.
    """

    name: str
    turns: list[Turn]
    questions: list[Question]
    left_out: int


def load(path: Path, *, adversarial: bool = False) -> list[Conversation]:
    """Reads a data set; with `adversarial`, the questions of that category too.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not in LoCoMo's shape.
    """
    samples = json.loads(path.read_text(encoding="utf-8"))
    try:
        return [_conversation(sample, adversarial) for sample in samples]
    except (KeyError, TypeError) as exc:
        raise ValueError(f"{path} is not in LoCoMo's shape ({exc!r}): name its JSON file") from exc


def pooled(conversations: Sequence[Conversation]) -> Conversation:
    """All of them as one; turn and session ids get the conversation's name and a "/" in front."""
    return Conversation(
        name="all in one",
        turns=[
            replace(
                turn,
                dia_id=f"{one.name}/{turn.dia_id}",
                session_id=f"{one.name}/{turn.session_id}",
            )
            for one in conversations
            for turn in one.turns
        ],
        questions=[
            replace(asked, evidence=frozenset(f"{one.name}/{id_}" for id_ in asked.evidence))
            for one in conversations
            for asked in one.questions
        ],
        left_out=sum(one.left_out for one in conversations),
    )


def evidence_ids(strings: Iterable[str]) -> list[str]:
    """The turn ids in evidence strings such as "D8:6; D9:17" or "D:11:26", which people typed."""
    found = (_EVIDENCE.findall(string) for string in strings)
    return [f"D{int(session)}:{int(turn)}" for pairs in found for session, turn in pairs]


def session_time(text: str) -> datetime:
    """The time in "1:56 pm on 8 May, 2023", taken as UTC."""
    return datetime.strptime(text, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)


def _conversation(sample: dict[str, Any], adversarial: bool) -> Conversation:
    turns = list(_turns(sample["conversation"]))
    known = {turn.dia_id for turn in turns}
    wanted = {*CATEGORIES, ADVERSARIAL} if adversarial else {*CATEGORIES}
    asked = [one for one in sample["qa"] if one["category"] in wanted]
    questions = [
        Question(one["question"], one["category"], evidence)
        for one in asked
        if (evidence := frozenset(evidence_ids(one.get("evidence", []))) & known)
    ]
    return Conversation(
        name=str(sample["sample_id"]),
        turns=turns,
        questions=questions,
        left_out=len(asked) - len(questions),
    )


def _turns(conversation: dict[str, Any]) -> Iterable[Turn]:
    numbers = (re.fullmatch(r"session_(\d+)", key) for key in conversation)
    for number in sorted(int(match[1]) for match in numbers if match):
        began = session_time(conversation[f"session_{number}_date_time"])
        for index, said in enumerate(conversation[f"session_{number}"]):
            caption = said.get("blip_caption")
            shown = f" [shows {caption}]" if caption else ""
            yield Turn(
                dia_id=said["dia_id"],
                text=f"{said['speaker']}: {said['text']}{shown}",
                session_id=str(number),
                created_at=began + timedelta(seconds=index),
            )

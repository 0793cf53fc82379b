"""Questions with a misspelt name: `python -m tests.benchmarks.misspelt_names [--locomo FILE]`.

Every question about somebody whom the memories name is asked with the name spelled rightly and in
ways in which people misspell: a wrong letter, two swapped, one doubled, one missing, one that
sounds the same, an accent, Cyrillic letters. Beside them stand questions about somebody whom nobody
mentions, which must stay unanswered: those of the longitudinal set, the questions of one
conversation asked in another, and names that are near one of the memories by chance.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iai_memory import Memory, load_settings
from iai_memory.text.speakers import utterance

from . import outcomes as kept
from .baselines import Bm25, cosine_ranking, fused_by_rank
from .intervals import Mean, mean_with_interval, table
from .locomo_data import Conversation, load
from .longitudinal_store import only_say
from .longitudinal_world import SEED, SESSIONS, make_world
from .metrics import recall_any
from .routes import BUDGET_TOKENS, LIMIT

RIGHT = "spelled rightly"
UNKNOWN = "somebody unknown"
NEARLY_KNOWN = "somebody unknown with a near name"
MIN_LETTERS = 4
WAYS = 2
"""In so many of the ways, drawn, each question is asked."""

_ABOUT = ("person", "pet", "project")

_BY_EAR = (
    *(("ph", "f"), ("ck", "k"), ("c", "k"), ("k", "c"), ("th", "t"), ("y", "i"), ("i", "y")),
    *(("s", "z"), ("z", "s"), ("v", "w"), ("w", "v"), ("ee", "ea"), ("e", "a"), ("a", "e")),
)
_ACCENTS = {"a": "á", "e": "é", "i": "í", "o": "ó", "u": "ü"}
_CYRILLIC: dict[str, str] = dict(
    zip(
        (*"abvgdeziklmnoprstufhyc", "q", "w", "x", "j"),
        (*"абвгдезиклмнопрстуфхйк", "к", "в", "кс", "дж"),
        strict=True,
    )
)
_NEAR_BY_CHANCE = {
    "Ines": "Ivey", "Tomas": "Topaz", "Greta": "Gretna", "Milan": "Dylan", "Oscar": "Omar",
    "Wanda": "Wendy", "Selma": "Thelma", "Hugo": "Hugh", "Nadia": "Sadia", "Edgar": "Edgard",
    "Caroline": "Carolina", "Melanie": "Melody", "Maria": "Marla", "Joanna": "Johann",
    "Jolene": "Jocelyn", "Deborah": "Debra", "James": "Jamal", "Andrew": "Andrea",
}  # fmt: skip
"""Names of other people, by the name of the memories that they resemble."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, in which way its name is spelled, and the ids that answer it, perhaps none."""

    text: str
    spelling: str
    evidence: frozenset[str]
    group: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The ids that were found for a question, best first, and the confidence."""

    asked: Asked
    ranked: list[str]
    confidence: float | None
    method: str = kept.OURS


def misspelt(name: str, draw: random.Random) -> Iterator[tuple[str, str]]:
    """Yield each way to misspell a name, with the name misspelt; its first letter stays mostly."""
    at = draw.randrange(1, len(name))
    letters = "abcdefghijklmnopqrstuvwxyz".replace(name[at].lower(), "")
    yield "wrong letter", name[:at] + draw.choice(letters) + name[at + 1 :]
    swaps = [n for n in range(1, len(name) - 1) if name[n] != name[n + 1]]
    if swaps:
        n = draw.choice(swaps)
        yield "swapped letters", name[:n] + name[n + 1] + name[n] + name[n + 2 :]
    yield "doubled letter", name[:at] + name[at] + name[at:]
    yield "missing letter", name[:at] + name[at + 1 :]
    lowered = name.lower()
    heard = [(n, a, b) for a, b in _BY_EAR for n in [lowered.find(a)] if n >= 0]
    if heard:
        n, a, b = draw.choice(heard)
        made = lowered[:n] + b + lowered[n + len(a) :]
        yield "by ear", made.capitalize()
    vowels = [n for n in range(1, len(name)) if name[n] in _ACCENTS]
    if vowels:
        n = draw.choice(vowels)
        yield "accent", name[:n] + _ACCENTS[name[n]] + name[n + 1 :]
    yield "Cyrillic", "".join(_CYRILLIC[letter] for letter in lowered).capitalize()
    yield "no capital", lowered
    if len(name) > 6:
        twice = list(name)
        for n in draw.sample(range(1, len(name)), 2):
            twice[n] = draw.choice(letters)
        yield "two wrong letters", "".join(twice)


def variants(
    text: str, name: str, evidence: frozenset[str], draw: random.Random, group: str
) -> list[Asked]:
    """The question as it is, and with the name misspelt in some of the ways."""
    if len(name) < MIN_LETTERS or name not in text or not name.isalpha():
        return []
    ways = list(misspelt(name, draw))
    return [
        Asked(text, RIGHT, evidence, group),
        *(
            Asked(text.replace(name, made), how, evidence, group)
            for how, made in draw.sample(ways, WAYS)
        ),
    ]


def ask(memory: Memory, questions: Sequence[Asked]) -> list[Answer]:
    """Ask each question, each text once."""
    found: dict[str, tuple[list[str], float | None]] = {}
    for one in questions:
        if one.text not in found:
            answer = memory.recall(one.text, limit=LIMIT, budget_tokens=BUDGET_TOKENS)
            found[one.text] = [hit.id for hit in answer.hits], answer.confidence
    return [Answer(one, *found[one.text]) for one in questions]


def longitudinal(folder: Path, seed: int, sessions: int, kinds: int | None) -> list[Answer]:
    """Ask the longitudinal world, stored without supersede."""
    world, draw = make_world(seed, sessions=sessions, kinds=kinds), random.Random(seed)
    memory = _memory(folder / "longitudinal")
    told = only_say(memory, world)
    asked: list[Asked] = []
    for question in world.questions:
        fact = question.fact
        if question.ask == "unknown subject":
            asked.append(Asked(question.text, UNKNOWN, frozenset()))
        elif fact and question.ask in ("current", "plain") and fact.kind.about in _ABOUT:
            right = frozenset(told.ids[key] for key in fact.chain)
            asked += variants(question.text, fact.subject, right, draw, fact.kind.name)
            if fact.subject in _NEAR_BY_CHANCE:
                other = question.text.replace(fact.subject, _NEAR_BY_CHANCE[fact.subject])
                asked.append(Asked(other, NEARLY_KNOWN, frozenset()))
    texts = {told.ids[one.key]: one.text for one in world.said}
    return ask(memory, asked) + plainly(memory, texts, asked)


def plainly(memory: Memory, texts: Mapping[str, str], questions: Sequence[Asked]) -> list[Answer]:
    """Ask the questions that something answers of the plain methods, over the same texts."""
    if memory.encoder is None:
        raise AssertionError("`_memory` asked for the encoder already")
    ids, bm25 = list(texts), Bm25(list(texts.values()))
    vectors = memory.encoder.encode(list(texts.values()))
    answers: list[Answer] = []
    for one in (asked for asked in questions if asked.evidence):
        by_cosine = cosine_ranking(memory.encoder.encode([one.text])[0], vectors)
        by_words = bm25.ranking(one.text)
        rankings = (by_cosine, by_words, fused_by_rank([by_cosine, by_words]))
        for method, ranking in zip(kept.BASELINES, rankings, strict=True):
            answers.append(Answer(one, [ids[at] for at in ranking[:LIMIT]], None, method))
    return answers


def locomo(folder: Path, conversations: Sequence[Conversation], seed: int) -> list[Answer]:
    """Ask each conversation its questions that name a speaker, and some of the next one's."""
    draw = random.Random(seed)
    answers: list[Answer] = []
    for number, one in enumerate(conversations):
        memory = _memory(folder / f"locomo-{number}")
        report = memory.ingest([turn.to_memory() for turn in one.turns])
        ids = {t.dia_id: str(r.id) for t, r in zip(one.turns, report.results, strict=True)}
        speakers = _speakers(one)
        asked: list[Asked] = []
        for question in one.questions:
            named = [name for name in speakers if name in question.text]
            if len(named) == 1:
                right = frozenset(ids[turn] for turn in question.evidence)
                asked += variants(question.text, named[0], right, draw, named[0])
                if named[0] in _NEAR_BY_CHANCE:
                    near = question.text.replace(named[0], _NEAR_BY_CHANCE[named[0]])
                    asked.append(Asked(near, NEARLY_KNOWN, frozenset()))
        other = conversations[(number + 1) % len(conversations)]
        asked += [
            Asked(question.text, UNKNOWN, frozenset())
            for question in other.questions
            if any(name in question.text for name in _speakers(other))
        ]
        answers += ask(memory, asked)
    return answers


def report(title: str, answers: Sequence[Answer]) -> tuple[str, dict[str, dict[str, Mean]]]:
    """A row for each spelling: how many are empty, and where the answer stands."""
    rows: dict[str, dict[str, Mean]] = {}
    for spelling in dict.fromkeys(answer.asked.spelling for answer in answers):
        mine = [answer for answer in answers if answer.asked.spelling == spelling]
        rows[spelling] = {"empty": mean_with_interval([float(not a.ranked) for a in mine])}
        for k in (1, 5, 10):
            found = [recall_any(a.ranked, a.asked.evidence, k) for a in mine if a.asked.evidence]
            rows[spelling][f"any@{k}"] = mean_with_interval(found)
    columns = ["n", "empty", "any@1", "any@5", "any@10"]
    cells: Mapping[str, list[object]] = {
        name: [row["empty"].n, *row.values()] for name, row in rows.items()
    }
    return table(title, columns, cells), rows


def emptied(answers: Sequence[Answer]) -> list[str]:
    """The questions that are empty where the same one with the right name is not."""
    right = ""
    found: list[str] = []
    for one in answers:
        if one.asked.spelling == RIGHT:
            right = one.asked.text if one.ranked else ""
        elif right and one.asked.evidence and not one.ranked:
            found.append(f"{one.asked.spelling}: {one.asked.text}")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, measures, prints; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.misspelt_names", description=__doc__
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--kinds", type=int, default=None, help="kinds of facts; default all")
    parser.add_argument("--locomo", type=Path, help="also ask conversations of a JSON file")
    parser.add_argument("--only-locomo", action="store_true", help="leave out the longitudinal set")
    parser.add_argument("--stores", type=Path, help="keep the stores here, and use what is there")
    parser.add_argument("--failures", action="store_true", help="list the emptied questions")
    parser.add_argument("--json", type=Path, help="also write everything measured here")
    kept.add_option(parser)
    options = parser.parse_args(arguments)
    data: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="iai-mcp-names-") as temporary:
        folder = options.stores or Path(temporary)
        sets: dict[str, list[Answer]] = {}
        if not options.only_locomo:
            world = longitudinal(folder, options.seed, options.sessions, options.kinds)
            sets["longitudinal"] = world
        if options.locomo is not None:
            sets["LoCoMo"] = locomo(folder, load(options.locomo), options.seed)
    print(f"misspelt names, seed {options.seed}. Intervals: 95 %, bootstrap over questions.")
    for name, answers in sets.items():
        ours = [one for one in answers if one.method == kept.OURS]
        shown, rows = report(name, ours)
        print(f"\n{shown}\nemptied by the spelling: {len(emptied(ours))}")
        if options.failures:
            print("\n".join(emptied(ours)))
        data[name] = {
            spelling: {column: mean.plain() for column, mean in row.items()}
            for spelling, row in rows.items()
        }
    kept.write(options.outcomes, (_outcome(name, one) for name in sets for one in sets[name]))
    if options.json is not None:
        options.json.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return 0


def _outcome(name: str, one: Answer) -> kept.Outcome:
    asked = one.asked
    return kept.Outcome(
        set="Misspelt names",
        part=f"{asked.spelling}, {name}",
        method=one.method,
        question=asked.text,
        group=asked.group or asked.text,
        right=tuple(id_ in asked.evidence for id_ in one.ranked),
        evidence=int(bool(asked.evidence)),
        confidence=one.confidence,
    )


def _speakers(conversation: Conversation) -> list[str]:
    names = (utterance(turn.text).speaker for turn in conversation.turns)
    return sorted({name for name in names if name})


def _memory(store: Path) -> Memory:
    memory = Memory(settings=load_settings().model_copy(update={"store": store}))
    if memory.encoder is None:
        sys.exit("no embedding model: run `make setup`, or set IAI_MCP_MODEL")
    return memory


if __name__ == "__main__":
    raise SystemExit(main())

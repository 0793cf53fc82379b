"""Retrieval in several languages: `python -m tests.benchmarks.xquad FOLDER`.

The folder has a file LANGUAGE.json for each language, in the shape of XQuAD
(google-deepmind/xquad): the same paragraphs and questions in each. A language's paragraphs are
memories of a store of their own. Its questions are asked with the model and without it, beside
plain BM25, plain cosine and both fused by rank; then questions in one language are asked of
paragraphs in another.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from iai_memory import Memory, load_settings

from . import outcomes
from .baselines import Bm25, cosine_ranking, fused_by_rank
from .evaluation_tables import cells_by_method, table
from .outcomes import BM25, COSINE, FUSION, OURS, WORDS, Outcome
from .routes import BUDGET_TOKENS, LIMIT

SET = "XQuAD"
_BATCH = 50
_ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the number of the paragraph that answers it, and the article it is of."""

    text: str
    paragraph: int
    article: str


@dataclass(frozen=True, slots=True)
class Language:
    """One language of the set: its code, its paragraphs and its questions, in the set's order."""

    code: str
    paragraphs: list[str]
    questions: list[Question]


def load(file: Path) -> Language:
    """Read a language.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not in XQuAD's shape.
    """
    paragraphs: list[str] = []
    questions: list[Question] = []
    try:
        for number, article in enumerate(json.loads(file.read_text(encoding="utf-8"))["data"]):
            for paragraph in article["paragraphs"]:
                questions += [
                    Question(asked["question"], len(paragraphs), f"article {number}")
                    for asked in paragraph["qas"]
                ]
                paragraphs.append(paragraph["context"])
    except (KeyError, TypeError) as exc:
        raise ValueError(f"{file} is not in XQuAD's shape ({exc!r})") from exc
    return Language(file.stem, paragraphs, questions)


def load_all(folder: Path) -> list[Language]:
    """Read every language of a folder.

    Raises:
        OSError: A file cannot be read.
        ValueError: A file is not in XQuAD's shape, or there is none.
    """
    languages = [load(file) for file in sorted(folder.glob("*.json"))]
    if not languages:
        raise ValueError(f"{folder} has no LANGUAGE.json: name a folder of XQuAD's files")
    return languages


def measure(languages: Sequence[Language], every: int, across: int) -> Iterator[Outcome]:
    """Ask every so many-th question of each language; every so many-th one across languages.

    Across means: English questions of each other language's paragraphs, and the other way round.

    Raises:
        RuntimeError: There is no embedding model.
    """
    for language in languages:
        with tempfile.TemporaryDirectory(prefix="iai-mcp-xquad-") as folder:
            store = _Store(Path(folder) / "store", language.paragraphs)
            yield from store.asked(language.code, language.questions[::every])
            for other in languages if across else ():
                if (language.code == _ENGLISH) != (other.code == _ENGLISH):
                    part = f"{other.code}, texts {language.code}"
                    yield from store.asked(part, other.questions[::across])


class _Store:
    """A store of the paragraphs of one language, with and without the model."""

    def __init__(self, path: Path, paragraphs: Sequence[str]) -> None:
        def opened(**settings: object) -> Memory:
            chosen = load_settings(store=path, **settings)
            return Memory(settings=chosen, on_commit=lambda: None)

        memory = opened()
        if (encoder := memory.encoder) is None:
            raise RuntimeError("no embedding model: run `make setup`, or set IAI_MCP_MODEL")
        memories = [{"text": text} for text in paragraphs]
        self._ids = [
            str(one.id)
            for start in range(0, len(memories), _BATCH)
            for one in memory.ingest(memories[start : start + _BATCH]).results
        ]
        while memory.embed_pending():
            pass
        self._methods = {OURS: memory, WORDS: opened(model=None)}
        self._encoder, self._bm25 = encoder, Bm25(paragraphs)
        self._vectors = encoder.encode(list(paragraphs))

    def asked(self, part: str, questions: Sequence[Question]) -> Iterator[Outcome]:
        """Yield what each method finds for each question."""
        for question in questions:
            right = self._ids[question.paragraph]
            for method, memory in self._methods.items():
                found = memory.recall(question.text, limit=LIMIT, budget_tokens=BUDGET_TOKENS)
                hits = tuple(right in (hit.id, *hit.ids) for hit in found.hits)
                yield _outcome(part, method, question, hits, found.confidence)
            by_cosine = cosine_ranking(self._encoder.encode_question(question.text), self._vectors)
            by_words = self._bm25.ranking(question.text)
            fused = fused_by_rank([by_cosine, by_words])
            for method, rows in ((COSINE, by_cosine), (BM25, by_words), (FUSION, fused)):
                hits = tuple(row == question.paragraph for row in rows[:LIMIT])
                yield _outcome(part, method, question, hits)


def _outcome(
    part: str,
    method: str,
    question: Question,
    hits: tuple[bool, ...],
    confidence: float | None = None,
) -> Outcome:
    return Outcome(SET, part, method, question.text, question.article, hits, confidence=confidence)


def shown(found: Sequence[Outcome]) -> str:
    """Return a table of each part and method, with intervals over articles."""
    columns = ("@1", "nDCG@10", "emptied")
    rows: list[list[object]] = []
    for part in dict.fromkeys(one.part for one in found):
        of_it = [one for one in found if one.part == part]
        count = sum(one.method == OURS for one in of_it)
        for method, cells in cells_by_method(of_it, columns).items():
            rows.append([part, method, count, *cells])
    return table(("language", "method", "n", *columns), rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, measures, prints; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.xquad", description=__doc__)
    parser.add_argument("folder", type=Path, help="of LANGUAGE.json files in XQuAD's shape")
    parser.add_argument("--every", type=int, default=1, help="ask every so many-th question")
    parser.add_argument(
        "--across", type=int, default=0, help="the same across languages; 0 asks none, the default"
    )
    outcomes.add_option(parser)
    given = parser.parse_args(arguments)
    try:
        languages = load_all(given.folder)
        found = list(measure(languages, given.every, given.across))
    except (OSError, ValueError, RuntimeError) as exc:
        print(exc, file=sys.stderr)
        return 2
    outcomes.write(given.outcomes, found)
    print(shown(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())

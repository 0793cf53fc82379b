"""What the memory costs a model's context: `python -m tests.benchmarks.context_cost`.

The tools, as a real server lists them, and default recalls on a store of long texts: articles,
code and stack traces of 300 to 2,000 tokens. A host shows a model either the text of an answer or
its structured content, which are the same JSON here. Tokens are estimated as the product does.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from iai_memory.text.tokens import estimate_tokens

from .intervals import table
from .known_item_sets import long_texts
from .metrics import percentile
from .scale_store import memory_of
from .serving import talking_server
from .timings import arguments_of, goal_cell, keep

GOAL_TOOLS, GOAL_LIST, GOAL_RECALL_TOKENS = 6_000, 12_000, 1_500


@dataclass(frozen=True, slots=True)
class Row:
    """Sizes of one thing; where there were several, their median and 95th percentile.

    Attributes:
        characters: Of its compact JSON, or of the texts.
        characters_p95: The same, 95th percentile.
        tokens: Estimated.
        tokens_p95: The same, 95th percentile.
        goal: The stated limit; for recalls of their p95.
        unit: Of the goal.
    """

    characters: int
    characters_p95: int
    tokens: int
    tokens_p95: int
    goal: int
    unit: str


def measure(texts: int, queries: int) -> dict[str, Row]:
    """Lists the tools and recalls so many times from a store of so many long texts."""
    items = long_texts()
    with tempfile.TemporaryDirectory(prefix="iai-mcp-context-") as folder:
        store = Path(folder) / "store"
        memory_of(store).ingest(
            [{"text": text, "role": "assistant"} for text in items.texts[:texts]]
        )
        with talking_server(store) as child:
            listed = child.request("tools/list", {})["result"]["tools"]
            asked = [case.query for case in items.cases if case.right < texts][:queries]
            answers = [child.call("recall", {"query": query}) for query in asked]
    found = [one["structuredContent"] for one in answers]
    seen = [{key: tool[key] for key in ("name", "description", "inputSchema")} for tool in listed]
    return {
        "names, descriptions, inputs": _row([[_compact(seen)]], GOAL_TOOLS, "characters"),
        "the whole tools/list": _row([[_compact({"tools": listed})]], GOAL_LIST, "characters"),
        "texts of a recall's hits": _row(
            [[hit["text"] for hit in one["hits"]] for one in found], GOAL_RECALL_TOKENS, "tokens"
        ),
        "a recall's whole answer": _row(
            [[_compact(one)] for one in found], GOAL_RECALL_TOKENS, "tokens"
        ),
    }


def shown_rows(rows: Mapping[str, Row]) -> str:
    """The table."""
    columns = ["characters", "p95", "est. tokens", "p95", "goal", "in"]
    return table(
        "context cost",
        columns,
        {
            name: [
                f"{row.characters:,}",
                f"{row.characters_p95:,}",
                f"{row.tokens:,}",
                f"{row.tokens_p95:,}",
                goal_cell(row.goal),
                row.unit,
            ]
            for name, row in rows.items()
        },
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, measures, prints; returns the exit code."""
    parser = arguments_of("context_cost", __doc__)
    parser.add_argument("--texts", type=int, default=60, help="long texts in the store")
    parser.add_argument("--queries", type=int, default=40)
    given = parser.parse_args(arguments)
    rows = measure(given.texts, given.queries)
    print(shown_rows(rows))
    keep(given.json, {name: asdict(row) for name, row in rows.items()})
    return 0


def _row(things: Sequence[Sequence[str]], goal: int, unit: str) -> Row:
    """Sizes of things that are made of one text or several."""
    characters = [float(sum(map(len, texts))) for texts in things]
    tokens = [float(sum(map(estimate_tokens, texts))) for texts in things]
    return Row(
        characters=int(percentile(characters, 0.5)),
        characters_p95=int(percentile(characters, 0.95)),
        tokens=int(percentile(tokens, 0.5)),
        tokens_p95=int(percentile(tokens, 0.95)),
        goal=goal,
        unit=unit,
    )


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    sys.exit(main())

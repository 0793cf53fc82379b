"""Figures that others published or measured, quoted for comparison; none was measured here."""

from __future__ import annotations

from typing import Final

# Share of LoCoMo's questions, all five categories, of which a session with evidence is among the
# first k sessions; no language model at any step. As published by October 2026.
SESSION_CLAIMS: Final[tuple[tuple[str, str, str, str, str], ...]] = (
    (
        "Hebb Mind, bge-large and bge-reranker",
        "-",
        "-",
        ".958",
        "https://afx-team.github.io/hebb-mind/benchmarks/locomo/",
    ),
    (
        "Hebb Mind, MiniLM and bge-reranker",
        "-",
        "-",
        ".947",
        "https://afx-team.github.io/hebb-mind/benchmarks/locomo/",
    ),
    (
        "MemPalace, bge-large hybrid",
        "-",
        "-",
        ".924",
        "https://github.com/MemPalace/mempalace/blob/main/benchmarks/BENCHMARKS.md",
    ),
    (
        "graph-memory, two stages",
        "-",
        ".829",
        ".902",
        "https://github.com/adoresever/graph-memory/issues/76",
    ),
    (
        "MemPalace, hybrid v5",
        "-",
        ".837",
        ".889",
        "https://github.com/MemPalace/mempalace/blob/main/benchmarks/BENCHMARKS.md",
    ),
    (
        "deja-vu",
        ".622",
        ".780",
        "-",
        "https://github.com/vshulcz/deja-vu/pull/299",
    ),
    (
        "MemPalace, raw",
        "-",
        "-",
        ".603",
        "https://github.com/MemPalace/mempalace/blob/main/benchmarks/BENCHMARKS.md",
    ),
)

# Measured in November 2026 through a server, by somebody who keeps the sets back from tuning; of
# the product as it was before late interaction and slots.
HELD_BACK: Final[tuple[tuple[str, str, str, str, str, str], ...]] = (
    ("LoCoMo 5-9, turn level, iai-mcp", "-", ".848", ".899", ".828", ".689"),
    ("LoCoMo 5-9, session level, all categories, n = 984", ".780", ".945", ".978", "-", "-"),
    ("REALTALK, ten chats of three weeks, iai-mcp", ".447", ".682", ".773", ".485", ".515"),
    ("REALTALK, rank fusion of BM25 and cosine", ".308", ".539", ".628", ".403", ".393"),
)

"""Redaction on several corpora: recall, innocent lines touched, and throughput.

    python -m tests.benchmarks.redaction [--each N] [--lines N] [--show N] [--seed N]

The fixtures' docstrings say who wrote a corpus and whether the rules were mended on it. The column
`gitleaks` is what the rules of that project find on the same text, run by Python's `re`.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterable

from tests.fixtures.foreign_secrets import foreign_innocents, foreign_secrets
from tests.fixtures.gitleaks_samples import found_by_gitleaks, samples
from tests.fixtures.machine_lines import CORPORA, machine_lines
from tests.fixtures.make_secrets import innocents, positives

from iai_memory.privacy.redaction import redact

LINES_ALLOWED = 20_000
"""Of so many innocent lines one may be touched."""


def recall(title: str, cases: Iterable[tuple[str, str, str]]) -> None:
    """Print how many secrets of each group are gone; cases are group, text and secret."""
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    all_of: Counter[str] = Counter()
    for group, text, secret in cases:
        gone = secret not in redact(text).text
        found = any(secret in value or value in secret for value in found_by_gitleaks(text))
        for name in (group, "all"):
            all_of[name] += 1
            ours[name] += gone
            theirs[name] += found
    print(f"\n{title:<44}{'secrets':>8}{'gone':>8}{'gitleaks':>10}")
    for name, number in all_of.items():
        print(f"  {name:<42}{number:>8}{ours[name] / number:>8.3f}{theirs[name] / number:>10.3f}")


def touched(title: str, lines: Iterable[tuple[object, str]], show: int) -> tuple[int, int]:
    """Print how many innocent lines are touched, and some of them; return it and their number."""
    number, hits, found = 0, list[str](), 0
    for source, line in lines:
        number += 1
        result = redact(line)
        found += bool(found_by_gitleaks(line))
        if result.counts:
            at = max(0, result.text.find("[redacted:") - 50)
            hits.append(f"    {source} {result.counts} {result.text[at : at + 120]!r}")
    print(f"  {title:<42}{number:>8}{len(hits):>8}{found:>10}")
    print(*hits[:show], sep="\n", end="\n" if hits[:show] else "")
    return len(hits), number


def throughput(name: str, text: str, find: Callable[[str], object]) -> None:
    """Print megabytes per second, best of five, for turns of 2,000 characters."""
    turns = [text[at : at + 2000] for at in range(0, len(text), 2000)]
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for turn in turns:
            find(turn)
        best = min(best, time.process_time() - start)
    print(f"throughput, {name}: {len(text) / best / 1e6:.2f} MB/s")


def main() -> None:
    """Print all three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=4, help="values for each sentence and kind")
    parser.add_argument("--lines", type=int, default=60_000, help="lines of each machine corpus")
    parser.add_argument("--show", type=int, default=0, help="touched lines to print of each corpus")
    parser.add_argument("--seed", type=int, default=20261130)
    chosen = parser.parse_args()
    drawn = list(samples(chosen.seed, chosen.each))
    shaped = ("a name tells", "a shape of its own")
    recall("gitleaks' patterns, by line", ((one.line, one.text, one.secret) for one in drawn))
    recall(
        "gitleaks' patterns, by kind", ((shaped[one.shaped], one.text, one.secret) for one in drawn)
    )
    recall("foreign-looking", foreign_secrets(chosen.seed, chosen.each))
    fixture = positives(chosen.seed, chosen.each)
    recall("own sentences", ((case.half, case.text, case.secret) for case in fixture))
    print(f"\n{'innocent':<44}{'lines':>8}{'touched':>8}{'gitleaks':>10}")
    own = ((case.half, case.text) for case in innocents(chosen.seed, chosen.each * 16))
    foreign = (("", text) for text in foreign_innocents(chosen.seed, chosen.each * 16))
    touched("own sentences", own, chosen.show)
    touched("foreign-looking", foreign, chosen.show)
    totals = [touched(name, machine_lines(name, chosen.lines), chosen.show) for name in CORPORA]
    hits, number = (sum(column) for column in zip(*totals, strict=True))
    print(f"  of {LINES_ALLOWED:,} machine lines {hits / number * LINES_ALLOWED:.2f} are touched\n")
    clean = [case.text for case in innocents(chosen.seed) if not case.text.startswith("data:")]
    mixed = clean + [case.text for case in positives(chosen.seed)]
    code = "\n".join(line for _, line in machine_lines("standard library", 8_000))
    texts = {"innocent text": clean, "text with secrets": mixed, "code": [code]}
    for name, lines in texts.items():
        throughput(name, "\n".join(lines), redact)
        throughput(f"{name}, gitleaks' rules", "\n".join(lines), found_by_gitleaks)


if __name__ == "__main__":
    main()

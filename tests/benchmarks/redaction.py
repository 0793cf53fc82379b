"""Redaction on the fixture: recall and false positives by kind, and throughput.

    python -m tests.benchmarks.redaction [--each N] [--seed N]

The fixture's docstring says which half was looked at while the rules were written.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

from tests.fixtures.draws import Half
from tests.fixtures.make_secrets import innocents, positives

from iai_memory.privacy.redaction import redact

HALVES: tuple[Half, Half] = ("tuning", "held-out")


def recall(seed: int, each: int) -> None:
    """Prints how many secrets of each kind are gone, for either half."""
    gone: Counter[tuple[str, Half]] = Counter()
    all_of: Counter[tuple[str, Half]] = Counter()
    for case in positives(seed, each):
        all_of[case.kind, case.half] += 1
        gone[case.kind, case.half] += case.secret not in redact(case.text).text
    print(f"{'kind':<24}{'tuning':>14}{'held-out':>14}")
    for kind in sorted({kind for kind, _ in all_of}):
        shares = (f"{gone[kind, half]}/{all_of[kind, half]}" for half in HALVES)
        print(f"{kind:<24}" + "".join(f"{share:>14}" for share in shares))
    for half in HALVES:
        total = sum(number for (_, of), number in all_of.items() if of == half)
        found = sum(number for (_, of), number in gone.items() if of == half)
        print(f"recall, {half}: {found / total:.4f} of {total}")


def false_positives(seed: int, each: int) -> None:
    """Prints the share of innocent lines that are touched, and as what."""
    for half in HALVES:
        lines = [case.text for case in innocents(seed, each * 16) if case.half == half]
        counts = [redact(line).counts for line in lines]
        kinds = sum((Counter(found) for found in counts), Counter[str]())
        share = sum(map(bool, counts)) / len(lines)
        print(f"false positives, {half}: {share:.4f} of {len(lines)} lines {dict(kinds)}")


def throughput(seed: int) -> None:
    """Prints megabytes per second, best of five, for turns of about 2 KB."""
    clean = [case.text for case in innocents(seed) if not case.text.startswith("data:")]
    mixed = clean + [case.text for case in positives(seed)]
    for name, lines in (("innocent text", clean), ("text with secrets", mixed)):
        text = "\n".join(lines)
        turns = [text[at : at + 2000] for at in range(0, len(text), 2000)]
        best = float("inf")
        for _ in range(5):
            start = time.perf_counter()
            for turn in turns:
                redact(turn)
            best = min(best, time.perf_counter() - start)
        print(f"throughput, {name}: {len(text) / best / 1e6:.2f} MB/s")


def main() -> None:
    """Prints all three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=4, help="values for each sentence and kind")
    parser.add_argument("--seed", type=int, default=20261123)
    chosen = parser.parse_args()
    recall(chosen.seed, chosen.each)
    false_positives(chosen.seed, chosen.each)
    throughput(chosen.seed)


if __name__ == "__main__":
    main()

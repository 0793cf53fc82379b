"""How fast conversations are imported: `python -m tests.benchmarks.import_speed [--turns N]`.

Made-up transcripts of Claude Code, whose turns are as long as people's: half of what a user says is
shorter than 60 characters, half of what an assistant says shorter than 250, and one in a thousand
has some KB. They are imported as words, imported again, and their vectors follow. Beside them: the
same model in a bare loop on onnxruntime, over the same texts and passages, tokenized beforehand,
sorted by length and in the encoder's batches, once before and once after. All times are of
processors, user and system, of whole processes; only the bare loop counts its runs alone. It
prints, and no goal fails it.
"""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import NAMESPACE_OID, UUID, uuid5

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from iai_memory import load_settings
from iai_memory.embedding.encoder import MAX_TOKENS, load_encoder
from iai_memory.embedding.model_files import ModelFiles, find_model
from iai_memory.embedding.passages import may_have_several, split
from iai_memory.errors import ModelMissing

from .intervals import table
from .talk import SEED, Talk
from .timings import arguments_of, keep

TURNS = 3_000
_TURNS_OF_A_FILE = 100
# Median and spread of the logarithm of characters.
_LENGTHS = {"user": (60, 1.1), "assistant": (250, 1.3)}
_MAX_CHARACTERS = 10_000
_BATCH_TOKENS = 384
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_EMBED = """
import sys

from iai_server.startup.unused_imports import skip_unused_imports

skip_unused_imports()
from iai_memory import Memory

memory = Memory(store=sys.argv[1])
while memory.embed_pending():
    pass
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One way of storing the turns.

    Attributes:
        seconds: Processor time.
        rate: Turns a second of it.
    """

    seconds: float
    rate: float


def texts_of(turns: int) -> list[tuple[str, str]]:
    """Roles and texts of so many turns, the same for the same number."""
    draw, talk = random.Random(SEED), Talk()
    made: list[tuple[str, str]] = []
    for number in range(turns):
        role = ("user", "assistant")[number % 2]
        median, spread = _LENGTHS[role]
        length = int(draw.lognormvariate(math.log(median), spread))
        made.append((role, talk.text_of_bytes(min(max(length, 4), _MAX_CHARACTERS))))
    return made


def write_transcripts(folder: Path, turns: Sequence[tuple[str, str]]) -> None:
    """Writes the turns into files of a hundred, as Claude Code lays them out."""
    place = folder / "projects" / "-home-sam-code"
    place.mkdir(parents=True)
    for start in range(0, len(turns), _TURNS_OF_A_FILE):
        session = str(UUID(int=start + 1))
        lines = [
            json.dumps(_line(session, start + at, role, text))
            for at, (role, text) in enumerate(turns[start : start + _TURNS_OF_A_FILE])
        ]
        (place / f"{session}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def bare_loop_seconds(files: ModelFiles, texts: Sequence[str]) -> float:
    """Processor time of the model's runs alone, over the texts and their passages."""
    encoder = load_encoder(files, threads=1)
    parts = list(texts)
    for text in texts:
        if may_have_several(text):
            parts += [text[slice(*span)] for span in split(text, encoder.token_spans(text))]
    tokenizer = Tokenizer.from_file(str(files.tokenizer))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    tokens: list[list[int]] = sorted((tokenizer.encode(part).ids for part in parts), key=len)
    batches: list[list[list[int]]] = []
    for ids in tokens:
        last = batches[-1] if batches else []
        if last and len(last[0]) == len(ids) and (len(last) + 1) * len(ids) <= _BATCH_TOKENS:
            last.append(ids)
        else:
            batches.append([ids])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(files.graph), options, providers=["CPUExecutionProvider"]
    )
    began = time.process_time()
    for batch in batches:
        session.run(["embedding"], {"input_ids": np.array(batch, dtype=np.int64)})
    return time.process_time() - began


def measure(turns: int) -> dict[str, Row]:
    """Imports into a new store, in processes of their own, and runs the bare loop in this one."""
    files = find_model(load_settings())
    if files is None:
        raise ModelMissing("no embedding model: run `make setup`, or set IAI_MCP_MODEL")
    made = texts_of(turns)
    texts = [text for _, text in made]
    before = bare_loop_seconds(files, texts)
    with tempfile.TemporaryDirectory(prefix="iai-mcp-import-") as name:
        folder = Path(name)
        write_transcripts(folder, made)
        store = folder / "store"
        environment = {
            **{name: value for name, value in os.environ.items() if "IAI_MCP_" not in name},
            "IAI_MCP_STORE": str(store),
        }
        command = [sys.executable, "-m", "iai_server", "import", "claude", str(folder / "projects")]
        words = _cpu_seconds(command, environment)
        again = _cpu_seconds(command, environment)
        environment["IAI_MCP_MODEL"] = str(files.folder)
        vectors = _cpu_seconds([sys.executable, "-c", _EMBED, str(store)], environment)
    # Before and after, since a shared machine is not equally quick at both times.
    bare = (before + bare_loop_seconds(files, texts)) / 2
    return {
        "words": _row(turns, words),
        "words, known before": _row(turns, again),
        "vectors": _row(turns, vectors),
        "words and vectors": _row(turns, words + vectors),
        "bare loop on onnxruntime": _row(turns, bare),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = arguments_of("import_speed", __doc__)
    parser.add_argument("--turns", type=int, default=TURNS)
    chosen = parser.parse_args(arguments)
    rows = measure(chosen.turns)
    bare = rows["bare loop on onnxruntime"].seconds
    shown = {
        name: (f"{row.seconds:.2f}", f"{row.rate:.0f}", f"{row.seconds / bare:.2f}")
        for name, row in rows.items()
    }
    print(table(f"{chosen.turns} turns", ["CPU s", "turns a CPU s", "by bare loop"], shown))
    keep(chosen.json, {name: asdict(row) for name, row in rows.items()})
    return 0


def _line(session: str, number: int, role: str, text: str) -> dict[str, object]:
    return {
        "type": role,
        "message": {"role": role, "content": text},
        "isSidechain": False,
        "uuid": str(uuid5(NAMESPACE_OID, str(number))),
        "timestamp": (_BEGAN + timedelta(seconds=60 * number)).isoformat(),
        "sessionId": session,
        "cwd": "/home/sam/code",
    }


def _cpu_seconds(command: list[str], environment: dict[str, str]) -> float:
    """Processor time of a whole process, start and imports included.

    Raises:
        CalledProcessError: It failed.
    """
    began = _children_seconds()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
    done.check_returncode()
    return _children_seconds() - began


def _children_seconds() -> float:
    used = os.times()
    return used.children_user + used.children_system


def _row(turns: int, seconds: float) -> Row:
    return Row(round(seconds, 3), round(turns / seconds, 1))


if __name__ == "__main__":
    sys.exit(main())

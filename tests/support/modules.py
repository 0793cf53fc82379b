"""The modules that a new interpreter loads."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.support.talking import WAIT_SEC

HEAVY = frozenset(
    ("lancedb", "pyarrow", "numpy", "onnxruntime", "tokenizers", "mcp", "mcp_types", "anyio")
)
IMPORT = """
import importlib, json, sys

for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


def modules_loaded_by(*names: str) -> frozenset[str]:
    """Every module that a new interpreter has loaded once it imported these in turn."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, *names],
        capture_output=True,
        text=True,
        timeout=WAIT_SEC,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return frozenset(json.loads(done.stdout))


def ours(modules: frozenset[str] | set[str]) -> list[str]:
    """Those of the product."""
    return sorted(name for name in modules if name.startswith(("iai_memory", "iai_server")))

"""The modules that a new interpreter loads."""

from __future__ import annotations

import json
import sys

from tests.support.talking import output_of

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
    return frozenset(json.loads(output_of([sys.executable, "-c", IMPORT, *names])))


def ours(modules: frozenset[str] | set[str]) -> list[str]:
    """Those of the product."""
    return sorted(name for name in modules if name.startswith(("iai_memory", "iai_server")))

"""Imports that our processes skip, because they never use the libraries.

Clients of HTTP services and of the protocol, a web server, file systems of clouds, formats of other
tables: half of the processor time of a command, and 17 MB of a server's resident memory.
A process on pipes and a folder needs none of them.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from .lazy_packages import make_lazy
from .stand_ins import put_stand_ins

LAZY: Final = (
    "httpx2",  # for resources of the protocol that lie behind a URL
    "mcp",  # the package's `__init__` imports the SDK's client; its submodules do not need it
)
"""Packages of a server."""

SKIPPED: Final = (
    "pyarrow._azurefs",
    "pyarrow._dataset_orc",
    "pyarrow._dataset_parquet",
    "pyarrow._dataset_parquet_encryption",
    "pyarrow._gcsfs",
    "pyarrow._hdfs",
    "pyarrow._s3fs",
)
SKIPPED_BY_A_SERVER: Final = (
    "rich",  # the SDK would colour a log that we configure anew
    "uvicorn",  # sse_starlette would hear of its end
)


def skip_unused_imports() -> None:
    """Make what LanceDB and pyarrow need for services unavailable; call it before any import.

    It holds for the rest of the process. Each skipped module is optional for those who import it:
    they see it as not installed. A module that was imported before stays.
    """
    put_stand_ins()
    _skip(SKIPPED)


def skip_imports_unused_by_a_server() -> None:
    """Skip what no process of ours uses, and what a server on two pipes does not use."""
    skip_unused_imports()
    for package in LAZY:
        make_lazy(package)
    _skip(SKIPPED_BY_A_SERVER)


def _skip(names: tuple[str, ...]) -> None:
    modules: dict[str, Any] = sys.modules
    for name in names:
        # None makes every import of it a ModuleNotFoundError (Python's reference, 5.3.1).
        modules.setdefault(name, None)

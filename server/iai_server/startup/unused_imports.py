"""Imports that a server skips, because it never uses the libraries.

Clients of HTTP services and of the protocol, a web server, file systems of clouds, formats of other
tables: together 11 MB of resident memory and an eighth of the processor time of a start. A server
on two pipes and a folder needs none of them.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from .lazy_packages import make_lazy

LAZY: Final = (
    "httpx2",  # for resources of the protocol that lie behind a URL
    "lance_namespace_urllib3_client",  # lancedb's client of a REST service
    "mcp",  # the package's `__init__` imports the SDK's client; its submodules do not need it
)
SKIPPED: Final = (
    "pyarrow._azurefs",
    "pyarrow._dataset_orc",
    "pyarrow._dataset_parquet",
    "pyarrow._dataset_parquet_encryption",
    "pyarrow._gcsfs",
    "pyarrow._hdfs",
    "pyarrow._s3fs",
    "rich",  # the SDK would colour a log that we configure anew
    "uvicorn",  # sse_starlette would hear of its end
)


def skip_unused_imports() -> None:
    """Make the `LAZY` packages lazy and the `SKIPPED` ones unavailable; call it before any import.

    It holds for the rest of the process. Each skipped module is optional for those who import it:
    they see it as not installed. A module that was imported before stays.
    """
    for package in LAZY:
        make_lazy(package)
    modules: dict[str, Any] = sys.modules
    for name in SKIPPED:
        # None makes every import of it a ModuleNotFoundError (Python's reference, 5.3.1).
        modules.setdefault(name, None)

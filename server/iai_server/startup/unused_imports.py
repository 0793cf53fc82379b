"""What a serving process never uses of the libraries that it stands on, and so does not load.

Together 11 MB of resident memory and an eighth of the processor time of a start: clients of HTTP
services and of the protocol, a web server, file systems of clouds, formats of other tables. The
libraries import them because they could be asked for; over two pipes and a folder nobody asks.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from .lazy_packages import defer

DEFERRED: Final = (
    "httpx2",  # for resources of the protocol that lie behind a URL
    "lance_namespace_urllib3_client",  # lancedb's client of a REST service
    "mcp",  # the package's `__init__` imports the SDK's client; its submodules do not need it
)
LEFT_OUT: Final = (
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


def import_less() -> None:
    """Defers the ones and leaves the others out, for the rest of the process; call it first.

    What is left out is an optional part for everyone who imports it: to them it is not installed.
    A module that was imported before stays.
    """
    for package in DEFERRED:
        defer(package)
    modules: dict[str, Any] = sys.modules
    for name in LEFT_OUT:
        # None makes every import of it a ModuleNotFoundError (Python's reference, 5.3.1).
        modules.setdefault(name, None)

"""The LanceDB table of memories."""

from .filters import Filter
from .reader import Contents, Found, TableReader, Vector, merge_contents
from .table import Row, Store, Writer

__all__ = [
    "Contents",
    "Filter",
    "Found",
    "Row",
    "Store",
    "TableReader",
    "Vector",
    "Writer",
    "merge_contents",
]

"""The LanceDB table of memories."""

from ..passages import Passages
from .filters import Filter
from .reader import Candidate, Contents, TableReader, merge_contents
from .rows import Row, Vector
from .table import Store, Writer

__all__ = [
    "Candidate",
    "Contents",
    "Filter",
    "Passages",
    "Row",
    "Store",
    "TableReader",
    "Vector",
    "Writer",
    "merge_contents",
]

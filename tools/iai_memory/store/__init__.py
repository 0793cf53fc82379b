"""The LanceDB table of memories."""

from ..passages import Passages
from .candidate import Candidate, holding
from .filters import Filter
from .likeness import Likeness
from .reader import Contents, TableReader, merge_contents
from .rows import Row, Vector
from .spoken import Spoken
from .table import KEEP_VERSIONS, Store, Writer

__all__ = [
    "KEEP_VERSIONS",
    "Candidate",
    "Contents",
    "Filter",
    "Likeness",
    "Passages",
    "Row",
    "Spoken",
    "Store",
    "TableReader",
    "Vector",
    "Writer",
    "holding",
    "merge_contents",
]

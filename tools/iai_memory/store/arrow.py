"""pyarrow's compute functions as no type checker sees them: they are generated at import."""

from __future__ import annotations

from typing import Any

import pyarrow.compute

pc: Any = pyarrow.compute

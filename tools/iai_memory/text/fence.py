"""The two lines around everything that this package puts into a host's context.

Capture skips every text that carries one of them, so that what was recalled is never remembered as
if it had been said again.
"""

from typing import Final

FENCE_BEGIN: Final = "<iai-mcp-session-start>"
FENCE_END: Final = "</iai-mcp-session-start>"

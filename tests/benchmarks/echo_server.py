"""The least that a tool call can cost: a server of the same SDK whose only tool gives text back."""

from __future__ import annotations

import sys
from pathlib import Path

from mcp.server.mcpserver import MCPServer

COMMAND = [sys.executable, str(Path(__file__).absolute())]
server: MCPServer[None] = MCPServer("echo")


@server.tool()
def echo(text: str) -> str:
    """Gives the text back."""
    return text


if __name__ == "__main__":
    server.run()

"""The code before a server's first heavy import: the standard library, and little of it.

Claude Code and Codex ask a server for its tools within a second or two of starting it, so a
handshake must be answered before LanceDB, pydantic and the MCP SDK are imported. Importing `typing`
alone takes 5 ms of it, hence the modules on this path set `TYPE_CHECKING = False` by themselves:
type checkers take that name for `typing.TYPE_CHECKING`, and nothing is imported.
"""

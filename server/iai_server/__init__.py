"""The process around the memory: MCP server, refresher, command line."""

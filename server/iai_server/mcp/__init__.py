"""The MCP surface: tools, resources, prompts, and the streams they are spoken over."""

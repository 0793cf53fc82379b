"""The memory as a library, without MCP: `.venv/bin/python examples/library.py`."""

from __future__ import annotations

import tempfile

from iai_memory import Memory


def main() -> None:
    """Stores two facts, asks, replaces one and looks back, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="iai-memory-") as folder:
        memory = Memory(store=folder)
        memory.ingest(
            [
                {"text": "The staging database listens on port 5433.", "tags": ["staging"]},
                {"text": "Marta's honey shop opens on 20 November.", "project": "honey-shop"},
            ]
        )

        [port] = memory.recall("which port is staging on?", limit=1).hits
        print(port.text, f"({port.reason})")

        memory.supersede(port.id, "The staging database listens on port 5544.")
        [now] = memory.recall("which port is staging on?", limit=1).hits
        print("now:", now.text)

        both = memory.recall("which port is staging on?", tags=["staging"], include_superseded=True)
        print("ever:", *sorted(hit.text for hit in both.hits), sep="\n  ")

        print(memory.session_start().payload, end="")


if __name__ == "__main__":
    main()

"""Stand-ins for the model APIs that the real hosts talk to: loopback, scripted, in this process."""

from __future__ import annotations

import itertools
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Say:
    """The model answers with a text; `tokens` is how long it says the conversation was."""

    text: str
    tokens: int = 10


@dataclass(frozen=True)
class Call:
    """The model calls a tool."""

    tool: str
    arguments: dict[str, Any]
    namespace: str | None = None
    tokens: int = 10


Turn = Say | Call


@dataclass
class ModelStub(ABC):
    """A model that says what it was told to, and remembers what it was asked.

    Attributes:
        turns: What it does next, one a request; after the last it says "ok".
        asked: The bodies of the requests that were for the model, in their order.
        before_answer: Called with the number of the request, from 1, before it is answered.
    """

    turns: list[Turn] = field(default_factory=list[Turn])
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    before_answer: Callable[[int], None] = lambda number: None

    def __enter__(self) -> Self:
        """Begins to listen on a free port of the loopback interface."""
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(size) or b"{}")
                events = stub.answer(self.path.partition("?")[0], body)
                if events is None:
                    _send(self, 404, b"{}", "application/json")
                elif isinstance(events, dict):
                    _send(self, 200, json.dumps(events).encode(), "application/json")
                else:
                    lines = [f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events]
                    _send(self, 200, "".join(lines).encode(), "text/event-stream")

            def do_GET(self) -> None:
                _send(self, 200, b'{"data": [], "models": []}', "application/json")

            def do_HEAD(self) -> None:
                _send(self, 200, b"", "application/json")

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="model-stub")
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def seen(self, request: int = -1) -> str:
        """Everything that a request, by default the last, put before the model, as one text."""
        return texts(self.asked[request])

    @abstractmethod
    def answer(
        self, path: str, body: dict[str, Any]
    ) -> list[dict[str, Any]] | dict[str, Any] | None:
        """The answer to one request: events, one object, or None for what it does not know."""

    def _next(self, body: dict[str, Any]) -> tuple[Turn, int]:
        with self._lock:
            self.asked.append(body)
            number = next(self._ids)
            self.before_answer(number)
            return self.turns.pop(0) if self.turns else Say("ok"), number


class MessagesStub(ModelStub):
    """What Claude Code talks to."""

    def answer(
        self, path: str, body: dict[str, Any]
    ) -> list[dict[str, Any]] | dict[str, Any] | None:
        """Messages, streamed or whole; requests without tools are the host's own errands."""
        if path.endswith("/count_tokens"):
            return {"input_tokens": 10}
        if not path.endswith("/messages"):
            return None
        turn, number = self._next(body) if body.get("tools") else (Say("ok"), 0)
        if isinstance(turn, Call):
            block: dict[str, Any] = {
                "type": "tool_use",
                "id": f"toolu_{number}",
                "name": turn.tool,
                "input": {},
            }
            delta = {"type": "input_json_delta", "partial_json": json.dumps(turn.arguments)}
            whole = {**block, "input": turn.arguments}
        else:
            block = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": turn.text}
            whole = {"type": "text", "text": turn.text}
        reason = "tool_use" if isinstance(turn, Call) else "end_turn"
        message: dict[str, Any] = {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "model": body.get("model"),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": turn.tokens, "output_tokens": 5},
        }
        if not body.get("stream"):
            return {**message, "content": [whole], "stop_reason": reason}
        return [
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": reason, "stop_sequence": None},
                "usage": {"output_tokens": 5},
            },
            {"type": "message_stop"},
        ]


class ResponsesStub(ModelStub):
    """What Codex talks to."""

    def answer(
        self, path: str, body: dict[str, Any]
    ) -> list[dict[str, Any]] | dict[str, Any] | None:
        """A streamed response."""
        if not path.endswith("/responses"):
            return None
        turn, number = self._next(body)
        if isinstance(turn, Call):
            item: dict[str, Any] = {
                "type": "function_call",
                "id": f"fc_{number}",
                "call_id": f"call_{number}",
                "name": turn.tool,
                "arguments": json.dumps(turn.arguments),
                **({} if turn.namespace is None else {"namespace": turn.namespace}),
            }
        else:
            item = {
                "type": "message",
                "id": f"msg_{number}",
                "role": "assistant",
                "content": [{"type": "output_text", "text": turn.text, "annotations": []}],
            }
        usage = {
            "input_tokens": turn.tokens,
            "output_tokens": 5,
            "total_tokens": turn.tokens + 5,
        }
        response = {"id": f"resp_{number}", "object": "response", "model": body.get("model")}
        done = {**response, "status": "completed", "output": [item], "usage": usage}
        return [
            {"type": "response.created", "response": {**response, "status": "in_progress"}},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": done},
        ]


def texts(value: Any) -> str:
    """Every string of a JSON value, a line each."""
    return "\n".join(_strings(value))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _strings(member)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _send(handler: BaseHTTPRequestHandler, status: int, content: bytes, kind: str) -> None:
    handler.send_response(status)
    handler.send_header("content-type", kind)
    handler.send_header("content-length", str(len(content)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(content)

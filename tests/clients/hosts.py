"""Claude Code and Codex, each with the words that make it do the same thing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .model_stub import Call, MessagesStub, ModelStub, ResponsesStub, Say
from .place import Place, Ran

_PROVIDER = (
    'model_providers.stub={{name="stub",base_url="{url}/v1",wire_api="responses",'
    'env_key="STUB_KEY",request_max_retries=0,stream_max_retries=0}}'
)
FACT = "The staging database listens on port 5544."
QUESTION = "Which port is staging on?"
ANSWER = "It is that one."
TRUSTING = ("--dangerously-bypass-hook-trust",)


class HostUnderTest(Protocol):
    """What the tests ask of a host."""

    @property
    def name(self) -> str:
        """What `iai-mcp connect` calls it."""
        ...

    def stub(self) -> ModelStub:
        """A model for it."""
        ...

    def call(self, tool: str, arguments: dict[str, Any]) -> Call:
        """The model's call of one of our tools."""
        ...

    def start(self, place: Place, stub: ModelStub, prompt: str) -> Ran:
        """A new session of one prompt."""
        ...

    def resume(self, place: Place, stub: ModelStub, prompt: str) -> Ran:
        """One more prompt in the last session."""
        ...

    def compact_and_resume(self, place: Place, stub: ModelStub, prompt: str) -> Ran:
        """One more prompt in the last session, which is compacted before."""
        ...

    def hooks_file(self, place: Place) -> Path:
        """Where its hooks stand."""
        ...


@dataclass(frozen=True)
class ClaudeCode:
    """Claude Code."""

    name: str = "claude-code"
    options: tuple[str, ...] = ()
    server: str = "iai-mcp"

    def stub(self) -> ModelStub:
        """The Messages API."""
        return MessagesStub()

    def call(self, tool: str, arguments: dict[str, Any]) -> Call:
        """By its whole name."""
        return Call(f"mcp__{self.server}__{tool}", arguments)

    def start(self, place: Place, stub: ModelStub, prompt: str) -> Ran:
        """In print mode."""
        allowed = ("--allowedTools", f"mcp__{self.server}__recall")
        return self._print(place, stub, prompt, *allowed)

    def resume(self, place: Place, stub: ModelStub, prompt: str) -> Ran:
        """The newest session of the folder."""
        return self._print(place, stub, prompt, "--continue")

    def compact_and_resume(self, place: Place, stub: ModelStub, prompt: str) -> Ran:
        """A session that only compacts, and the one that goes on after it."""
        compacted = self.resume(place, stub, "/compact keep the ports")
        assert compacted.code == 0, compacted
        return self.resume(place, stub, prompt)

    def hooks_file(self, place: Place) -> Path:
        """The user's settings."""
        return place.home / ".claude" / "settings.json"

    def _print(self, place: Place, stub: ModelStub, prompt: str, *words: str) -> Ran:
        # By stdin, since an argument has at most 128 KiB.
        command = ("claude", "-p", *words, *self.options)
        return place.run(*command, stdin=prompt, ANTHROPIC_BASE_URL=stub.url)


@dataclass(frozen=True)
class Codex:
    """Codex; without its options it would skip hooks that nobody trusted."""

    name: str = "codex"
    options: tuple[str, ...] = TRUSTING

    def stub(self) -> ModelStub:
        """The Responses API."""
        return ResponsesStub()

    def call(self, tool: str, arguments: dict[str, Any]) -> Call:
        """By its name in the server's name space."""
        return Call(tool, arguments, "mcp__iai_mcp")

    def start(self, place: Place, stub: ModelStub, prompt: str) -> Ran:
        """Not interactive."""
        return self._exec(place, stub, [], [], prompt)

    def resume(self, place: Place, stub: ModelStub, prompt: str) -> Ran:
        """The newest session of the folder."""
        return self._exec(place, stub, ["resume", "--last"], [], prompt)

    def compact_and_resume(self, place: Place, stub: ModelStub, prompt: str) -> Ran:
        """With a limit that the conversation is over already."""
        limit = ["model_auto_compact_token_limit=1"]
        return self._exec(place, stub, ["resume", "--last"], limit, prompt)

    def hooks_file(self, place: Place) -> Path:
        """Beside its configuration."""
        return place.home / ".codex" / "hooks.json"

    def _exec(
        self, place: Place, stub: ModelStub, words: Sequence[str], more: Sequence[str], prompt: str
    ) -> Ran:
        settings = (
            "model_provider=stub",
            "model=stub-model",
            _PROVIDER.format(url=stub.url),
            "check_for_update_on_startup=false",
            "analytics.enabled=false",
            # Where no server of ours is configured this would configure half of one.
            *(["mcp_servers.iai-mcp.required=true"] if self._is_connected(place) else []),
            *more,
        )
        command = ["codex", "exec", *words, "--json", "--skip-git-repo-check"]
        command += [word for setting in settings for word in ("-c", setting)]
        return place.run(*command, *self.options, "-", stdin=prompt)

    def _is_connected(self, place: Place) -> bool:
        config = place.home / ".codex" / "config.toml"
        return config.is_file() and "iai-mcp" in config.read_text(encoding="utf-8")


def only_at(host: HostUnderTest, place: Place, source: str) -> None:
    """Narrows the SessionStart hook to one source, as a user might."""
    file = host.hooks_file(place)
    settings = json.loads(file.read_text(encoding="utf-8"))
    for group in settings["hooks"]["SessionStart"]:
        group["matcher"] = source
    file.write_text(json.dumps(settings), encoding="utf-8")


def use_in_a_session(place: Place, host: HostUnderTest) -> None:
    """One session that gets the page, calls recall and is captured; its turns are drained."""
    place.ingest(FACT)
    with host.stub() as model:
        model.turns = [host.call("recall", {"query": QUESTION}), Say(ANSWER)]
        ran = host.start(place, model, QUESTION)

    assert ran.code == 0, ran
    assert model.seen(0).count(FACT) == 1
    assert model.seen().count(FACT) >= 2
    place.drain()

"""A server is ready for a prompt before one comes, where hosts ask at prompts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.support.checkout import HOOKS
from tests.support.pages import ring, until
from tests.support.talking import WAIT_SEC, child_environment

from iai_memory import Memory, Settings, load_settings
from iai_memory.base.paths import StorePaths
from iai_memory.base.prompt_log import PromptLog
from iai_server.serving.lifecycle import Lifecycle, State
from iai_server.serving.readiness import Readiness
from iai_server.serving.refresher import Refresher
from iai_server.serving.rendezvous import Rendezvous
from iai_server.serving.runtime import Runtime

FACT = "The staging database of the weather station listens on port 5544."
QUESTION = "which port does the staging database of the weather station listen on?"


@pytest.fixture
def settings(tmp_path: Path, model_folder: Path) -> Settings:
    """Of a store with a fact, at whose prompts nobody was asked yet."""
    made = load_settings(store=tmp_path / "store", model=model_folder)
    Memory(settings=made).ingest(FACT)
    return made


def served(settings: Settings, **chosen: float) -> Runtime:
    runtime = Runtime(settings.model_copy(update=chosen), settings.store.parent)
    runtime.start()
    return runtime


def drowsy_until_touched() -> Lifecycle:
    now = iter((0.0, 400.0))
    lifecycle = Lifecycle(300, 1_800, clock=lambda: next(now, 400.0))
    assert lifecycle.state is State.DROWSY
    return lifecycle


def begin_session(settings: Settings) -> None:
    environment = child_environment(settings.store, None)
    hook = [HOOKS / "iai-mcp-session-recall.sh"]
    subprocess.run(hook, input=b"{}", check=True, cwd=settings.store.parent, env=environment)


def test_nothing_is_loaded_ahead_where_no_prompt_is_expected_of_this_server(
    settings: Settings,
) -> None:
    runtime = served(settings)
    readiness = Readiness(runtime)
    readiness.keep(alone=True)
    assert not runtime.memory().is_warm  # no host asks at prompts

    PromptLog(StorePaths(settings.store)).write("unanswered nobody")
    readiness.keep(alone=False)
    assert not runtime.memory().is_warm  # another server waits
    drowsy = served(settings, drowsy_after_sec=0)
    Readiness(drowsy).keep(alone=True)
    assert not drowsy.memory().is_warm

    readiness.keep(alone=True)
    assert runtime.memory().is_warm


@pytest.mark.parametrize("alone", [True, False])
def test_a_server_loads_the_model_where_a_session_begins_and_hosts_ask_at_prompts(
    settings: Settings, alone: bool
) -> None:
    paths = StorePaths(settings.store)
    PromptLog(paths).write("unanswered nobody")
    runtime = served(settings)
    if not alone:
        runtime.lifecycle = drowsy_until_touched()
        paths.run.mkdir(mode=0o700)
        (paths.run / f"server-{os.getppid()}").touch()
    rendezvous = Rendezvous(runtime)
    rendezvous.start()
    try:
        until("the server", (paths.run / f"server-{os.getpid()}").exists)
        if not alone:
            begin_session(settings)
        until("the model", lambda: runtime.memory().is_warm)
    finally:
        rendezvous.stop()
    assert runtime.lifecycle.state is State.WAKE


def test_a_turn_that_was_captured_keeps_the_server_awake_where_hosts_ask_at_prompts(
    settings: Settings,
) -> None:
    PromptLog(StorePaths(settings.store)).write("unanswered nobody")
    runtime = served(settings.model_copy(update={"model": None}))
    runtime.lifecycle = drowsy_until_touched()
    ring(runtime.memory(), "We moved the staging database.")
    refresher = Refresher(runtime)
    refresher.start()
    try:
        until("the turn", lambda: runtime.lifecycle.state is State.WAKE)
    finally:
        assert refresher.stop(WAIT_SEC)


def test_no_prompt_waits_for_the_table_to_be_copied(settings: Settings) -> None:
    memory = served(settings).memory()
    memory.warm()
    memory.prepare_next()
    assert not memory.store.latest.is_in_memory  # nobody searched for anything

    asked = memory.prompt_recall(QUESTION, session_id=None, cwd=None, host="")
    assert (asked.reason, memory.store.latest.is_in_memory) == ("answers", False)
    memory.prepare_next()
    assert memory.store.latest.is_in_memory

"""Two statements that say the opposite of one another: both are shown, side by side."""

from __future__ import annotations

from typing import Any

import pytest

from iai_memory import Memory
from iai_memory.recall.calibration import MIN_HIT_IN_SESSIONS
from iai_memory.results import Hit

OPPOSITES = (
    (
        "may I deploy on Friday?",
        "Deploying on Fridays is fine, the pipeline takes ten minutes.",
        "Do not deploy on Fridays.",
    ),
    (
        "should the tests use the real database?",
        "The tests use the real database, so that migrations are covered.",
        "No, the tests must never touch the real database.",
    ),
    (
        "can I push to main directly?",
        "Small fixes may be pushed to main directly.",
        "Never push to main directly, open a pull request.",
    ),
    (
        "is the cache enabled in production?",
        "The cache is enabled in production.",
        "The cache is disabled in production since the outage.",
    ),
    (
        "darf ich freitags deployen?",
        "Freitags darf deployt werden, die Pipeline braucht zehn Minuten.",
        "Bitte nicht freitags deployen.",
    ),
    (
        "sollen wir die Logs komprimieren?",
        "Die Logs werden ab jetzt komprimiert.",
        "Nein, die Logs nicht komprimieren, grep muss sie lesen können.",
    ),
    (
        "¿puedo desplegar el viernes?",
        "El viernes se puede desplegar sin problema.",
        "No despliegues los viernes.",
    ),
    (
        "peut-on fusionner sans relecture ?",
        "On peut fusionner sans relecture les petites corrections.",
        "Ne fusionne jamais sans relecture.",
    ),
)
WORK = (
    ("Why does the importer retry three times?", "The mirror answers 503 at times."),
    ("Rename the button on the settings page", "The button is called Apply now."),
    ("bump the linter", "The linter is new and two warnings are fixed."),
    ("What does the deploy script print at its end?", "It prints the version and the time."),
    ("Let's review the plan for Friday's demo", "The demo shows the importer."),
    ("the database tests are slow", "They take 40 seconds, each creates a schema."),
    ("Welche Schriftart nehmen wir?", "Source Serif, weil sie schmale Ziffern hat."),
    ("¿qué puerto usa el panel?", "El panel escucha en el puerto 8123."),
    ("où sont les traductions ?", "Elles sont dans le dossier locale."),
)


def said(sessions: bool) -> list[dict[str, Any]]:
    """Return all statements among other work, each in a session of its own, or as notes."""
    talks = [
        (f"{user} ({n})", f"{answer} Step {n} is done.") for n in range(3) for user, answer in WORK
    ]
    for _, one, other in OPPOSITES:
        talks += [("and what is our rule here?", one), (other, "Understood, I will keep to that.")]
    memories: list[dict[str, Any]] = []
    for number, talk in enumerate(talks):
        for role, text in zip(("user", "assistant"), talk, strict=True):
            at = f"2026-05-08T{number // 60:02}:{number % 60:02}:{len(memories) % 2:02}Z"
            turn = {"role": role, "host": "claude-code", "session_id": f"s{number}"}
            memories.append(
                {"text": text, "created_at": at}
                | (turn | {"turn_id": f"t{len(memories)}"} if sessions else {"role": "note"})
            )
    return memories


@pytest.fixture(scope="module", params=[True, False], ids=["sessions", "notes"])
def talk(request: Any, tmp_path_factory: pytest.TempPathFactory, model_folder: Any) -> Memory:
    from iai_memory import load_settings

    settings = load_settings(store=tmp_path_factory.mktemp("said") / "store", model=model_folder)
    memory = Memory(settings=settings, on_commit=lambda: None)
    memory.ingest(said(request.param))
    return memory


@pytest.mark.parametrize(("question", "one", "other"), OPPOSITES)
def test_what_says_the_opposite_is_shown_beside_the_answer(
    talk: Memory, question: str, one: str, other: str
) -> None:
    hits = talk.recall(question).hits
    assert {one, other} <= {text for hit in hits[:2] for text in shown(hit)}
    if hits[0].turns:  # among sessions a hit may be cut; neither of these two is near to it
        assert all((hit.confidence or 0) > 2 * MIN_HIT_IN_SESSIONS for hit in hits[:2])


def shown(hit: Hit) -> set[str]:
    return {hit.text, *(turn.text for turn in hit.turns)}

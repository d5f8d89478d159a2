"""`talkwire scenarios …` as it is typed. A command's work is imported when it is called."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

scenarios = typer.Typer(no_args_is_help=True)

Config = Annotated[Path | None, typer.Option(help="A YAML file; ./config.yaml if there is one.")]
Category = Annotated[str | None, typer.Option(help="Only of this category, or a part of its name.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@scenarios.callback()
def lenient() -> None:
    """The catalogue of support scenarios: check, show, try and measure it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # some terminals know no Chinese
            stream.reconfigure(errors="replace")


@scenarios.command("check")
def check(
    path: Annotated[
        Path | None, typer.Argument(help="A catalogue, or its folder; the configured one if none.")
    ] = None,
    config: Config = None,
) -> None:
    """Tell all that is wrong with a catalogue, or what is in it."""
    from talkwire.cli import scenarios as command

    raise typer.Exit(command.check_file(path, config))


@scenarios.command("list")
def show_all(category: Category = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show all scenarios."""
    from talkwire.cli import scenarios as command

    raise typer.Exit(command.show_all(category, config, as_json=as_json))


@scenarios.command("show")
def show_one(
    name: Annotated[str, typer.Argument(help="A subcategory, or a title in either language.")],
    category: Category = None,
    config: Config = None,
) -> None:
    """Show one scenario: its utterances, its flow, its slots and its SOPs."""
    from talkwire.cli import scenarios as command

    raise typer.Exit(command.show_one(name, category, config))


@scenarios.command("try")
def try_text(
    text: Annotated[str, typer.Argument(help="What a customer writes.")],
    after: Annotated[str, typer.Option(help="What the customer wrote before.")] = "",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Tell which scenario a message would lead to without a model, and why."""
    from talkwire.cli import scenarios_tried as command

    raise typer.Exit(command.run(text, after, config, as_json=as_json))


@scenarios.command("evaluate")
def evaluate(
    labelled: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PATH.csv]", help="Labelled texts; labelled.csv beside the catalogue if none."
        ),
    ] = None,
    split: Annotated[
        Literal["test", "calibration", "all"], typer.Option(help="Which of them.")
    ] = "test",
    config: Config = None,
    as_json: AsJson = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the confidence here (.png, .svg or .pdf).")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the sample's figures to docs/scenarios.md.")
    ] = False,
    learn: Annotated[
        bool, typer.Option("--learn", help="First fit the weights anew to the calibration split.")
    ] = False,
    weights: Annotated[
        Path | None, typer.Option(help="Other weights than the package's; --learn writes them.")
    ] = None,
) -> None:
    """Measure how well labelled messages are found, and whether the confidence is true."""
    from talkwire.cli import scenarios_evaluate as command

    asked = command.Asked(labelled, split, config, as_json, plot, write, learn, weights)
    raise typer.Exit(command.run(asked))


@scenarios.command("import")
def make(
    source: Annotated[
        Path,
        typer.Argument(help="A .csv with a row for each scenario, or a .json of GET /scenarios."),
    ],
    sops: Annotated[
        Path | None,
        typer.Option(help="Where the SOP files are; the folder sops beside the source if none."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The catalogue to write.")] = Path("catalogue.json"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
) -> None:
    """Make a catalogue from a table, or from what another server lists."""
    from talkwire.cli import scenarios_import as command

    raise typer.Exit(command.run(command.Asked(source, sops, out, force, dry_run)))

"""The command `talkwire`. A command's work is imported when it is called: all start fast."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from talkwire import __version__
from talkwire.cli.route_commands import route
from talkwire.cli.scenarios_commands import scenarios

app = typer.Typer(
    name="talkwire",
    help="A streaming chat backend that speaks every client's wire dialect.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

keys = typer.Typer(help="Who may ask: make, list and revoke API keys.", no_args_is_help=True)
app.add_typer(keys, name="keys")
db = typer.Typer(help="The database's schema: bring it up to date.", no_args_is_help=True)
app.add_typer(db, name="db")
tools = typer.Typer(help="The tools that models may call: list and try them.", no_args_is_help=True)
app.add_typer(tools, name="tools")
app.add_typer(scenarios, name="scenarios")
app.add_typer(route, name="route")

Url = Annotated[str | None, typer.Option(help="Where the server is, if not on this machine.")]
Config = Annotated[Path | None, typer.Option(help="A YAML file; ./config.yaml if there is one.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(help="A file that holds the key to show; else the variable TALKWIRE_API_KEY."),
]
DataDir = Annotated[Path | None, typer.Option(help="The folder where everything is stored.")]
Tokens = Annotated[
    int | None, typer.Option(metavar="TOKENS", help="How many may be used so long, in and out.")
]
Amount = Annotated[
    float | None, typer.Option(metavar="AMOUNT", help="What that may cost, in the prices' unit.")
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"talkwire {__version__}")
        raise typer.Exit


@app.callback()
def talkwire(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """A streaming chat backend that speaks every client's wire dialect."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on.")] = None,
    config: Config = None,
    data_dir: DataDir = None,
    open_: Annotated[
        bool, typer.Option("--open", help="Let everyone who reaches the address use it.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(help="How many processes; more than one needs PostgreSQL.")
    ] = None,
) -> None:
    """Serve all wires."""
    from talkwire.cli import serve as command

    options = {"host": host, "port": port, "data_dir": data_dir, "workers": workers}
    raise typer.Exit(command.run(config, {**options, "open": open_ or None}))


@app.command()
def chat(
    message: Annotated[str | None, typer.Argument(help="Ask this alone, and leave.")] = None,
    url: Url = None,
    session: Annotated[str | None, typer.Option(help="Carry a conversation on.")] = None,
    model: Annotated[str | None, typer.Option(help="The model to ask.")] = None,
    prompt: Annotated[str | None, typer.Option(help="The system prompt's name.")] = None,
    wire: Annotated[
        str, typer.Option(help="native, or tool-chat: shows tools at work and asks before some.")
    ] = "native",
    key_file: KeyFile = None,
) -> None:
    """Talk in the terminal."""
    from talkwire.cli import chat as command

    asked = {"session_id": session, "model": model, "prompt": prompt}
    raise typer.Exit(command.run(url, message, asked, wire=wire, key_file=key_file))


@app.command()
def doctor(
    url: Annotated[
        str | None,
        typer.Option(help="Also check the stream through this address (asks one short question)."),
    ] = None,
    key_file: KeyFile = None,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Tell what is in force, from where, and whether each part answers."""
    from talkwire.cli import doctor as command

    raise typer.Exit(command.run(url, config, key_file, data_dir=data_dir, as_json=as_json))


@app.command()
def replay(
    turn: Annotated[str, typer.Argument(metavar="TURN_ID|FILE", help="A turn, or its export.")],
    url: Url = None,
    key_file: KeyFile = None,
    data_dir: DataDir = None,
    export: Annotated[
        Path | None, typer.Option(help="Write the events here, for the scripted model to play.")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0, help="2 is twice as fast; 0 is without waiting.")
    ] = 1.0,
) -> None:
    """Play a recorded turn back with its timing, or export it."""
    from talkwire.cli import replay as command

    status = command.run(
        turn, url, data_dir=data_dir, export=export, speed=speed, key_file=key_file
    )
    raise typer.Exit(status)


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Option(help="What it is for, in your own words.")] = "",
    user: Annotated[
        str | None, typer.Option(help="Whose sessions it opens; without, sessions of its own.")
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="Let it do everything.")] = False,
    scopes: Annotated[
        str | None,
        typer.Option(help="With commas; chat,sessions:read,sessions:write if not given."),
    ] = None,
    expires: Annotated[str | None, typer.Option(help="30d, 12h, or a date (2030-01-31).")] = None,
    rpm: Annotated[int | None, typer.Option(help="Requests a minute.")] = None,
    tpm: Annotated[int | None, typer.Option(help="Tokens a minute.")] = None,
    budget_day: Tokens = None,
    budget_month: Tokens = None,
    budget_total: Tokens = None,
    cost_day: Amount = None,
    cost_month: Amount = None,
    cost_total: Amount = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Make a key. It is printed once, alone on the last line."""
    from talkwire.canon.budgets import Budget
    from talkwire.cli import keys as command

    budget = Budget(budget_day, budget_month, budget_total, cost_day, cost_month, cost_total)
    asked = command.Asked(name, user, admin, scopes, expires, rpm, tpm, budget)
    raise typer.Exit(command.create(asked, config, data_dir))


@keys.command("list")
def list_keys(
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show all keys, without their secrets."""
    from talkwire.cli import keys as command

    raise typer.Exit(command.show(config, data_dir, as_json=as_json))


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As in `talkwire keys list`.")],
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Let a key open nothing from now on."""
    from talkwire.cli import keys as command

    raise typer.Exit(command.revoke(key_id, config, data_dir))


@db.command("upgrade")
def upgrade_db(config: Config = None, data_dir: DataDir = None) -> None:
    """Bring the schema up to date; servers may be running."""
    from talkwire.cli import db as command

    raise typer.Exit(command.upgrade(config, data_dir))


@db.command("current")
def current_db(config: Config = None, data_dir: DataDir = None) -> None:
    """Tell the schema's revision, and whether it is the one that is needed."""
    from talkwire.cli import db as command

    raise typer.Exit(command.current(config, data_dir))


@tools.command("list")
def list_tools(
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs, with schemas.")] = False,
) -> None:
    """Show all tools, and the servers they run on."""
    from talkwire.cli import tools as command

    raise typer.Exit(command.show(config, as_json=as_json))


@tools.command("call")
def call_tool(
    name: Annotated[str, typer.Argument(help="As in `talkwire tools list`.")],
    arguments: Annotated[str, typer.Argument(metavar="JSON", help="- reads stdin.")] = "{}",
    timeout: Annotated[
        float | None, typer.Option(min=0.001, help="Seconds; the tool's own if not given.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Agree to a call that asks first.")] = False,
    config: Config = None,
) -> None:
    """Call a tool. What it says goes to stderr while it comes, its result to stdout."""
    from talkwire.cli import tools as command

    asked = command.Asked(name, arguments, timeout, yes)
    raise typer.Exit(command.call(asked, config))

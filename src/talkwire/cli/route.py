"""`talkwire route`: which model a message gets, explained and measured without a server."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from talkwire.cli.client import plain
from talkwire.cli.scenarios import print_json
from talkwire.cli.serve import REFUSED, settings_of
from talkwire.cli.words import say
from talkwire.cli.words_routing import term
from talkwire.routing import COLUMNS, BadTable, Explained, NoSuchType, Share
from talkwire.routing import evaluate as measured
from talkwire.routing import explain as explained
from talkwire.routing import read as read_table
from talkwire.settings import language

TABLE = Path("tests/engine/routing.csv")
PAGE = Path("docs/routing.md")
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"


def explain(text: str, session_type: str | None, config: Path | None, *, as_json: bool) -> int:
    """Print the decision on a message, and all that was weighed. The exit status."""
    loaded = settings_of(config, {})
    if loaded is None:
        return REFUSED
    try:
        found = explained(loaded.settings, text, session_type=session_type)
    except NoSuchType as error:
        names = plain(", ".join(error.known))
        return _refused(say("route_no_type", name=plain(session_type or ""), names=names))
    except ValueError as error:
        return _refused(f"{say('bad_settings')}\n  {error}")
    if as_json:
        print_json(_for_programs(found))
    else:
        _show(found)
    return 0


def evaluate(path: Path | None, config: Path | None, *, write: bool) -> int:
    """Print how many messages of a table get their model. The exit status."""
    loaded = settings_of(config, {})
    if loaded is None:
        return REFUSED
    if path is None and not TABLE.is_file():
        return _refused(say("route_no_table", path=TABLE, columns=", ".join(COLUMNS)))
    try:
        shares = measured(loaded.settings, read_table(path or TABLE))
    except BadTable as error:
        return _refused(say("route_bad_table", reason=plain(str(error))))
    _show_shares(shares)
    if not write:
        return 0
    if not put(PAGE, figures(shares)):
        return _refused(say("route_no_marks", path=PAGE, begin=BEGIN, end=END))
    print(say("route_written", path=PAGE))
    return 0


def figures(shares: Sequence[Share]) -> str:
    """The shares as a table in Markdown: a column for each split, a row for each group."""
    splits = list(dict.fromkeys(each.split for each in shares))
    groups = sorted(
        {(each.by, each.name) for each in shares},
        key=lambda group: (("", "language", "kind").index(group[0]), group[1]),
    )
    cells = {(each.split, each.by, each.name): _share(each) for each in shares}
    lines = [f"| | {' | '.join(splits)} |", f"| --- |{' --- |' * len(splits)}"]
    for by, name in groups:
        row = [cells.get((split, by, name), "–") for split in splits]
        lines.append(f"| {' '.join((by, name)).strip() or 'all'} | {' | '.join(row)} |")
    return "\n".join(lines)


def put(page: Path, text: str) -> bool:
    """Put the text between a page's markers; False where it has none, or is not there."""
    if not page.is_file():
        return False
    before, begin, rest = page.read_text("utf-8").partition(f"{BEGIN}\n")
    _, end, after = rest.partition(f"{END}\n")
    if begin and end:
        page.write_text(f"{before}{begin}{text}\n{end}{after}", "utf-8")
    return bool(begin and end)


def _share(each: Share) -> str:
    return f"{each.right / each.count:.1%} of {each.count}".replace("%", " %")


def _refused(told: str) -> int:
    print(told, file=sys.stderr)
    return REFUSED


def _for_programs(found: Explained) -> dict[str, Any]:
    return {
        "model": found.model,
        "model_type": found.model_type,
        "need": round(found.need, 4),
        "terms": [{"what": each.what, "weight": round(each.weight, 4)} for each in found.terms],
        "candidates": [
            {
                "name": each.name,
                "model_type": each.model_type,
                "score": each.score,
                "message": round(each.message, 4),
                "own": [{"what": own.what, "weight": round(own.weight, 4)} for own in each.own],
            }
            for each in found.candidates
        ],
    }


def _show(found: Explained) -> None:
    console = Console(highlight=False)
    told = say("route_answers", model=plain(found.model), kind=plain(found.model_type))
    console.print(f"[bold]{escape(told)}[/]")
    console.print()
    console.print(say("route_need", need=found.need))
    for each in found.terms:
        console.print(f"  {each.weight:+6.2f}  {escape(term(each.what, language()))}")
    total = sum(each.weight for each in found.terms)
    console.print(f"  {total:+6.2f}  {say('route_sum')}")
    console.print()
    table = Table()
    for name in ("model", "type"):
        table.add_column(say(f"route_{name}"), overflow="fold")
    for name in ("score", "message"):
        table.add_column(say(f"route_{name}"), justify="right", no_wrap=True)
    table.add_column(say("route_own"), overflow="fold")
    for candidate in found.candidates:
        own = (f"{own.weight:+.2f} {term(own.what, language())}" for own in candidate.own)
        numbers = (f"{candidate.score:+.2f}", f"{candidate.message:+.2f}")
        named = (escape(plain(candidate.name)), escape(plain(candidate.model_type)))
        table.add_row(*named, *numbers, escape("\n".join(own)))
    console.print(table)
    console.print(say("route_half"))


def _show_shares(shares: Sequence[Share]) -> None:
    table = Table()
    for name in ("split", "group"):
        table.add_column(say(f"route_{name}"), overflow="fold")
    for name in ("count", "right", "share"):
        table.add_column(say(f"route_{name}"), justify="right", no_wrap=True)
    split = ""
    for each in shares:
        if each.split != split and split:
            table.add_section()
        split = each.split
        of = say(f"route_{each.by}", name=each.name) if each.by else say("route_all")
        share = f"{each.right / each.count:.1%}"
        named = (escape(plain(each.split)), escape(plain(of)))
        table.add_row(*named, str(each.count), str(each.right), share)
    Console(highlight=False).print(table)

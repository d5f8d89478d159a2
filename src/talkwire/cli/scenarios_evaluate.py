"""`talkwire scenarios evaluate`: how well messages are found, by texts that were labelled."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from talkwire.catalogues import Catalogue, Measuring, NeedsExtra, Split, Unusable, bundled
from talkwire.cli import scenarios_page, scenarios_plot
from talkwire.cli.client import plain
from talkwire.cli.scenarios import Refusal, print_json, refused, usable, where
from talkwire.cli.scenarios_figures import Section, sections
from talkwire.cli.words import say

if TYPE_CHECKING:
    from talkwire.catalogues import Evaluation

_LABELLED = "labelled.csv"


class Asked(NamedTuple):
    """An evaluation as it was typed. `labelled` None are the texts beside the catalogue."""

    labelled: Path | None = None
    split: Split = "test"
    config: Path | None = None
    as_json: bool = False
    plot: Path | None = None
    write: bool = False
    learn: bool = False
    weights: Path | None = None


def run(asked: Asked) -> int:
    """Print the figures, and write what else was asked for. The exit status."""
    try:
        _evaluate(asked)
    except NeedsExtra as missing:
        name = "scikit-learn" if "scikit-learn" in str(missing) else str(missing)
        return refused(Refusal(say("needs_extra", name=name)))
    except Refusal as refusal:
        return refused(refusal)
    return 0


def _evaluate(asked: Asked) -> None:
    _refuse_nonsense(asked)
    around = scenarios_page.page() if asked.write else None
    if asked.write or asked.plot is not None:
        scenarios_plot.figure()  # what is not installed is told before the work
    path = bundled() if asked.write else where(None, asked.config)
    catalogue = usable(path)
    labelled = asked.labelled or path.parent / _LABELLED
    if asked.labelled is None and not labelled.exists():
        raise Refusal(say("no_labelled", path=path))
    try:
        found = _measured(catalogue, labelled, asked)
    except NeedsExtra:
        raise
    except Unusable as error:
        raise Refusal(say("bad_labelled", path=path, reason=plain(str(error)))) from None
    scenarios = len(catalogue.scenarios)
    if asked.plot is not None:
        _draw(found, asked.plot)
    if around is not None:
        figures = scenarios_page.markdown(found, scenarios)
        text = scenarios_page.with_figures(around, figures)
        _written(scenarios_page.PAGE, lambda path: path.write_text(text, "utf-8"))
        _draw(found, scenarios_page.PICTURE)
    _print(found, catalogue, scenarios, as_json=asked.as_json)


def _refuse_nonsense(asked: Asked) -> None:
    if asked.learn and asked.weights is None:
        raise Refusal(say("learn_where"))
    other = asked.labelled is not None or asked.split != "test" or asked.weights is not None
    if asked.write and other:
        raise Refusal(say("write_what"))


def _measured(catalogue: Catalogue, labelled: Path, asked: Asked) -> Evaluation:
    weights = None if asked.learn else asked.weights
    with _telling("measuring"):
        measuring = Measuring(catalogue, labelled, weights)
    if asked.learn and asked.weights is not None:
        with _telling("learning"):
            learned = measuring.learn()
        _written(asked.weights, lambda path: path.write_bytes(learned))
    with _telling("measuring"):
        return measuring.evaluate(asked.split)


@contextmanager
def _telling(word: str) -> Iterator[None]:
    """Tell what takes a while, where a person watches."""
    with Console(stderr=True).status(say(word)):
        yield


def _print(found: Evaluation, catalogue: Catalogue, scenarios: int, *, as_json: bool) -> None:
    if as_json:
        told = {"catalogue": catalogue.version, "scenarios": scenarios}
        print_json({**told, **msgspec.to_builtins(found)})
        return
    console = Console(highlight=False)
    for section in sections(found, scenarios, say):
        if not section.rows:
            continue
        console.print(f"[bold]{escape(section.title)}[/]")
        console.print(_table(section))
        if section.note:
            console.print(f"{escape(section.note)}\n", soft_wrap=True)


def _table(section: Section) -> Table:
    # Without borders there is room for all columns in 80 characters.
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for number, heading in enumerate(section.headings):
        text = number < section.texts
        short = section.texts == 1 and number == 0
        justify: Literal["left", "right"] = "left" if text else "right"
        table.add_column(escape(heading), justify=justify, overflow="fold", no_wrap=short)
    for row in section.rows:
        table.add_row(*(escape(plain(cell)) for cell in row))
    return table


def _draw(found: Evaluation, path: Path) -> None:
    _written(path, lambda path: scenarios_plot.draw(found, path))


def _written(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file and tell so. :raises Refusal: it cannot be written."""
    try:
        write(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise Refusal(say("not_written", path=path, reason=reason)) from None
    print(say("file_written", path=path), file=sys.stderr)

"""What an evaluation has found, as tables: for the terminal in its language, and for the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

if TYPE_CHECKING:
    from talkwire.catalogues import Evaluation, Figures, Share

Say = Callable[..., str]
"""Says a sentence by its key, in some language."""

_SHARES = (
    "top_1",
    "top_3",
    "out_of_scope_recall",
    "out_of_scope_precision",
    "false_out_of_scope",
    "person_recall",
    "follow_up",
    "asked",
)
_COVERAGES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)
_NOTHING = "–"


class Section(NamedTuple):
    """A table with its title and a sentence below it; `texts` columns are text, others figures."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    texts: int = 1


def sections(found: Evaluation, scenarios: int, say: Say) -> list[Section]:
    """All tables of an evaluation, in their order."""
    return [
        _figures(found, scenarios, say),
        _reliability(found, say),
        _abstention(found, say),
        _confused(found, say),
    ]


def percent(share: float) -> str:
    """A share of 0 … 1."""
    return f"{100 * share:.1f} %"


def _figures(found: Evaluation, scenarios: int, say: Say) -> Section:
    # What was called out of scope is a matter of all kinds together.
    nothing = structs.replace(found.all.out_of_scope_precision, count=0, of=0)
    kinds = {
        kind: structs.replace(figures, out_of_scope_precision=nothing)
        for kind, figures in found.by_kind.items()
    }
    parts = [(say("figure_all"), found.all), *found.by_language.items(), *kinds.items()]
    switch = found.switch
    note = say("figure_switch", of=switch.of, share=percent(switch.value)) if switch.of else ""
    return Section(
        say("figure_title", texts=found.all.texts, split=found.split, scenarios=scenarios),
        tuple(say(f"figure_{name}") for name in ("of", "texts", *_SHARES)),
        tuple((name.replace("_", " "), *_row(figures)) for name, figures in parts),
        note,
    )


def _row(figures: Figures) -> Iterator[str]:
    yield str(figures.texts)
    for name in _SHARES:
        share: Share = getattr(figures, name)
        yield f"{100 * share.value:.1f}" if share.of else _NOTHING


def _reliability(found: Evaluation, say: Say) -> Section:
    errors = found.error_equal_width, found.error_equal_count
    width, count = (f"{error:.3f}" for error in errors)
    return Section(
        say("figure_reliability"),
        tuple(say(f"figure_{name}") for name in ("bin", "texts", "mean", "right")),
        tuple(
            (
                f"{each.least:.1f}–{each.most:.1f}",
                str(each.count),
                f"{each.confidence:.2f}" if each.count else _NOTHING,
                percent(each.accuracy) if each.count else _NOTHING,
            )
            for each in found.reliability
        ),
        say("figure_errors", width=width, count=count),
    )


def _abstention(found: Evaluation, say: Say) -> Section:
    """At some coverages; where many are equally sure, the first that can be had."""
    rows = []
    for least in _COVERAGES:
        point = next((each for each in found.abstention if each.coverage >= least), None)
        if point is not None:
            row = percent(point.coverage), f"{point.confidence:.2f}", percent(point.accuracy)
            rows.append(row)
    return Section(
        say("figure_abstention"),
        tuple(say(f"figure_{name}") for name in ("coverage", "from", "right")),
        tuple(dict.fromkeys(rows)),
        texts=0,
    )


def _confused(found: Evaluation, say: Say) -> Section:
    nothing = say("figure_none")
    return Section(
        say("figure_confused"),
        tuple(say(f"figure_{name}") for name in ("labelled", "given", "count")),
        tuple((e.right or nothing, e.given or nothing, str(e.count)) for e in found.confused),
        texts=2,
    )

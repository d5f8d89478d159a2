"""`talkwire scenarios try`: where a message would lead, with no server and no model."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from talkwire.catalogues import Scenario, Tried, tried
from talkwire.cli.client import plain
from talkwire.cli.scenarios import Refusal, catalogue_of, print_json, refused
from talkwire.cli.words import say
from talkwire.settings import language

_MOST_SHOWN = 5
_BAR_CHARS = 20
_LEAST_SHOWN = 0.005


def run(text: str, after: str, config: Path | None, *, as_json: bool) -> int:
    """Print what would be decided, and of what ranking. The exit status."""
    try:
        if not text.strip():
            raise Refusal(say("try_nothing"))
        found = asyncio.run(tried(catalogue_of(config), text.strip(), after.strip()))
    except Refusal as refusal:
        return refused(refusal)
    if as_json:
        print_json({"text": text.strip(), "after": after.strip(), **decision(found)})
    else:
        _show(found, after.strip())
    return 0


def decision(found: Tried) -> dict[str, Any]:
    """What was decided, for programs."""
    scene, ranked = found.scene, found.ranked
    return {
        "move": scene.move,
        "category": scene.category,
        "subcategory": scene.subcategory,
        "confidence": scene.confidence,
        "reasons": list(scene.reasons),
        "language": scene.language,
        "slots": scene.slots,
        "related_subcategories": list(scene.related),
        "sop_references": list(scene.sop_references),
        "response": found.words,
        "sure": ranked.sure,
        "aside": ranked.aside,
        "aside_confidence": round(ranked.aside_confidence, 4),
        "candidates": [
            {
                "category": each.scenario.category,
                "subcategory": each.scenario.subcategory,
                "confidence": round(each.confidence, 4),
            }
            for each in ranked.candidates
        ],
    }


def _show(found: Tried, after: str) -> None:
    scene, ranked = found.scene, found.ranked
    if after:
        print(say("try_after", text=plain(after)))
    named = f"{scene.category} › {scene.subcategory}"
    told = say(f"try_{scene.move}", scenario=named, names=", ".join(scene.related))
    print(plain(told))
    reasons = ", ".join(scene.reasons)
    print(say("try_confidence", confidence=f"{scene.confidence:.2f}", reasons=reasons))
    if scene.slots:
        slots = ", ".join(f"{name} = {value}" for name, value in scene.slots.items())
        print(plain(say("try_known", slots=slots)))
    table = Table(title=say("try_ranking"), title_justify="left", show_header=False, box=None)
    for each in ranked.candidates[:_MOST_SHOWN]:
        if each.confidence >= _LEAST_SHOWN:
            bar = "█" * round(each.confidence * _BAR_CHARS)
            table.add_row(f"{each.confidence:.2f}", bar, escape(plain(_named(each.scenario))))
    print()
    Console(highlight=False).print(table)
    print(say("try_aside", confidence=f"{ranked.aside_confidence:.2f}"))
    print(f"\n{say('try_says')}")
    print("\n".join(f"  {line}".rstrip() for line in plain(found.words).splitlines()))


def _named(scenario: Scenario) -> str:
    title = scenario.title.of(language())
    return f"{scenario.category} › {scenario.subcategory} · {title}"

"""What is said of routing: all of it somewhere, and every term in Chinese too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from talkwire.canon.models import Standing
from talkwire.cli import words, words_routing
from talkwire.cli.words_routing import TERMS, term
from talkwire.engine.traits import Traits
from talkwire.engine.weighing import CLOUD, Situation, Weights, own_terms, terms
from talkwire.routing import explain
from talkwire.settings import Settings

FOLDER = Path(words.__file__).parent
CODE = (FOLDER / "route.py").read_text("utf-8")
# All traits there are, and a model of which everything can be said.
TRAITS = Traits(99, *(1,) * 10, chats=True, simple=1, now=1)
WORST = Standing("w", CLOUD, True, "", 50, 4_000.0, 0.5, price_in=5.0, price_out=5.0)


def every_term() -> list[str]:
    situation = Situation(CLOUD, spent=1.0)
    said = [*terms(TRAITS, Weights()), *own_terms(WORST, situation, Weights())]
    small = {"name": "s", "provider": "scripted", "context_tokens": 1}
    narrow = explain(Settings.model_validate({"models": [small]}), "hello there")
    return [*(each.what for each in said), narrow.candidates[0].own[-1].what, "tools are on offer"]


@pytest.mark.parametrize("what", every_term())
def test_every_term_has_chinese_words_with_the_same_figures(what: str) -> None:
    chinese = term(what, "zh")

    assert re.search(r"[\u4e00-\u9fff]", chinese)
    assert re.findall(r"\d[\d.]*", chinese) == re.findall(r"\d[\d.]*", what)
    assert term(what, "en") == what


def test_all_words_for_terms_are_for_some() -> None:
    assert len({term(what, "zh") for what in every_term()}) == len(TERMS)


def test_a_term_without_a_word_stays_as_it_is() -> None:
    assert term("is new", "zh") == "is new"


@pytest.mark.parametrize("key", words_routing.WORDS)
def test_every_sentence_is_said_by_the_command(key: str) -> None:
    end = key.removeprefix("route_")

    assert any(re.search(rf"""["']{re.escape(name)}["']""", CODE) for name in (key, end))


def test_no_sentence_takes_the_place_of_another() -> None:
    source = (FOLDER / "words.py").read_text("utf-8")

    assert [key for key in words_routing.WORDS if f'\n    "{key}": (' in source] == []
    assert words_routing.WORDS.items() <= words.WORDS.items()

"""Which model a message gets, and that it is said why."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from talkwire.canon.models import Standing
from talkwire.engine.traits import traits
from talkwire.engine.weighing import CLOUD, LOCAL, Situation, Weights, need, weigh

SMALL = Standing("small", LOCAL)
LARGE = Standing("large", CLOUD, price_in=1.0, price_out=4.0)
PROOF = "Prove step by step that the square root of 2 is irrational."
HELLO = "hello there"


def first(text: str, *standings: Standing, weights: Weights | None = None, **more: Any) -> str:
    situation = Situation(**more)
    found = weigh(traits(text), situation, standings or (SMALL, LARGE), weights or Weights())
    return found[0].name


def labelled(split: str) -> list[tuple[str, str]]:
    with (Path(__file__).parent / "routing.csv").open(encoding="utf-8", newline="") as file:
        return [
            (row["text"], row["label"]) for row in csv.DictReader(file) if row["split"] == split
        ]


@pytest.mark.parametrize("split", ["learnt", "held"])
def test_nine_of_ten_labelled_messages_get_their_model(split: str) -> None:
    rows = labelled(split)

    right = [
        label
        for text, label in rows
        if (CLOUD if need(traits(text), Weights()) > 0.5 else LOCAL) == label
    ]

    assert len(rows) > 150
    assert len(right) / len(rows) >= 0.9


def test_what_is_hard_goes_to_the_large_model_and_what_is_easy_to_the_small_one() -> None:
    assert first(PROOF) == "large"
    assert first(HELLO) == "small"


def test_each_decision_says_why() -> None:
    best, other = weigh(traits(PROOF), Situation(last_type=LOCAL), (SMALL, LARGE), Weights())

    assert any(reason.startswith("asks for reasoning: +") for reason in best.reasons)
    assert any(reason.startswith("asks for reasoning: -") for reason in other.reasons)
    assert "costs 5 a million tokens: -0.05" in best.reasons
    assert "has answered in this conversation: +0.80" in other.reasons
    assert best.score > other.score


def test_a_conversation_stays_with_its_model_where_it_makes_little_difference() -> None:
    text = "And who wrote it?"

    assert first(text) == "small"
    assert first(text, weights=Weights(sticky=3.0), last_type=CLOUD) == "large"
    assert first(PROOF, last_type=LOCAL) == "large"


def test_one_that_is_not_healthy_answers_only_where_there_is_no_other() -> None:
    ill = Standing("large", CLOUD, healthy=False, why="its circuit is open")

    assert first(PROOF, SMALL, ill) == "small"
    assert first(PROOF, ill) == "large"
    reasons = weigh(traits(PROOF), Situation(), (ill,), Weights())[0].reasons
    assert "is not healthy: its circuit is open" in reasons


def test_one_that_cannot_hold_the_conversation_comes_last() -> None:
    tiny = Standing("tiny", LOCAL, context_tokens=1_000)

    assert first(HELLO, tiny, LARGE, context_tokens=5_000) == "large"


@pytest.mark.parametrize(
    "worse",
    [
        Standing("worse", CLOUD, running=100),
        Standing("worse", CLOUD, latency_ms=20_000),
        Standing("worse", CLOUD, error_rate=0.5),
        Standing("worse", CLOUD, price_in=50, price_out=50),
    ],
)
def test_of_two_alike_the_one_that_does_better_answers(worse: Standing) -> None:
    better = Standing("better", CLOUD)

    assert first(PROOF, worse, better) == "better"
    assert first(PROOF, better, worse) == "better"


def test_the_end_of_a_budget_saves_money() -> None:
    text = "Compare these two phones and tell me why one is better, in detail"

    assert first(text, spent=0.5) == "large"
    assert first(text, spent=1.0, weights=Weights(budget=20.0)) == "small"


def test_tools_need_a_model_that_can_call_them() -> None:
    assert first("turn the light on", tools=True, weights=Weights(tools=6.0)) == "large"

from __future__ import annotations

import sys

import numpy as np
import pytest
from msgspec import structs

from talkwire.scenarios.evaluate import evaluate
from talkwire.scenarios.learn import MissingExtra, learn
from talkwire.scenarios.retrieve import Index
from talkwire.scenarios.weighing import Weights
from tests.scenarios.labels import labels
from tests.scenarios.shop import LOGIN, shop


@pytest.fixture(scope="module")
def index() -> Index:
    return Index.of(shop())


@pytest.fixture(scope="module")
def learned(index: Index) -> Weights:
    return learn(index, labels())


def test_what_is_learned_ranks_texts_that_were_not_seen(index: Index, learned: Weights) -> None:
    found = evaluate(index, labels(), "test", weights=learned)

    assert learned.fault() == ""
    assert found.all.top_1.value > 0.8
    assert found.all.person_recall.value > 0.6


def test_corrections_and_thresholds_are_within_bounds(learned: Weights) -> None:
    for curve in (learned.answers, learned.asides):
        places, heights = zip(*curve, strict=True)
        assert list(places) == sorted(places)
        assert list(heights) == sorted(heights)
        assert all(0.02 <= height <= 0.98 for height in heights)
    assert 0.2 <= learned.out_of_scope_from <= 0.8
    assert 0.2 <= learned.sure_from <= 0.8


def test_it_is_told_what_was_learned_from(learned: Weights) -> None:
    assert learned.learned["catalogue"] == "shop"
    assert learned.learned["texts"] == sum(row.split == "calibration" for row in labels())


def test_other_splits_change_nothing(index: Index, learned: Weights) -> None:
    wrong = [
        structs.replace(row, category=LOGIN.category, subcategory=LOGIN.subcategory)
        if row.split == "test" and row.in_scope
        else row
        for row in labels()
    ]

    assert learn(index, wrong) == learned


def test_the_third_voice_is_learned_where_there_are_vectors(index: Index) -> None:
    chance = np.random.default_rng(5)
    seeing = index.with_vectors(chance.normal(size=(len(index.texts), 3)))
    embedded = {row.text: np.array([1, 0, 0]) for row in labels()}

    assert "vector" in learn(seeing, labels(), embedded).columns
    assert "vector" not in learn(index, labels()).columns


def test_too_few_texts_are_told(index: Index) -> None:
    with pytest.raises(ValueError, match="too few texts to learn from: 1"):
        learn(index, labels()[:2])


@pytest.mark.parametrize("missing", ["scipy.optimize", "sklearn.isotonic"])
def test_without_the_extra_it_is_told_what_to_install(
    index: Index, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(MissingExtra, match=r"pip install 'talkwire\[scenarios\]'"):
        learn(index, labels())

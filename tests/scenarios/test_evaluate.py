from __future__ import annotations

import pytest

from talkwire.scenarios.evaluate import BINS, Evaluation, evaluate
from talkwire.scenarios.labelled import SHIPPED, read
from talkwire.scenarios.reading import read as read_catalogue
from talkwire.scenarios.retrieve import Index
from talkwire.scenarios.weighing import Weights
from tests.scenarios.labels import labels, row
from tests.scenarios.shop import FEES, LOGIN, REFUND, shop

BLIND = Weights({})
"""All entries are equally likely: the first scenario comes first."""


@pytest.fixture(scope="module")
def index() -> Index:
    return Index.of(shop())


@pytest.fixture(scope="module")
def found(index: Index) -> Evaluation:
    return evaluate(index, labels(), "test")


def test_each_kind_of_text_has_its_figures(found: Evaluation) -> None:
    assert found.all.texts == sum(each.split == "test" for each in labels())
    assert set(found.by_kind) == {"plain", "out_of_scope", "person", "followup"}
    assert set(found.by_language) == {"zh", "en"}
    assert found.by_kind["plain"].top_1.of == found.switch.of == 12
    assert found.by_kind["person"].person_recall.of == 3
    assert found.by_kind["plain"].person_recall.value == 1  # there are none to be missed


def test_a_right_decision_is_counted(index: Index) -> None:
    rows = [
        row(1, "I forgot my password", LOGIN.key, split="test"),
        row(2, "talk to a human", kind="person", split="test"),
        row(3, "tell me a joke please", kind="out_of_scope", split="test"),
    ]

    every = evaluate(index, rows).all

    assert (every.top_1.count, every.top_3.count) == (1, 1)
    assert every.person_recall.count == 1
    assert every.out_of_scope_recall.count == every.out_of_scope_precision.count == 1
    assert every.false_out_of_scope.count == 0


def test_a_wrong_decision_is_told_by_its_pair(index: Index) -> None:
    rows = [row(n, f"forgot {n}", LOGIN.key, split="test") for n in (1, 2)]
    rows.append(row(3, "refund", REFUND.key, split="test"))

    found = evaluate(index, rows, weights=BLIND)

    pairs = [(each.right, each.given, each.count) for each in found.confused]
    assert pairs == [("账户 › 登录", "提现 › 状态", 2), ("退款 › 申请", "提现 › 状态", 1)]
    assert found.all.top_1.count == 0
    assert found.all.top_3.count == 1  # the refund is the third


def test_being_called_out_of_scope_is_a_mistake_in_every_place(index: Index) -> None:
    rows = [row(1, "weather weather joke", FEES.key, split="test")]

    every = evaluate(index, rows).all

    assert every.false_out_of_scope.count == 1
    assert every.top_1.count == every.top_3.count == 0


def test_calibration_errors_are_means_over_texts(found: Evaluation) -> None:
    assert len(found.reliability) == BINS
    assert sum(each.count for each in found.reliability) == found.all.texts
    total = sum(each.count * abs(each.confidence - each.accuracy) for each in found.reliability)
    assert found.error_equal_width == pytest.approx(total / found.all.texts)
    assert 0 <= found.error_equal_count <= 1
    for each in found.reliability:
        assert each.count == 0 or each.least <= each.confidence <= each.most


def test_abstaining_goes_from_the_surest_to_all(found: Evaluation) -> None:
    coverages = [each.coverage for each in found.abstention]
    confidences = [each.confidence for each in found.abstention]

    assert coverages == sorted(coverages)
    assert coverages[-1] == 1
    assert confidences == sorted(set(confidences), reverse=True)


def test_a_split_without_texts_is_refused(index: Index) -> None:
    with pytest.raises(ValueError, match="no texts in the split 'test'"):
        evaluate(index, [row(1, "x", LOGIN.key, split="calibration")])


def test_the_shipped_weights_reach_their_goals_on_texts_that_were_never_learned() -> None:
    catalogue = read_catalogue(SHIPPED.with_name("catalogue.json"))

    found = evaluate(Index.of(catalogue), read(SHIPPED, catalogue), "test")

    assert found.all.top_1.value >= 0.85
    assert found.all.top_3.value >= 0.95
    assert found.all.out_of_scope_recall.value >= 0.85
    assert found.all.person_recall.value >= 0.9
    assert found.error_equal_width <= 0.05

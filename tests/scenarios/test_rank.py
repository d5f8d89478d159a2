from __future__ import annotations

import numpy as np
import pytest

from talkwire.scenarios.rank import MOST_CANDIDATES, rank
from talkwire.scenarios.retrieve import Index
from talkwire.scenarios.weighing import BY_HAND, Weights, shipped
from tests.scenarios.shop import FEES, LOGIN, REFUND, STATUS, scenario, shop

REFUND_TITLE = (REFUND.title.zh, REFUND.title.en)
BOTH = pytest.mark.parametrize("weights", [None, BY_HAND], ids=["shipped", "by hand"])


@pytest.fixture(scope="module")
def index() -> Index:
    return Index.of(shop())


@BOTH
@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("取的钱三天了还没到银行卡", STATUS),
        ("取钱扣不扣手续费", FEES),
        ("怎么申请退钱", REFUND),
        ("I forgot my pasword", LOGIN),
        ("我的 withdrawal 还没 arrived", STATUS),
    ],
)
def test_the_right_scenario_comes_first_and_is_sure(
    index: Index, text: str, right: object, weights: Weights | None
) -> None:
    ranked = rank(text, index, weights=weights)

    assert ranked.candidates[0].scenario == right
    assert ranked.aside is None
    assert ranked.sure


@BOTH
@pytest.mark.parametrize("text", ["转人工", "叫个真人来跟我说", "I want to talk to a human"])
def test_who_asks_for_a_person_is_heard(index: Index, text: str, weights: Weights | None) -> None:
    ranked = rank(text, index, weights=weights)

    assert ranked.aside == "person"
    assert ranked.aside_confidence > 0.5
    assert not ranked.sure


@BOTH
@pytest.mark.parametrize("text", ["讲个笑话听听", "what is the weather tomorrow", "asdf qwer", ""])
def test_what_no_scenario_is_about_is_out_of_scope(
    index: Index, text: str, weights: Weights | None
) -> None:
    ranked = rank(text, index, weights=weights)

    assert ranked.aside == "out_of_scope"
    assert ranked.candidates  # for who decides otherwise


def test_a_follow_up_stays_in_the_conversations_scenario(index: Index) -> None:
    alone = rank("那需要什么资料呢", index)
    after = rank("那需要什么资料呢", index, LOGIN.key)

    assert alone.candidates[0].scenario != LOGIN
    assert after.candidates[0].scenario == LOGIN
    assert after.aside is None


def test_a_new_topic_leaves_it(index: Index) -> None:
    assert rank("我忘记密码了登不上去", index, REFUND.key).candidates[0].scenario == LOGIN


def test_a_conversations_scenario_that_is_gone_is_no_matter(index: Index) -> None:
    assert rank("退款", index, ("退款", "gone")) == rank("退款", index)


def test_a_category_narrows_the_search(index: Index) -> None:
    ranked = rank("我要退款", index, category="提现")

    assert {each.scenario.category for each in ranked.candidates} == {"提现"}
    assert rank("转人工", index, category="提现").aside == "person"


def test_a_category_that_is_unknown_narrows_nothing(index: Index) -> None:
    assert rank("我要退款", index, category="x") == rank("我要退款", index)


def test_confidence_falls_from_place_to_place(index: Index) -> None:
    confidences = [each.confidence for each in rank("提现", index).candidates]

    assert confidences == sorted(confidences, reverse=True)
    assert all(0 <= each <= 1 for each in confidences)


def test_where_two_are_equally_near_it_is_better_to_ask() -> None:
    twins = [scenario("a", name, REFUND_TITLE, REFUND.examples) for name in "xy"]
    ranked = rank("怎么申请退款呀", Index.of(shop(*twins)))

    assert not ranked.sure
    assert ranked.aside is None
    assert ranked.candidates[0].confidence < shipped().sure_from


def test_the_conversations_scenario_is_among_many_candidates() -> None:
    many = [scenario("a", f"{n}", (f"退款{n}", "refund"), ("退款",)) for n in range(40)]
    ranked = rank("退款", Index.of(shop(*many, LOGIN)), LOGIN.key)

    assert len(ranked.candidates) <= MOST_CANDIDATES + 1
    assert LOGIN in [each.scenario for each in ranked.candidates]


def test_a_vector_speaks_where_words_do_not(index: Index) -> None:
    # A language that the words do not know; its vector is that of the login's examples.
    vectors = np.zeros((len(index.texts), 2), np.float32)
    for row, text in enumerate(index.texts):
        vectors[row, int(text in LOGIN.examples)] = 1
    seeing = index.with_vectors(vectors)

    ranked = rank("κωδικός", seeing, vector=np.array([0, 1]), weights=BY_HAND)

    assert ranked.candidates[0].scenario == LOGIN

from __future__ import annotations

import numpy as np
import pytest

from talkwire.scenarios.catalogue import Scenario
from talkwire.scenarios.retrieve import KINDS, Index, Sight
from tests.scenarios.shop import FEES, LOGIN, REFUND, STATUS, shop

PERSON, OUT_OF_SCOPE = 4, 5


@pytest.fixture(scope="module")
def index() -> Index:
    return Index.of(shop())


def _likeliest(sight: Sight) -> int:
    return int(np.sum([sight.likelihood[kind] for kind in KINDS], axis=0).argmax())


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("钱取出来怎么还没到", 0),
        ("where did my withdrawl go", 0),
        ("取钱要多少手续费", 1),
        ("想退钱", 2),
        ("体现到哪了", 0),
        ("提現到哪了", 0),
        ("forgoten my pasword", 3),
        ("帮我转人工", PERSON),
        ("天气怎么样", OUT_OF_SCOPE),
    ],
)
def test_a_text_looks_most_like_the_entry_that_it_is_about(
    index: Index, text: str, entry: int
) -> None:
    assert _likeliest(index.look(text)) == entry


def test_an_example_covers_itself(index: Index) -> None:
    sight = index.look("forgot my password")

    for kind in KINDS:
        assert sight.best[kind].argmax() == 3
    assert sight.best["words"][3] > 0.9
    assert sight.several["words"][3] < sight.best["words"][3]


def test_what_no_scenario_speaks_of_is_hardly_covered(index: Index) -> None:
    inside = index.look("is there a daily limit for withdrawals")
    outside = index.look("recipe for banana bread")

    assert outside.best["words"][:4].max() < 0.3 < inside.best["words"][:4].max()


def test_a_passage_of_a_procedure_is_seen(index: Index) -> None:
    assert index.look("周末顺延到星期一").procedure.argmax() == 0


def test_ideas_that_one_scenario_alone_has_tell_more(index: Index) -> None:
    assert index.look("密码").telling > index.look("提现").telling


def test_nothing_looks_like_nothing(index: Index) -> None:
    sight = index.look(" ?! ")

    assert sight.words == 0
    assert all(not sight.best[kind].any() for kind in KINDS)


def test_scenarios_are_found_by_key_and_category(index: Index) -> None:
    assert index.place(REFUND.key) == 2
    assert index.place(("退款", "nowhere")) is None
    assert index.place(None) is None
    assert index.within("提现") == (0, 1)
    assert index.within("") is None


def test_vectors_are_a_third_voice(index: Index) -> None:
    vectors = np.zeros((len(index.texts), 4), np.float32)
    for row, text in enumerate(index.texts):
        vectors[row, _owner(text)] = 1
    seeing = index.with_vectors(vectors)

    asked = np.array([0, 0, 0, 1], np.float32)

    assert index.look("hm", asked).vector is None
    assert seeing.look("hm").vector is None
    found = seeing.look("hm", asked).vector
    assert found is not None
    assert found.tolist()[:4] == [0, 0, 0, 1]


def test_vectors_of_other_texts_are_refused(index: Index) -> None:
    with pytest.raises(ValueError, match="vectors are needed, not 1"):
        index.with_vectors(np.zeros((1, 4)))


def test_passages_come_from_the_scenarios_procedures(index: Index) -> None:
    found = index.passages("要多久", STATUS)

    assert found[0].heading == "时效"
    assert index.passages("要多久", LOGIN) == ()


def test_a_catalogue_of_one_scenario_can_be_searched() -> None:
    assert _likeliest(Index.of(shop(FEES)).look("手续费")) == 0


def _owner(text: str) -> int:
    owners = [n for n, each in enumerate((STATUS, FEES, REFUND, LOGIN)) if text in _texts(each)]
    return owners[0] if owners else 0


def _texts(scenario: Scenario) -> tuple[str, ...]:
    return (*scenario.examples, scenario.title.zh, scenario.title.en)

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import talkwire.scenarios
from talkwire.scenarios.catalogue import Catalogue, Scenario
from talkwire.scenarios.reading import read
from talkwire.scenarios.slots import from_text

SAMPLE = Path(talkwire.scenarios.__file__).parent / "sample"
CATALOGUE = read(SAMPLE / "catalogue.json")


def _named(scenario: Scenario) -> str:
    return scenario.title.en.replace(" ", "-")


@pytest.fixture
def sample() -> Catalogue:
    return CATALOGUE


def test_the_sample_has_thirteen_categories_and_more_than_forty_subcategories(
    sample: Catalogue,
) -> None:
    assert len({each.category for each in sample.scenarios}) == 13
    assert len({each.subcategory for each in sample.scenarios}) >= 40


def test_scenarios_of_a_category_stand_together_in_their_order(sample: Catalogue) -> None:
    categories = [each.category for each in sample.scenarios]
    together = list(dict.fromkeys(categories))

    assert categories == sorted(categories, key=together.index)
    for category in together:
        names = [each.subcategory for each in sample.scenarios if each.category == category]
        assert [name.split()[0] for name in names] == [str(n + 1) for n in range(len(names))]


def test_every_procedure_is_named_and_has_passages_in_both_languages(sample: Catalogue) -> None:
    named = {name for each in sample.scenarios for name in each.sop_references}

    assert {path.name for path in (SAMPLE / "sops").iterdir()} == named == sample.passages.keys()
    for name, passages in sample.passages.items():
        counts = Counter(each.language for each in passages)
        assert (name, counts["zh"], counts["en"]) == (name, 6, 6)


@pytest.mark.parametrize("scenario", CATALOGUE.scenarios, ids=_named)
def test_every_scenario_is_told_in_both_languages(scenario: Scenario) -> None:
    chinese = [text for text in scenario.examples if any("\u4e00" <= c <= "\u9fff" for c in text)]

    assert len(chinese) >= 12
    assert len(scenario.examples) - len(chinese) >= 12
    assert scenario.title.zh != scenario.title.en
    for step in scenario.steps:
        assert step.text.zh != step.text.en


@pytest.mark.parametrize("scenario", CATALOGUE.scenarios, ids=_named)
def test_every_scenario_has_neighbours_a_procedure_and_something_to_say(
    scenario: Scenario,
) -> None:
    known = {each.subcategory for each in CATALOGUE.scenarios}

    assert 2 <= len(scenario.related_subcategories) <= 4
    assert set(scenario.related_subcategories) <= known - {scenario.subcategory}
    assert scenario.sop_references
    assert any(step.do == "answer" for step in scenario.steps)


def test_the_sample_says_what_is_no_matter_for_it(sample: Catalogue) -> None:
    assert all(len(aside.examples) >= 20 for aside in sample.asides.values())


@pytest.mark.parametrize(
    ("subcategory", "text", "slot", "value"),
    [
        ("1 提现状态查询 Flow", "单号W88213显示处理中", "withdrawal_id", "W88213"),
        ("1 提现状态查询 Flow", "reference W-559120, still nothing", "withdrawal_id", "W-559120"),
        ("1 提现状态查询 Flow", "我提了2000块，昨天的", "withdrawal_id", None),
        ("1 提现状态查询 Flow", "20240518001", "withdrawal_id", "20240518001"),
        ("1 充值未到账 Flow", "充值单号C55102，1200元", "topup_id", "C55102"),
        ("1 订单状态查询 Flow", "订单60031怎么还没发", "order_id", "60031"),
        ("1 订单状态查询 Flow", "Order 3309172, not yet dispatched", "order_id", "3309172"),
        ("1 订单状态查询 Flow", "订单号：ＳＯ２０２４０５１８３３１", "order_id", "SO20240518331"),
        ("1 订单状态查询 Flow", "20240611买的，付了1999元", "order_id", None),
        ("1 订单状态查询 Flow", "打我电话13812345678", "order_id", None),
        ("1 退款进度查询 Flow", "退款单R40912到哪了", "refund_id", "R40912"),
        ("1 物流进度查询 Flow", "物流单号KD660193没动", "tracking_no", "KD660193"),
        ("2 发票修改与重开 Flow", "发票号 25117000000338 抬头错了", "invoice_no", "25117000000338"),
        ("1 优惠券不可用 Flow", "code SPRING20 says not valid", "coupon_code", "SPRING20"),
        ("1 优惠券不可用 Flow", "valid until the 30th, why not?", "coupon_code", None),
        ("2 结算与对账 Flow", "商户号 M100238，少结了一笔", "merchant_id", "M100238"),
        ("4 拒付与交易争议 Flow", "any update on DP20240611?", "dispute_id", "DP20240611"),
    ],
)
def test_numbers_are_found_in_sentences(
    sample: Catalogue, subcategory: str, text: str, slot: str, value: str | None
) -> None:
    (scenario,) = (each for each in sample.scenarios if each.subcategory == subcategory)

    assert from_text(scenario, text).get(slot) == value

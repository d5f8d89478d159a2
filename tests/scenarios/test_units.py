from __future__ import annotations

from msgspec import structs

from talkwire.scenarios.catalogue import Words
from talkwire.scenarios.units import ASIDES, units
from tests.scenarios.shop import LOGIN, REFUND, STATUS, shop


def test_units_come_by_entry_and_the_asides_last() -> None:
    entries = [unit.entry for unit in units(shop())]

    assert entries == sorted(entries)
    assert set(entries) == set(range(4 + len(ASIDES)))


def test_a_scenario_is_known_by_examples_titles_description_and_its_own_procedure() -> None:
    found = [unit for unit in units(shop(STATUS)) if unit.entry == 0]

    assert [unit.field for unit in found].count("example") == 6
    assert [unit.text for unit in found if unit.field == "title"] == [*_titles(STATUS.title)]
    procedures = [unit.text for unit in found if unit.field == "procedure"]
    assert len(procedures) == 6  # those of fees.md are its neighbour's
    assert procedures[2].startswith("时效\n")


def test_a_title_that_stands_for_both_languages_counts_once() -> None:
    found = units(shop(structs.replace(REFUND, title=Words("退款", "退款"))))

    assert [unit.text for unit in found if unit.field == "title"] == ["退款"]


def test_an_aside_without_examples_still_has_its_entry() -> None:
    found = units(structs.replace(shop(LOGIN), asides={}))

    assert [unit.entry for unit in found][-2:] == [1, 2]


def _titles(title: Words) -> tuple[str, str]:
    return title.zh, title.en

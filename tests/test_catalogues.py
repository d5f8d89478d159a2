"""Catalogues as commands ask for them."""

from __future__ import annotations

from pathlib import Path

from talkwire._settings.sections import ScenarioSettings
from talkwire.catalogues import alike, bundled, check, configured
from talkwire.settings import Settings


def test_the_configured_catalogue_comes_before_the_bundled_one() -> None:
    assert configured(Settings()) == bundled()
    mine = Path("mine.json")
    assert configured(Settings(scenarios=ScenarioSettings(path=mine))) == mine


def test_the_bundled_catalogue_is_good_and_all_its_procedures_are_used() -> None:
    found = check(bundled())

    assert found.catalogue is not None
    assert len({each.category for each in found.catalogue.scenarios}) == 13
    assert len(found.catalogue.scenarios) >= 40
    assert (found.problems, found.unused) == ((), [])


def test_a_bad_file_is_its_problems(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('{"scenarios": []}')

    found = check(tmp_path / "c.json")

    assert found.catalogue is None
    assert (list(found.problems), found.count) == (["c.json: scenarios: is empty"], 1)


def test_names_that_hold_the_one_that_was_asked_for_come_first() -> None:
    names = ["Refund states", "1 退款进度 Flow", "My refund", "Invoice"]

    assert alike("refund", names) == ["Refund states", "My refund"]
    assert alike("退款进读", names) == ["1 退款进度 Flow"]
    assert alike("", names) == alike("  ", names) == []

"""Weights as settings: the engine's defaults, and nothing that it does not know."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs
from pydantic import ValidationError

from talkwire._settings.routing import RoutingSettings, WeightSettings
from talkwire.engine.weighing import Weights
from talkwire.settings import SettingsError, load


def test_the_defaults_are_the_engine_s() -> None:
    assert WeightSettings().model_dump() == structs.asdict(Weights())


@pytest.mark.parametrize("value", ["inf", "nan", "much", None])
def test_a_weight_is_a_number_that_ends(value: object) -> None:
    with pytest.raises(ValidationError):
        RoutingSettings.model_validate({"weights": {"bias": value}})


def test_they_come_from_the_file_and_from_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.yaml").write_text("routing:\n  weights:\n    sticky: 0\n    cost: 2\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TALKWIRE_ROUTING__WEIGHTS__COST", "3.5")

    weights = load().routing.weights

    assert (weights.sticky, weights.cost, weights.budget) == (0, 3.5, 2)


def test_a_weight_that_nobody_knows_is_told_with_its_place_and_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.yaml").write_text("routing:\n  weights:\n    stiky: 1\n")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SettingsError, match=r"config\.yaml:3:5: .*did you mean sticky\?"):
        load()

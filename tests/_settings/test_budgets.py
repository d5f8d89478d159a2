"""Entries of `budgets:`."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire._settings.budgets import BudgetSettings, expect_one_each
from talkwire.settings import Settings


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"day": 0},
        {"day": 1.5},
        {"cost_day": 0},
        {"cost_day": float("inf")},
        {"cost_day": float("nan")},
        {"user": "", "day": 1},
        {"week": 1},
    ],
)
def test_a_budget_limits_something_that_can_be(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        BudgetSettings.model_validate({"user": "ann", **given})


def test_no_user_has_two() -> None:
    one = BudgetSettings(user="ann", day=1)

    expect_one_each([one, BudgetSettings(user="*", day=1)])
    with pytest.raises(ValueError, match="twice"):
        expect_one_each([one, BudgetSettings(user="ann", month=1)])
    with pytest.raises(ValueError, match="twice"):
        Settings.model_validate({"budgets": [{"user": "*", "day": 1}] * 2})


def test_they_may_come_from_a_variable() -> None:
    settings = Settings.model_validate({"budgets": '[{"user": "*", "day": 5, "cost_total": 0.5}]'})

    assert settings.budgets == (BudgetSettings(user="*", day=5, cost_total=0.5),)

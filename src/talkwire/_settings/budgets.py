"""What users may use: see `Budgets` in the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from pydantic import model_validator as whole

from talkwire._settings.kinds import Count, Group

Amount = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class BudgetSettings(Group):
    """What one user may use, in tokens and in money; `*` is each user who has no entry."""

    user: str = Field(min_length=1)
    day: Count | None = None
    month: Count | None = None
    total: Count | None = None
    cost_day: Amount | None = None
    cost_month: Amount | None = None
    cost_total: Amount | None = None

    @whole(mode="after")
    def _limits_something(self) -> BudgetSettings:
        if not any(self.model_dump(exclude={"user"}).values()):
            raise ValueError("expected a limit: day, month, total, or cost_day, …")
        return self


def expect_one_each(budgets: Sequence[BudgetSettings]) -> None:
    """:raises ValueError: a user has two."""
    users = [budget.user for budget in budgets]
    if len(set(users)) < len(users):
        raise ValueError("budgets: a user is given twice")

"""What is asked of the ledger for a report, and what it answers. Times are Unix milliseconds."""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

By = Literal["day", "model", "key", "wire", "user", "status"]
BY: tuple[By, ...] = get_args(By)


class UsageAsked(Struct, frozen=True):
    """Sums by day (of UTC), model, API key and so on, of what ended from `since` to before `until`.

    `user` None is everybody's. They are sorted by what they are grouped `by`; those come that are
    behind `after`, the group of a row, `limit` of them at most.
    """

    since: int
    until: int
    by: tuple[By, ...]
    user: str | None = None
    key_id: str | None = None
    limit: int = 100
    after: tuple[str, ...] | None = None


class UsageRow(Struct, frozen=True):
    """The sums of one group: its values in the order asked for, `""` where there is none.

    A turn counts once in each group that it is in. `estimated` are the turns of which any figure
    was estimated; `cost` is of what has a price, None where nothing has.
    """

    group: tuple[str, ...]
    turns: int
    input_tokens: int
    output_tokens: int
    estimated: int
    cost: float | None

    @property
    def total_tokens(self) -> int:
        """In and out."""
        return self.input_tokens + self.output_tokens


class UsagePage(Struct, frozen=True):
    """Some of the rows, and on the first page the sum of all there are, on other pages too. `more`:
    others follow.
    """

    rows: tuple[UsageRow, ...]
    total: UsageRow | None
    more: bool

from __future__ import annotations

from talkwire.canon.events import UsageCounted
from talkwire.canon.turn import Plan
from talkwire.engine.prices import priced


def test_a_cost_is_told_where_both_prices_are_known() -> None:
    usage = UsageCounted(1_000_000, 500_000, estimated=True)

    assert priced(usage, Plan("m", "cloud", price_in=1.0, price_out=2.0)) == UsageCounted(
        1_000_000, 500_000, estimated=True, cost=2.0
    )
    assert priced(usage, Plan("m", "cloud", price_in=1.0)) is usage

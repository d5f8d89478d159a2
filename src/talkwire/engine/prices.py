"""What a model's words cost."""

from __future__ import annotations

from msgspec import structs

from talkwire.canon.events import UsageCounted
from talkwire.canon.turn import Plan


def priced(usage: UsageCounted, plan: Plan) -> UsageCounted:
    """The usage with its cost, where the plan knows both prices."""
    if plan.price_in is None or plan.price_out is None:
        return usage
    cost = usage.input_tokens * plan.price_in + usage.output_tokens * plan.price_out
    return structs.replace(usage, cost=cost / 1_000_000)

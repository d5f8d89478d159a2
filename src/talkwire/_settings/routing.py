"""How it is decided which model answers, where a request leaves that open."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from talkwire._settings.kinds import Group

Weight = Annotated[float, Field(allow_inf_nan=False)]


class WeightSettings(Group):
    """What each trait of a message counts for the large model, in log-odds; below them an
    operator's own. The engine has the same defaults, and tells what each is of.
    """

    bias: Weight = -2.06
    length: Weight = 0.49
    code_blocks: Weight = 0.5
    code: Weight = 0.49
    makes: Weight = 1.67
    reasons: Weight = 2.04
    maths: Weight = 0.47
    limits: Weight = 0.54
    depth: Weight = 0.38
    numbers: Weight = 0.83
    clauses: Weight = 0.07
    lines: Weight = 0.11
    chats: Weight = -0.97
    simple: Weight = -1.16
    now: Weight = 1.06
    sticky: Weight = 0.8
    load: Weight = 0.2
    latency: Weight = 0.1
    errors: Weight = 2.0
    cost: Weight = 0.01
    budget: Weight = 2.0
    tools: Weight = 1.0


class RoutingSettings(Group):
    """Which model answers a request that names none."""

    weights: WeightSettings = WeightSettings()

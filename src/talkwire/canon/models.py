"""Models as routing sees them: what they are for, what they cost, and how they are just now."""

from __future__ import annotations

from msgspec import Struct


class Standing(Struct, frozen=True):
    """One model, all its deployments together.

    `reachable` is one that may answer, though perhaps not now: it limits its requests, or is being
    tried again. `why` tells in words why it is not healthy. `running` are requests of this process;
    `latency_ms` is the time to the first token, of late, None where nothing was asked yet;
    `error_rate` is 0 … 1. Prices are per million tokens.
    """

    name: str
    model_type: str
    healthy: bool = True
    why: str = ""
    running: int = 0
    latency_ms: float | None = None
    error_rate: float = 0.0
    context_tokens: int = 128_000
    price_in: float | None = None
    price_out: float | None = None
    reachable: bool = True

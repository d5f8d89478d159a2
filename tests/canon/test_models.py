"""What is told of a model."""

from __future__ import annotations

import msgspec
import pytest

from talkwire.canon.models import Standing


def test_a_model_of_which_nothing_is_known_is_well() -> None:
    standing = Standing("m", "local_small")

    assert (standing.healthy, standing.why, standing.running) == (True, "", 0)
    assert (standing.latency_ms, standing.error_rate) == (None, 0.0)


def test_a_standing_is_a_value() -> None:
    standing = Standing("m", "local_small", healthy=False, why="it failed")

    assert msgspec.structs.replace(standing, running=1) == Standing(
        "m", "local_small", healthy=False, why="it failed", running=1
    )
    with pytest.raises(AttributeError):
        standing.running = 2  # type: ignore[misc]  # that is what is tried

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from talkwire.tools import McpToolExecute
from talkwire.tools.clock import clock
from tests.tools.calls import call

SUMMER = datetime(2026, 7, 1, 20, 30, 15, 999_999, tzinfo=UTC)


async def _read(arguments: dict[str, Any]) -> Any:
    answer = await call(McpToolExecute([clock(lambda: SUMMER)]), "clock", arguments)
    assert not answer.is_error, answer.result
    return json.loads(answer.result)


@pytest.mark.parametrize(
    ("place", "time", "weekday", "abbreviation", "daylight_saving"),
    [
        ("Shanghai", "2026-07-02T04:30:15+08:00", "Thursday", "CST", False),
        ("Europe/Berlin", "2026-07-01T22:30:15+02:00", "Wednesday", "CEST", True),
        ("UTC", "2026-07-01T20:30:15+00:00", "Wednesday", "UTC", False),
        ("UTC-3", "2026-07-01T17:30:15-03:00", "Wednesday", "UTC-03:00", False),
    ],
)
async def test_the_clock_tells_the_time_of_a_place(
    place: str, time: str, weekday: str, abbreviation: str, daylight_saving: bool
) -> None:
    told = await _read({"place": place})

    assert (told["time"], told["weekday"]) == (time, weekday)
    assert (told["abbreviation"], told["daylight_saving"]) == (abbreviation, daylight_saving)


async def test_without_a_place_it_is_utc() -> None:
    assert (await _read({}))["time_zone"] == "UTC"


async def test_it_goes() -> None:
    answer = await call(McpToolExecute([clock()]), "clock", {})
    told = datetime.fromisoformat(json.loads(answer.result)["time"])

    assert abs(datetime.now(UTC) - told) < timedelta(minutes=1)

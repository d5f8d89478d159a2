from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.tools import zones
from talkwire.tools.running import Refusal

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("Asia/Shanghai", "Asia/Shanghai"),
        ("asia/shanghai", "Asia/Shanghai"),
        ("Shanghai", "Asia/Shanghai"),
        ("now in Shanghai", "Asia/Shanghai"),
        ("What is the time in New York?", "America/New_York"),
        ("new_york", "America/New_York"),
        ("北京", "Asia/Shanghai"),
        ("San Francisco", "America/Los_Angeles"),
        ("Zürich", "Europe/Zurich"),
        ("São Paulo", "America/Sao_Paulo"),
        ("Mumbai", "Asia/Kolkata"),
        ("Louisville", "America/Louisville"),
        ("utc", "UTC"),
        ("GMT", "UTC"),
        ("", "UTC"),
        ("UTC+8", "UTC+08:00"),
        ("-03:30", "UTC-03:30"),
        ("gmt + 530", "UTC+05:30"),
    ],
)
def test_places_have_their_zones(place: str, zone: str) -> None:
    assert zones.find(place)[0] == zone


def test_offsets_are_ahead_or_behind() -> None:
    assert NOON.astimezone(zones.find("UTC+5:45")[1]).utcoffset() == timedelta(hours=5, minutes=45)
    assert NOON.astimezone(zones.find("-8")[1]).utcoffset() == timedelta(hours=-8)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("Shangai", "Asia/Shanghai"),
        ("Asia/Tokio", "Asia/Tokyo"),
        ("Lodnon", "Europe/London"),
        ("UTC+15", "more than 14 hours"),
        ("../../etc/passwd", "There is no time zone"),
        ("x" * 100_000, "There is no time zone"),
    ],
)
def test_an_unknown_place_is_told_with_near_ones(place: str, told: str) -> None:
    with pytest.raises(Refusal, match=told) as error:
        zones.find(place)

    assert len(str(error.value)) < 500


@given(st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"})))
def test_every_zone_of_the_database_is_found_by_its_own_name(name: str) -> None:
    found, zone = zones.find(name)

    assert found.lower() == name.lower() or found == "UTC"
    assert NOON.astimezone(zone).utcoffset() is not None


def test_without_a_database_of_zones_offsets_still_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zones, "_known", dict)

    assert zones.find("UTC+8")[0] == "UTC+08:00"
    with pytest.raises(Refusal, match="install tzdata"):
        zones.find("Rome")


@given(st.text(max_size=200))
def test_any_text_is_a_place_or_is_refused(place: str) -> None:
    with contextlib.suppress(Refusal):
        name, zone = zones.find(place)
        assert NOON.astimezone(zone).tzname()
        assert name

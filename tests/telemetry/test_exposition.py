"""The figures as text, in the form that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from prometheus_client.metrics import Counter, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser
from prometheus_client.parser import text_string_to_metric_families as prometheus
from prometheus_client.registry import CollectorRegistry

from talkwire.canon.errors import Unavailable
from talkwire.telemetry.exposition import Exposition
from talkwire.telemetry.sharing import Shared

openmetrics: Callable[[str], Iterable[Metric]] = parser.text_string_to_metric_families
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
def registry() -> CollectorRegistry:
    made = CollectorRegistry()
    Counter("turns", "Turns.", ["wire"], registry=made).labels("native").inc(3)
    Histogram("took_seconds", "Took.", buckets=(1,), registry=made).observe(0.5)
    return made


async def test_prometheus_text_is_the_default(registry: CollectorRegistry) -> None:
    body, media_type = await Exposition(registry).render("")

    assert media_type.startswith("text/plain; version=0.0.4")
    assert {family.name for family in prometheus(body.decode())} == {"turns", "took_seconds"}


async def test_openmetrics_is_told_where_it_is_accepted(registry: CollectorRegistry) -> None:
    body, media_type = await Exposition(registry).render(f"{OPENMETRICS},text/plain;q=0.5")

    assert media_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    assert {family.name for family in openmetrics(body.decode())} == {"turns", "took_seconds"}


async def test_when_a_figure_was_begun_is_not_told(registry: CollectorRegistry) -> None:
    for accept in ("", OPENMETRICS):
        assert b"_created" not in (await Exposition(registry).render(accept))[0]


async def test_workers_tell_of_each_other_and_leave_what_they_counted(
    tmp_path: Path, registry: CollectorRegistry
) -> None:
    other = CollectorRegistry()
    count = Counter("turns", "Turns.", ["wire"], registry=other)
    async with AsyncExitStack() as stack:
        await Exposition(registry, Shared(tmp_path)).begin(stack)
    async with AsyncExitStack() as stack:
        here = Exposition(other, Shared(tmp_path))
        await here.begin(stack)
        count.labels("native").inc()
        body, _ = await here.render("")
        strict, _ = await here.render(OPENMETRICS)

    assert b'turns_total{wire="native"} 4.0' in body
    assert b'took_seconds_bucket{le="1.0"} 1.0' in body
    assert {family.name for family in openmetrics(strict.decode())} == {"turns", "took_seconds"}


async def test_without_the_other_workers_nothing_is_told(
    tmp_path: Path, registry: CollectorRegistry
) -> None:
    folder = tmp_path / "gone"

    with pytest.raises(Unavailable):
        await Exposition(registry, Shared(folder)).render("")

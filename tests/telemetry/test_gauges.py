"""What is so just now."""

from __future__ import annotations

from prometheus_client.registry import CollectorRegistry

from talkwire.canon.models import Standing
from talkwire.telemetry.gauges import Gauges, Now


def telling(now: Now) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Gauges(lambda: now))
    return registry


def test_a_server_tells_how_it_is() -> None:
    registry = telling(Now(3, 4, 1, 2, 17, draining=True, redis=False))

    names = "sessions_active turns_running turns_waiting streams_open"
    names += " journal_backlog_events draining redis_up"
    told = [registry.get_sample_value(f"talkwire_{name}") for name in names.split()]
    assert told == [3, 4, 1, 2, 17, 1, 0]


def test_without_redis_nothing_is_told_of_it() -> None:
    assert telling(Now()).get_sample_value("talkwire_redis_up") is None


def test_each_model_tells_how_it_does() -> None:
    ill = Standing("small", "local", healthy=False, why="x", running=2, error_rate=0.5)
    registry = telling(Now(models=[ill, Standing("large", "cloud_large", latency_ms=250)]))

    def of(name: str, model: str) -> float | None:
        return registry.get_sample_value(f"talkwire_model_{name}", {"model": model})

    assert [of("up", "small"), of("up", "large")] == [0, 1]
    assert [of("requests_running", "small"), of("error_ratio", "small")] == [2, 0.5]
    assert [of("latency_seconds", "small"), of("latency_seconds", "large")] == [None, 0.25]

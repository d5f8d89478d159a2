"""Where traces and bugs go."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from talkwire._settings.telemetry import SentrySettings, TracesSettings
from talkwire.settings import load


def headers(settings: TracesSettings) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in settings.headers.items()}


@pytest.mark.parametrize(
    "given",
    ["x-key=a b,tenant=acme", "x-key=a%20b, tenant = acme", '{"x-key": "a b", "tenant": "acme"}'],
)
def test_headers_come_as_the_standard_variable_has_them_or_as_json(given: str) -> None:
    settings = TracesSettings.model_validate({"headers": given})

    assert headers(settings) == {"x-key": "a b", "tenant": "acme"}
    assert "acme" not in repr(settings)


@pytest.mark.parametrize("given", ["canary", "{canary", "a b=canary", '{"a:b": "canary"}', "[1]"])
def test_what_is_no_header_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TracesSettings.model_validate({"headers": given})

    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_between_0_and_1(share: float) -> None:
    with pytest.raises(ValidationError):
        TracesSettings(sample_ratio=share)
    with pytest.raises(ValidationError):
        SentrySettings(sample_rate=share)


def test_the_standard_variables_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318",
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20x",
        "OTEL_SERVICE_NAME": "chat",
        "SENTRY_DSN": "https://public@sentry.example/1",
    }.items():
        monkeypatch.setenv(name, value)

    settings = load()

    assert settings.traces.endpoint == "http://otel:4318"
    assert headers(settings.traces) == {"authorization": "Bearer x"}
    assert settings.traces.service_name == "chat"
    assert {"Bearer x", "https://public@sentry.example/1"} <= settings.secrets


@pytest.mark.parametrize(
    ("base", "posted"),
    [
        ("http://otel:4318", "http://otel:4318/v1/traces"),
        ("http://otel:4318/", "http://otel:4318/v1/traces"),
        ("http://otel/x/v1/traces", "http://otel/x/v1/traces"),
    ],
)
def test_traces_are_posted_below_the_endpoint(base: str, posted: str) -> None:
    assert TracesSettings.model_validate({"endpoint": base}).url == posted

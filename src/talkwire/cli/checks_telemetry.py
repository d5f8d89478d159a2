"""Whether those answer who are told of traces and bugs. Nothing is told to them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2

from talkwire.cli.checks import Check
from talkwire.settings import Settings, TracesSettings

_QUICK = httpx2.Timeout(5.0)


def telemetry(settings: Settings) -> Iterator[Check]:
    """A line for each that the settings name."""
    if settings.traces.url is not None:
        yield _missing("traces", "opentelemetry.exporter") or _traces(settings.traces.url, settings)
    if settings.sentry.dsn is not None:
        parts = urlsplit(settings.sentry.dsn.get_secret_value())
        where = parts.hostname or "nowhere: the DSN is none"
        outcome = Check("sentry", "ok" if parts.hostname else "broken", f"bugs go to {where}")
        yield _missing("sentry", "sentry_sdk") or outcome


def _missing(extra: str, module: str) -> Check | None:
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        found = None
    if found is not None:
        return None
    return Check(extra, "broken", f"not installed: pip install 'talkwire[{extra}]'")


def _traces(url: str, settings: Settings) -> Check:
    """An empty message is a good one, and tells of nothing."""
    asked: TracesSettings = settings.traces
    headers = {name: value.get_secret_value() for name, value in asked.headers.items()}
    headers["content-type"] = "application/x-protobuf"
    host = urlsplit(url).hostname
    try:
        answer = httpx2.post(url, content=b"", headers=headers, timeout=_QUICK)
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
        return Check("traces", "broken", f"{host} does not answer ({type(error).__name__})")
    if answer.is_success:
        return Check("traces", "ok", f"{host} takes them")
    return Check("traces", "broken", f"{host} answers {answer.status_code}")

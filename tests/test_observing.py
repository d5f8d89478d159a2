"""What a server tells to the outside, as its settings ask for it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from talkwire.engine.assistant import Assistant
from talkwire.engine.ports import Choice
from talkwire.models.configured import catalogue
from talkwire.observing import Observing, observing
from talkwire.settings import Settings
from talkwire.telemetry.sentry import Reports
from talkwire.telemetry.traces import Traces

DSN = "http://public@127.0.0.1:9/1"
EVERYTHING = {"traces": {"endpoint": "http://127.0.0.1:9"}, "sentry": {"dsn": DSN}}


def made(folder: Path, **more: Any) -> Observing:
    settings = Settings.model_validate({"data_dir": folder, "use_mock": True, **more})
    models = catalogue(settings, Choice)
    return observing(settings, models, None, Assistant(models, None))


def test_without_a_place_to_send_to_figures_are_all_there_is(tmp_path: Path) -> None:
    told = made(tmp_path)

    assert (told.traces, told.reports) == (None, None)


def test_traces_and_bugs_go_where_the_settings_say(tmp_path: Path) -> None:
    told = made(tmp_path, **EVERYTHING)

    assert told.traces is not None
    assert told.reports is not None
    assert told.traces._target.endpoint == "http://127.0.0.1:9/v1/traces"


@pytest.mark.parametrize(
    ("models", "name", "provider"),
    [
        ([], "anything", "scripted"),
        ([{"name": "a", "provider": "openai-chat"}], "a", "openai"),
        ([{"name": "a", "provider": "scripted"}], "a", "scripted"),
    ],
)
def test_the_provider_of_a_model_is_known_by_its_name(
    tmp_path: Path, models: list[dict[str, str]], name: str, provider: str
) -> None:
    told = made(tmp_path, models=models, **EVERYTHING)

    assert told.traces is not None
    assert told.traces._provider(name) == provider


async def test_a_server_without_the_extras_runs_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(self: object) -> None:
        raise ImportError

    monkeypatch.setattr(Traces, "begin", missing)
    monkeypatch.setattr(Reports, "begin", missing)
    async with AsyncExitStack() as stack:
        await made(tmp_path, **EVERYTHING).begin(stack)

    said = "".join(capsys.readouterr())
    assert "talkwire[traces]" in said
    assert "talkwire[sentry]" in said


async def test_a_dsn_that_is_none_is_said_and_not_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with AsyncExitStack() as stack:
        await made(tmp_path, sentry={"dsn": "canary"}).begin(stack)

    said = "".join(capsys.readouterr())
    assert "sentry.not_used" in said
    assert "canary" not in said

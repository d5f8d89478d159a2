"""What a model may be told, and which models go together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from talkwire._settings.models import BreakerSettings, ModelSettings
from talkwire.settings import Settings, SettingsError, load

SITE = {"base_url": "http://127.0.0.1:8080/v1"}


def model(**given: Any) -> ModelSettings:
    return ModelSettings.model_validate({"name": "m", "provider": "openai-chat", **given})


def test_a_model_has_one_server_or_several() -> None:
    several = model(deployments=[SITE, {**SITE, "upstream_model": "x", "weight": 0.5}])

    assert [each.weight for each in several.deployments] == [1, 0.5]
    assert model(**SITE).deployments == ()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"deployments": [SITE], "api_key": "k"}, "deployments: has base_url and api_key"),
        ({"deployments": [SITE], **SITE}, "deployments: has base_url and api_key"),
        ({"deployments": [{**SITE, "weight": 0}]}, "weight"),
        ({"deployments": [{}]}, "base_url"),
        ({"provider": "python"}, "target: goes with the provider python"),
        ({"target": "a:b"}, "target: goes with the provider python"),
        ({"provider": "python", "target": "a:b", **SITE}, "base_url: the provider python asks no"),
        ({"provider": "scripted", "api_key": "k"}, "api_key: the provider scripted asks no"),
        ({"provider": "scripted", "deployments": [SITE]}, "deployments: the provider scripted"),
        ({"pace_s": 0.1}, "pace_s: goes with the provider python"),
        ({"threads": 2}, "threads: goes with the provider python"),
        ({"provider": "python", "target": "a:b", "pace_s": -1}, "pace_s"),
        ({"type": "embedding", "deployments": [SITE]}, "type: an embedding model has one server"),
        ({"type": "embedding", "provider": "scripted"}, "type: an embedding model has one server"),
        ({"breaker": {"open_s": 9, "open_max_s": 3}}, "open_max_s must be at least open_s"),
        ({"breaker": {"failures": 0}}, "failures"),
    ],
)
def test_keys_that_contradict_each_other_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        model(**given)

    assert told in str(raised.value)


def test_a_breaker_has_sensible_defaults() -> None:
    assert model(provider="python", target="a:b", threads=3, pace_s=0.1).breaker == (
        BreakerSettings(failures=5, open_s=5, open_max_s=120)
    )


A = {"name": "a", "provider": "scripted"}
VECTORS = {"name": "v", "provider": "openai-chat", "type": "embedding"}


@pytest.mark.parametrize(
    ("models", "told"),
    [
        ([A, A], "models: the name 'a' is given twice"),
        ([{**A, "fallbacks": ["a"]}], "the fallbacks of 'a' name the model itself"),
        ([{**A, "fallbacks": ["smal"]}, {**A, "name": "small"}], "no such model; did you mean sma"),
        ([{**A, "fallbacks": "b, b"}, {**A, "name": "b"}], "the fallbacks of 'a' name 'b' twice"),
        ([{**A, "fallbacks": ["v"]}, VECTORS], "the fallbacks of 'a' name no such model"),
        ([A, {**VECTORS, "fallbacks": ["a"]}], "an embedding model has none"),
    ],
)
def test_fallbacks_are_other_models_that_answer(models: list[Any], told: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        Settings.model_validate({"models": models})

    assert told in str(raised.value)


def test_an_embedding_model_is_no_default() -> None:
    with pytest.raises(ValueError, match="default_model: no such model; known: a"):
        Settings.model_validate({"models": [A, VECTORS], "default_model": "v"})

    alone = Settings.model_validate({"models": [VECTORS], "default_model": "gpt"})
    assert alone.default_model == "gpt", "the environment's server answers"


def test_all_of_it_can_be_written_in_a_file_and_faults_are_told_with_their_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "config.yaml"
    text = """models:
  - name: small
    provider: openai-chat
    deployments:
      - {base_url: http://127.0.0.1:8080/v1, api_key: "${KEY:-sk-1}", weight: 2}
      - base_url: http://127.0.0.1:8081/v1
    fallbacks: [large]
    breaker: {failures: 3}
  - name: large
    provider: python
    target: my_models:answer
    threads: 2
"""
    path.write_text(text, "utf-8")
    settings = load(path)
    small, large = settings.models
    assert (small.fallbacks, small.breaker.failures, large.threads) == (("large",), 3, 2)
    assert "sk-1" in settings.secrets
    assert "sk-1" not in repr(settings)

    for right, wrong, told in (
        ("weight:", "wieght:", "config.yaml:5:71: models[1].deployments[1].wieght: unknown key"),
        ("failures:", "failure:", "config.yaml:8:15: models[1].breaker.failure: unknown key"),
    ):
        path.write_text(text.replace(right, wrong), "utf-8")
        with pytest.raises(SettingsError) as raised:
            load(path)
        assert told in str(raised.value)

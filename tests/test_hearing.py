"""What listens, as settings ask for it."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from talkwire import hearing
from talkwire.canon.errors import HearingError
from talkwire.settings import Settings
from talkwire.voice.openai_hearing import OpenAIHearing
from talkwire.voice.sphinx import SphinxHearing
from tests.upstream.hearing import HearingServer, text
from tests.voice import sounds

KEY = SecretStr("sk-openai")


def _settings(**asked: object) -> Settings:
    top = {name: asked.pop(name) for name in ("openai_api_key", "use_mock") if name in asked}
    return Settings.model_validate({"voice": {"hearing": asked}, **top})


@pytest.fixture(autouse=True)
def there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "installed", lambda: True)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "sphinx"),
        ({"openai_api_key": KEY}, "openai"),
        ({"openai_api_key": KEY, "use_mock": True}, "sphinx"),
        ({"base_url": "http://127.0.0.1:1/v1"}, "openai"),
        ({"provider": "none", "base_url": "http://127.0.0.1:1/v1"}, "none"),
        ({"provider": "sphinx", "openai_api_key": KEY}, "sphinx"),
    ],
)
def test_auto_takes_what_there_is(asked: dict[str, object], found: str) -> None:
    assert hearing.provider(_settings(**asked)) == found


async def test_each_provider_is_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(hearing.hearing(_settings()), SphinxHearing)
    service = hearing.hearing(_settings(openai_api_key=KEY))
    assert isinstance(service, OpenAIHearing)
    await service.close()

    monkeypatch.setattr(hearing, "installed", lambda: False)
    assert hearing.hearing(_settings()) is None


async def test_the_key_of_openai_goes_to_no_other_server() -> None:
    async with HearingServer(lambda asked: text("hello")) as server:
        settings = _settings(base_url=server.base_url, openai_api_key=KEY)
        listens = hearing.listening(settings)
        spoken = await listens.listen(sounds.wav(sounds.syllables()), language=None)
        await listens.close()

    assert spoken.text == "hello"
    assert "sk-openai" not in server.asked[0].head


async def test_the_bounds_are_those_of_the_settings() -> None:
    settings = _settings(max_s=0.5, provider="sphinx")

    with pytest.raises(Exception, match=r"longer than 0\.5 seconds"):
        await hearing.listening(settings).listen(sounds.wav(sounds.syllables(0.6)), language=None)


async def test_without_anything_that_listens_it_is_told() -> None:
    deaf = hearing.listening(_settings(provider="none"))

    with pytest.raises(HearingError, match=r"voice\.hearing"):
        await deaf.listen(b"", language=None)
    await deaf.close()

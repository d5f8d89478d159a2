"""What the settings ask for to understand speech with."""

from __future__ import annotations

from pydantic import SecretStr

from talkwire.engine.listening import Listening
from talkwire.engine.ports import Hearing
from talkwire.settings import Settings
from talkwire.voice.children import Children
from talkwire.voice.decoding import Bounds, Decoder
from talkwire.voice.openai_hearing import OpenAIHearing, Waiting
from talkwire.voice.sphinx import SphinxHearing, installed

OPENAI = "https://api.openai.com/v1"


def hearing(settings: Settings) -> Hearing | None:
    """What listens; nothing is opened yet. None: nothing does."""
    asked = settings.voice.hearing
    match provider(settings):
        case "openai":
            return _service(settings)
        case "sphinx":
            children = Children(at_once=asked.at_once, queue_s=asked.queue_s)
            return SphinxHearing(children, timeout_s=asked.timeout_s)
        case _:
            return None


def listening(settings: Settings) -> Listening:
    """The way of an upload to its words."""
    asked = settings.voice.hearing
    bounds = Bounds(
        most_s=asked.max_s,
        timeout_s=asked.decode_timeout_s,
        memory_bytes=asked.decode_memory_bytes,
    )
    children = Children(at_once=asked.at_once, queue_s=asked.queue_s)
    return Listening(Decoder(children, bounds), hearing(settings))


def provider(settings: Settings) -> str:
    """The provider in force: `openai`, `sphinx` or `none`."""
    asked = settings.voice.hearing
    if asked.provider != "auto":
        return asked.provider
    if asked.base_url is not None or (settings.openai_api_key and not settings.use_mock):
        return "openai"
    return "sphinx" if installed() else "none"


def service(settings: Settings) -> tuple[str, SecretStr | None]:
    """The address of the service, and its key. That of OPENAI_API_KEY goes to no other server."""
    asked = settings.voice.hearing
    if asked.base_url is not None:
        return asked.base_url, asked.api_key
    return settings.openai_base_url or OPENAI, asked.api_key or settings.openai_api_key


def _service(settings: Settings) -> OpenAIHearing:
    asked = settings.voice.hearing
    return OpenAIHearing(
        *service(settings),
        model=asked.model,
        form=asked.response_format,
        waiting=Waiting(asked.connect_timeout_s, asked.timeout_s, asked.max_attempts),
    )

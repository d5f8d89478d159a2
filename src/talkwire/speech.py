"""The voice that settings ask for. Each is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from talkwire.engine.ports import Speech
from talkwire.settings import Settings
from talkwire.voice import encoding, espeak
from talkwire.voice.ahead import Bounds

OPENAI = "https://api.openai.com/v1"
Vendor = Literal["clone", "openai", "silence", "espeak", "none"]


def vendor(settings: Settings) -> Vendor:
    """Who speaks. `auto` is the first that is configured, else espeak-ng where it is installed."""
    voice = settings.voice
    if voice.provider != "auto":
        return voice.provider
    if voice.use_mock:
        return "silence"
    if voice.clone_base_url is not None:
        return "clone"
    if voice.openai.base_url is not None or voice.openai.api_key is not None:
        return "openai"
    return "none" if espeak.found() is None else "espeak"


def lacks_encoder(settings: Settings) -> bool:
    """Whether WAV is spoken instead of what is configured, for want of the extra `voice`. MP3 of a
    service is joined without it.
    """
    wanted, who = settings.voice.format, vendor(settings)
    encodes = who == "espeak" or (who == "openai" and wanted == "opus")
    return encodes and encoding.available(wanted) != wanted


def speech(settings: Settings) -> Speech | None:
    """Not open yet; None where there is no voice."""
    voice = settings.voice
    bounds: Mapping[str, Any] = {
        "idle_timeout_s": voice.idle_timeout_s,
        "max_bytes": voice.max_bytes,
        "bounds": Bounds(voice.ahead.sentences, voice.ahead.seconds),
    }
    match vendor(settings):
        case "silence":
            from talkwire.voice.silence import Silence

            return Silence()
        case "clone":
            from talkwire.voice.clone import CloneVoice

            url, key = voice.clone_base_url or "", voice.clone_api_key
            return CloneVoice(url, key, connect_timeout_s=voice.connect_timeout_s, **bounds)
        case "openai":
            from talkwire.voice.openai_speech import OpenAISpeech

            asked, key = voice.openai, voice.openai.api_key
            if asked.base_url is None:  # the key of one place goes to no other
                key = key or settings.openai_api_key
            return OpenAISpeech(
                asked.base_url or settings.openai_base_url or OPENAI,
                key,
                model=asked.model,
                voice=asked.voice,
                format=voice.format,
                connect_timeout_s=voice.connect_timeout_s,
                **bounds,
            )
        case "espeak":
            return espeak.Espeak(
                espeak.found() or espeak.PROGRAM,
                voices=voice.espeak.voices,
                rate=voice.espeak.rate,
                processes=voice.espeak.processes,
                format=voice.format,
                **bounds,
            )
        case "none":
            return None

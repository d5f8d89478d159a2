"""Whether there is a voice, and whether it answers. Nothing is spoken."""

from __future__ import annotations

import asyncio

from talkwire.canon.errors import SpeechError
from talkwire.cli.checks import Check
from talkwire.settings import Settings
from talkwire.speech import lacks_encoder, speech, vendor

_NONE = "none configured (VOICE_CLONE_BASE_URL, voice.openai, or install espeak-ng)"


def voice(settings: Settings) -> Check:
    """The voice that would speak answers."""
    who = vendor(settings)
    if who == "silence":
        return Check("voice", "note", "VOICE_USE_MOCK: short silence is spoken")
    if who == "none":
        return Check("voice", "note", _NONE)
    try:
        found = asyncio.run(_asked(settings))
    except SpeechError as error:
        return Check("voice", "broken", f"{who}: {error.message}")
    if lacks_encoder(settings):
        found += f"; as WAV, since {settings.voice.format} needs the extra `voice`"
        return Check("voice", "note", found)
    return Check("voice", "ok", found)


async def _asked(settings: Settings) -> str:
    voice = speech(settings)
    if voice is None:
        return _NONE
    try:
        return await voice.check()
    finally:
        await voice.close()

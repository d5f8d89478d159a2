"""Speech of an OpenAI-compatible service, sentence by sentence.

`POST {base_url}/audio/speech`. MP3 is asked for and joined; WAV is asked for where WAV or Opus is
wanted, since streams of Opus cannot be joined without knowing their packets.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from pydantic import SecretStr

from talkwire.canon.errors import SpeechError
from talkwire.canon.speech import Sound
from talkwire.voice._endpoint import Endpoint
from talkwire.voice.ahead import Bounds, in_order
from talkwire.voice.encoding import Format, available, encoded
from talkwire.voice.joining import joined
from talkwire.voice.wav import Pcm, WavReader

DEFAULT = "default"
"""The id of the voice that the server is configured with."""

_MOST_CHARS = 4_096  # the most that the service takes; sentences are far shorter


class OpenAISpeech:
    """Fits the engine's `Speech`. `close` it when it is used no more."""

    whole = False

    def __init__(
        self,
        base_url: str,
        api_key: SecretStr | None = None,
        *,
        model: str,
        voice: str,
        format: Format = "mp3",
        connect_timeout_s: float = 10.0,
        idle_timeout_s: float = 30.0,
        max_bytes: int = 10_485_760,
        bounds: Bounds | None = None,
    ) -> None:
        self._model, self._voice = model, voice
        self._format = format if format == "mp3" else available(format)
        self._max_bytes = max_bytes
        self._bounds = bounds or Bounds()
        self._endpoint = Endpoint(
            base_url,
            api_key,
            connect_timeout_s=connect_timeout_s,
            idle_timeout_s=idle_timeout_s,
            max_bytes=max_bytes * 16,  # of WAV, for the same of MP3
        )

    def speak(
        self, text: str | AsyncIterator[str], *, voice_id: str, session_id: str
    ) -> AsyncGenerator[Sound, None]:
        """The speech of sentences as one stream. Closing the iterator closes the connections.

        :raises SpeechError: refused, too slow, cut, too long, or not audio.
        """
        texts = _alone(text) if isinstance(text, str) else text
        voice = self._voice if voice_id in ("", DEFAULT) else voice_id

        def ask(text: str) -> AsyncGenerator[bytes, None]:
            if len(text) > _MOST_CHARS:
                raise SpeechError(f"A sentence is more than {_MOST_CHARS} characters.")
            asked = {
                "model": self._model,
                "input": text,
                "voice": voice,
                "response_format": "mp3" if self._format == "mp3" else "wav",
            }
            return self._endpoint.audio("/audio/speech", asked)

        async def samples(text: str) -> AsyncGenerator[Pcm, None]:
            reader = WavReader()
            async with aclosing(ask(text)) as source:
                async for read in source:
                    if pcm := reader.feed(read):
                        yield pcm

        if self._format == "mp3":
            return joined(texts, ask, self._bounds, max_bytes=self._max_bytes)
        told = in_order(texts, samples, self._bounds, lasts=lambda pcm: pcm.seconds)
        return encoded(told, self._format, max_bytes=self._max_bytes)

    async def check(self) -> str:
        """That the service takes requests; nothing is spoken. :raises SpeechError: it does not."""
        return await self._endpoint.check()

    async def close(self) -> None:
        """Give up all connections."""
        await self._endpoint.close()


async def _alone(text: str) -> AsyncGenerator[str, None]:
    yield text

"""The voice clone service: text in, a stream of MP3 out, forwarded as it comes.

`POST {base_url}/api/tts/stream` with exactly the four fields below; `save_path` is always null,
so that no client can choose a path there.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from pydantic import SecretStr

from talkwire.canon.speech import Sound
from talkwire.voice._endpoint import Endpoint
from talkwire.voice.ahead import Bounds
from talkwire.voice.joining import as_it_is, joined


class CloneVoice:
    """Fits the engine's `Speech`. `close` it when it is used no more."""

    whole = True

    def __init__(
        self,
        base_url: str,
        api_key: SecretStr | None = None,
        *,
        connect_timeout_s: float = 10.0,
        idle_timeout_s: float = 30.0,
        max_bytes: int = 10_485_760,
        bounds: Bounds | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._bounds = bounds or Bounds()
        self._endpoint = Endpoint(
            base_url,
            api_key,
            connect_timeout_s=connect_timeout_s,
            idle_timeout_s=idle_timeout_s,
            max_bytes=max_bytes,
        )

    def speak(
        self, text: str | AsyncIterator[str], *, voice_id: str, session_id: str
    ) -> AsyncGenerator[Sound, None]:
        """The speech of a text to the byte, or of sentences, each asked for by itself.

        Closing the iterator closes the connections.

        :raises SpeechError: refused, too slow, cut, too long, or not audio.
        """

        def ask(text: str) -> AsyncGenerator[bytes, None]:
            asked = {
                "text": text,
                "session_id": session_id,
                "voice_type": voice_id or None,
                "save_path": None,
            }
            return self._endpoint.audio("/api/tts/stream", asked)

        if isinstance(text, str):
            return as_it_is(ask(text), max_bytes=self._max_bytes)
        return joined(text, ask, self._bounds, max_bytes=self._max_bytes)

    async def check(self) -> str:
        """That the service takes requests; nothing is spoken. :raises SpeechError: it does not."""
        return await self._endpoint.check()

    async def close(self) -> None:
        """Give up all connections."""
        await self._endpoint.close()

"""The voice clone service: text in, a stream of MP3 out, forwarded as it comes.

`POST {base_url}/api/tts/stream` with exactly the four fields below; `save_path` is always null,
so that no client can choose a path there. What the service says when it fails is not shown.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx2
from pydantic import SecretStr

from talkwire.canon.errors import SpeechError
from talkwire.voice.pieces import regrouped

_NO_AUDIO = ("text/", "application/json", "application/problem+json", "application/xml")


class CloneVoice:
    """Fits the engine's `Speech`. `close` it when it is used no more."""

    mime = "audio/mpeg"

    def __init__(
        self,
        base_url: str,
        api_key: SecretStr | None = None,
        *,
        connect_timeout_s: float = 10.0,
        idle_timeout_s: float = 30.0,
        max_bytes: int = 10_485_760,
    ) -> None:
        self._url = base_url.rstrip("/")
        self._api_key = api_key
        self._max_bytes = max_bytes
        # No proxies and no netrc from the environment, and no following to another place: text
        # and key go where the operator said and nowhere else.
        self._client = httpx2.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(idle_timeout_s, connect=connect_timeout_s),
        )

    async def speak(
        self, text: str, *, voice_id: str, session_id: str
    ) -> AsyncGenerator[bytes, None]:
        """The speech of a text in pieces whose base64 can be decoded one by one.

        Closing the iterator closes the connection.

        :raises SpeechError: refused, too slow, cut, too long, or not audio.
        """
        asked = {
            "text": text,
            "session_id": session_id,
            "voice_type": voice_id or None,
            "save_path": None,
        }
        async with aclosing(regrouped(self._stream(json.dumps(asked).encode()))) as pieces:
            async for piece in pieces:
                yield piece

    async def check(self) -> str:
        """That the service takes requests; nothing is spoken. :raises SpeechError: it does not."""
        try:
            async with self._client.stream("GET", self._url, headers=self._headers()) as answer:
                return f"{self._url} answers ({answer.status_code})"
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise SpeechError(_told(error)) from None

    async def close(self) -> None:
        """Give up all connections."""
        await self._client.aclose()

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if self._api_key is not None and self._api_key.get_secret_value():
            headers["Authorization"] = f"Bearer {self._api_key.get_secret_value()}"
        return headers

    async def _stream(self, body: bytes) -> AsyncGenerator[bytes, None]:
        url, headers = f"{self._url}/api/tts/stream", self._headers()
        try:
            async with self._client.stream("POST", url, content=body, headers=headers) as answer:
                _check_audio(answer)
                length = 0
                async for read in answer.aiter_bytes():
                    length += len(read)
                    if length > self._max_bytes:
                        raise SpeechError(
                            f"The voice service sent more than {self._max_bytes} bytes."
                        )
                    yield read
        # An error's cause would carry the header with the key: it ends here.
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise SpeechError(_told(error)) from None
        if length == 0:
            raise SpeechError("The voice service sent no audio.")


def _check_audio(answer: httpx2.Response) -> None:
    if answer.status_code != 200:
        raise SpeechError(f"The voice service answered with status {answer.status_code}.")
    media_type = answer.headers.get("content-type", "").lower()
    if media_type.startswith(_NO_AUDIO):
        raise SpeechError("The voice service answered with text where audio was expected.")


def _told(error: Exception) -> str:
    match error:
        case httpx2.ConnectTimeout():
            return "The voice service did not take the connection in time."
        case httpx2.TimeoutException():
            return "The voice service fell silent."
        case httpx2.ConnectError():
            return "The voice service cannot be reached."
        case httpx2.NetworkError() | httpx2.RemoteProtocolError():
            return "The voice service broke the connection."
        case _:
            return "The voice service could not be asked."

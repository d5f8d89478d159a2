"""A voice service over HTTP: asked, and its audio read, with bounds and without showing anything.

What a service says when it fails is not shown: it may hold the text, or more than that.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx2
from pydantic import SecretStr

from talkwire.canon.errors import SpeechError

_NO_AUDIO = ("text/", "application/json", "application/problem+json", "application/xml")
_CONNECTIONS = 3_000  # some sentences of each of a thousand answers
_WHY = {
    401: " It does not accept the key.",
    403: " It does not accept the key.",
    404: " It has no such address, model or voice.",
    429: " It has too much to do.",
}


class Endpoint:
    """One service. `close` it when it is used no more."""

    def __init__(
        self,
        base_url: str,
        api_key: SecretStr | None = None,
        *,
        connect_timeout_s: float = 10.0,
        idle_timeout_s: float = 30.0,
        max_bytes: int = 10_485_760,
    ) -> None:
        self.url = base_url.rstrip("/")
        self._api_key = api_key
        self._max_bytes = max_bytes
        # No proxies and no netrc from the environment, and no following to another place: text
        # and key go where the operator said and nowhere else.
        self._client = httpx2.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(idle_timeout_s, connect=connect_timeout_s),
            limits=httpx2.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=100),
        )

    async def audio(self, path: str, asked: Mapping[str, Any]) -> AsyncGenerator[bytes, None]:
        """The answer to a POST, as it comes. Closing the iterator closes the connection.

        :raises SpeechError: refused, too slow, cut, too long, or not audio.
        """
        url, headers, body = f"{self.url}{path}", self._headers(), json.dumps(asked).encode()
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

    async def check(self) -> str:
        """That the service takes requests; nothing is spoken. :raises SpeechError: it does not."""
        try:
            async with self._client.stream("GET", self.url, headers=self._headers()) as answer:
                shown = answer.request.url.copy_with(userinfo=None, query=None)
                return f"{shown} answers ({answer.status_code})"
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


def _check_audio(answer: httpx2.Response) -> None:
    if answer.status_code != 200:
        why = _WHY.get(answer.status_code, "")
        raise SpeechError(f"The voice service answered with status {answer.status_code}.{why}")
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

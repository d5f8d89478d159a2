"""Speech to text from a server that speaks OpenAI's transcription API.

`POST {base_url}/audio/transcriptions`, multipart, answered with JSON. Source: openai-openapi,
CreateTranscriptionRequest, CreateTranscriptionResponseJson and -VerboseJson. What the service says
when it fails is not shown: it may repeat the key.
"""

from __future__ import annotations

import asyncio
import random
import re
from dataclasses import dataclass
from typing import Literal

import httpx2
import msgspec
import stamina
from msgspec import Struct
from pydantic import SecretStr

from talkwire.canon.errors import HearingError
from talkwire.canon.hearing import Heard
from talkwire.canon.secrecy import hold

_ANSWER_BYTES = 4 * 1_048_576
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
# Verbose answers name a language by its English name; these are said most.
_NAMES = {
    "arabic": "ar",
    "chinese": "zh",
    "dutch": "nl",
    "english": "en",
    "french": "fr",
    "german": "de",
    "hindi": "hi",
    "indonesian": "id",
    "italian": "it",
    "japanese": "ja",
    "korean": "ko",
    "mandarin": "zh",
    "polish": "pl",
    "portuguese": "pt",
    "russian": "ru",
    "spanish": "es",
    "turkish": "tr",
    "ukrainian": "uk",
    "vietnamese": "vi",
}


class _Answer(Struct):
    text: str
    language: str | None = None


_decode = msgspec.json.Decoder(_Answer).decode


@dataclass(frozen=True)
class Waiting:
    """How long a service may take, in seconds, and how often it is asked."""

    connect_s: float = 10.0
    answer_s: float = 120.0
    attempts: int = 2


class OpenAIHearing:
    """Fits the engine's `Hearing`. `close` it when it is used no more."""

    def __init__(
        self,
        base_url: str,
        api_key: SecretStr | None = None,
        *,
        model: str = "whisper-1",
        form: Literal["verbose_json", "json"] = "verbose_json",
        waiting: Waiting | None = None,
    ) -> None:
        self._url = base_url.rstrip("/")
        self._key = api_key.get_secret_value().strip() if api_key else ""
        self._model = model
        self._form = form
        self._waiting = waiting or Waiting()
        # As with voices: speech and key go where the operator said and nowhere else.
        self._client = httpx2.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(self._waiting.answer_s, connect=self._waiting.connect_s),
        )

    async def hear(self, audio: bytes, *, language: str | None) -> Heard:
        """The text of a WAV. What fails and may work the next time is asked again.

        :raises HearingError: refused, too slow, or no transcription.
        """
        failure: HearingError | None = None

        def again(_: Exception) -> bool | float:
            if failure is None or not failure.retryable:
                return False
            return 0.2 + random.random() / 5  # noqa: S311 - no secret

        rounds = stamina.retry_context(on=again, attempts=self._waiting.attempts, timeout=None)
        async for attempt in rounds:
            try:
                return await self._in_time(audio, language)
            except HearingError as error:
                failure = error
            # Only the failure itself goes through stamina: its contexts swallow cancellation.
            with attempt:
                raise failure
        raise HearingError("The service that listens was not asked.")

    async def check(self) -> str:
        """That the service takes requests; nothing is heard. :raises HearingError: it does not."""
        try:
            asked = self._client.stream("GET", f"{self._url}/models", headers=self._headers())
            async with asked as answer:
                status = answer.status_code
                shown = answer.request.url.copy_with(userinfo=None, query=None)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise _told(error) from None
        if status in (401, 403):
            raise _refused(status)
        return f"{shown} answers ({status})"

    async def close(self) -> None:
        """Give up all connections."""
        await self._client.aclose()

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        return headers

    async def _in_time(self, audio: bytes, language: str | None) -> Heard:
        try:
            async with asyncio.timeout(self._waiting.connect_s + self._waiting.answer_s):
                return await self._ask(audio, language)
        except TimeoutError:
            raise _slow() from None

    async def _ask(self, audio: bytes, language: str | None) -> Heard:
        hold(self._key)
        fields = {"model": self._model, "response_format": self._form}
        if language is not None:
            fields["language"] = language.partition("-")[0].lower()  # ISO 639 is what it takes
        try:
            async with self._client.stream(
                "POST",
                f"{self._url}/audio/transcriptions",
                data=fields,
                files={"file": ("speech.wav", audio, "audio/wav")},
                headers=self._headers(),
            ) as answer:
                if answer.status_code != 200:
                    raise _refused(answer.status_code)
                body = await _whole(answer)
        # An error's cause would carry the header with the key: it ends here.
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise _told(error) from None
        return _heard(body, language)


async def _whole(answer: httpx2.Response) -> bytes:
    body = b""
    async for read in answer.aiter_bytes():
        body += read
        if len(body) > _ANSWER_BYTES:
            raise _lasting("The service that listens answers more than a transcription.")
    return body


def _heard(body: bytes, language: str | None) -> Heard:
    try:
        answer = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _lasting("The service that listens answers no transcription.") from None
    named = (answer.language or "").strip()
    found = _NAMES.get(named.lower(), named if _TAG.fullmatch(named) else "")
    return Heard(" ".join(answer.text.split()), found or language or "")


def _refused(status: int) -> HearingError:
    if status in (401, 403):
        return _lasting("The service that listens does not accept the configured key.")
    message = f"The service that listens answered with status {status}."
    if status in (408, 409, 425, 429) or status >= 500:
        return HearingError(message)
    return _lasting(message)


def _lasting(message: str) -> HearingError:
    error = HearingError(message)
    error.retryable = False
    return error


def _slow() -> HearingError:
    """It may be at it still: asking again would only be more work for it."""
    slow = _lasting("The service that listens took too long.")
    slow.status = 504
    return slow


def _told(error: Exception) -> HearingError:
    match error:
        case httpx2.ConnectTimeout():
            return HearingError("The service that listens did not take the connection in time.")
        case httpx2.TimeoutException():
            return _slow()
        case httpx2.ConnectError():
            return HearingError("The service that listens cannot be reached.")
        case httpx2.NetworkError() | httpx2.RemoteProtocolError():
            return HearingError("The service that listens broke the connection.")
        case _:
            return _lasting("The service that listens could not be asked.")

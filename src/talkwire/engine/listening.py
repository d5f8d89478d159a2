"""Speech as the input of a turn: uploaded, decoded, understood, before there is a turn.

What fails here is an answer to the upload and leaves no trace in the session.
"""

from __future__ import annotations

from talkwire.canon.errors import HearingError, Unprocessable
from talkwire.canon.hearing import Spoken
from talkwire.engine.ports import Decoding, Hearing


class Listening:
    """`hearing` None: nothing is configured to listen with."""

    def __init__(self, decoding: Decoding, hearing: Hearing | None) -> None:
        self._decoding = decoding
        self._hearing = hearing

    async def check(self) -> str:
        """What listens, as a short line for people. :raises HearingError: nothing answers."""
        if self._hearing is None:
            raise _nothing_listens()
        return await self._hearing.check()

    async def close(self) -> None:
        """Nothing is heard afterwards."""
        if self._hearing is not None:
            await self._hearing.close()

    async def listen(self, audio: bytes, *, language: str | None) -> Spoken:
        """What is said in a file of whatever kind. No service is asked about silence.

        :raises Unprocessable: `audio_undecodable`, or `no_speech`.
        :raises PayloadTooLarge: `audio_too_long`.
        :raises HearingError: it could not be understood; `language_unsupported` where it never is,
            `hearing_unavailable` where nothing listens.
        :raises Unavailable: too much is listened to already.
        """
        hearing = self._hearing
        if hearing is None:
            raise _nothing_listens()
        sound = await self._decoding.decode(audio)
        heard = await hearing.hear(sound.wav, language=language) if sound.speaks else None
        if heard is None or not heard.text.strip():
            raise Unprocessable("Nobody speaks in this audio.", code="no_speech", param="audio")
        return Spoken(heard.text.strip(), heard.language, sound.duration_ms)


def _nothing_listens() -> HearingError:
    error = HearingError(
        "Nothing is configured that understands speech: set voice.hearing.base_url or"
        " OPENAI_API_KEY, or install PocketSphinx (pip install 'talkwire[voice]').",
        code="hearing_unavailable",
    )
    error.status, error.retryable = 503, False
    return error

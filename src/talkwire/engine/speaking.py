"""An answer spoken: a voice's pieces as events of the turn."""

from __future__ import annotations

import base64
from contextlib import aclosing

from talkwire.canon.errors import SpeechError
from talkwire.canon.events import AudioCompleted, AudioDelta, AudioFailed
from talkwire.engine.live import LiveTurn
from talkwire.engine.ports import Speech
from talkwire.engine.steps import Speak


class Speaker:
    """Speaks answers; it keeps nothing between them.

    `backlog_events` bounds what a turn may have on its way to the journal: past it the voice is not
    read on.
    """

    def __init__(self, speech: Speech | None, *, backlog_events: int = 2000) -> None:
        self._speech = speech
        self._backlog = backlog_events

    async def speak(self, step: Speak, live: LiveTurn) -> None:
        """Speak the turn's answer. A voice that fails is told of, and fails nothing else."""
        voice, turn = step.voice_id, live.state
        if self._speech is None:
            why = "No voice service is configured: set VOICE_CLONE_BASE_URL."
            live.append([AudioFailed(voice, "voice_unavailable", why)])
            return
        if step.interrupted:
            why = "The server stopped while it was speaking."
            live.append([AudioFailed(voice, "worker_lost", why)])
            return
        mime = self._speech.mime
        stream = self._speech.speak(turn.text, voice_id=voice, session_id=turn.session_id)
        try:
            async with aclosing(stream) as pieces:
                async for piece in pieces:
                    live.append([AudioDelta(mime, base64.b64encode(piece).decode("ascii"))])
                    if live.backlog > self._backlog:
                        await live.room(self._backlog // 2)
        except SpeechError as error:
            live.append([AudioFailed(voice, error.code, error.message)])
        else:
            live.append([AudioCompleted(voice)])

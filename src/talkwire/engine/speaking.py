"""An answer spoken: after it is whole, or sentence by sentence while it is being written.

The text never waits for the voice. A voice that fails is told of once, and fails nothing else.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from talkwire.canon.errors import SpeechError
from talkwire.canon.events import (
    AgentCompleted,
    AgentStarted,
    AnyEvent,
    AudioCompleted,
    AudioDelta,
    AudioFailed,
    TextDelta,
    ToolCalled,
)
from talkwire.canon.turn import VoiceMode
from talkwire.engine.live import LiveTurn
from talkwire.engine.ports import Speech
from talkwire.engine.sentences import Sentences
from talkwire.engine.steps import Speak

_STOP_S = 1.0  # how long a voice that was stopped is waited for
_NONE = (
    "No voice is configured: set VOICE_CLONE_BASE_URL or voice.openai, or install espeak-ng."
    " / 未配置语音：请设置 VOICE_CLONE_BASE_URL 或 voice.openai，或安装 espeak-ng。"
)
_CUT = "The turn waits for a decision: what was still to be said is not spoken."
_BREAKS = (ToolCalled, AgentStarted, AgentCompleted)
_log = logging.getLogger(__name__)


class Speaker:
    """Speaks answers; it keeps nothing between them.

    `mode` is for requests that name none. No more than `max_chars` of an answer are spoken.
    `backlog_events` bounds what a turn may have on its way to the journal: past half of it the
    voice is not read on, so that there is always room for text.
    """

    def __init__(
        self,
        speech: Speech | None,
        *,
        mode: VoiceMode = "after",
        max_chars: int = 20_000,
        backlog_events: int = 2000,
    ) -> None:
        self._speech = speech
        self._mode = mode
        self._max_chars = max_chars
        self._backlog = backlog_events // 2

    def begin(self, live: LiveTurn, said: str) -> Speaking | None:
        """Whoever speaks the answer that a model is about to give, or to carry on from what it has
        `said`; None where it is not spoken meanwhile.
        """
        asked, speech = live.state.asked, self._speech
        wanted = asked.voice is not None and (asked.voice_mode or self._mode) == "live"
        if live.speaking is None and wanted and speech is not None and live.state.audio == "none":
            live.speaking = self._speaking(speech, live, asked.voice or "")
            live.speaking.hear([TextDelta(said)])
        return live.speaking

    async def speak(self, step: Speak, live: LiveTurn) -> None:
        """Speak the turn's answer, or what is left of it."""
        voice, turn = step.voice_id, live.state
        if self._speech is None:
            live.append([AudioFailed(voice, "voice_unavailable", _NONE)])
        elif live.speaking is not None:
            await live.speaking.finish(turn.text)
        elif step.interrupted:
            why = "The server stopped while it was speaking."
            live.append([AudioFailed(voice, "worker_lost", why)])
        else:
            live.speaking = self._speaking(self._speech, live, voice)
            await live.speaking.finish(turn.text)

    def _speaking(self, speech: Speech, live: LiveTurn, voice: str) -> Speaking:
        return Speaking(
            speech, live, voice, max_chars=self._max_chars, backlog_events=self._backlog
        )


class Speaking:
    """One answer that is being spoken: the only one who tells of the turn's audio. `stop` it
    before the turn ends.
    """

    def __init__(
        self, speech: Speech, live: LiveTurn, voice: str, *, max_chars: int, backlog_events: int
    ) -> None:
        self._speech = speech
        self._live = live
        self._voice = voice
        self._left = max_chars
        self._backlog = backlog_events
        self._sentences = Sentences()
        self._waiting: deque[str] = deque()
        self._heard = 0  # characters of the message that is being written
        self._whole: str | None = None  # the answer, where none of it was heard before
        self._started = False  # there was something to say
        self._ended = False
        self._muted = False
        self._more = asyncio.Event()
        self._task = asyncio.create_task(self._speak())

    def hear(self, events: Sequence[AnyEvent]) -> None:
        """What the model says. What it said before it calls a tool, or another one begins to speak,
        is spoken meanwhile.
        """
        for event in events:
            if type(event) is TextDelta:
                self._heard += len(event.text)
                self._add(self._sentences.feed(event.text))
            elif isinstance(event, _BREAKS):
                self._add(self._sentences.end())
                if isinstance(event, ToolCalled):
                    self._heard = 0

    async def finish(self, text: str) -> None:
        """The answer is whole: speak what is left of it, to the end."""
        if self._speech.whole and not (self._started or self._waiting or self._heard):
            self._whole = text
        else:
            self._add([*self._sentences.feed(text[self._heard :]), *self._sentences.end()])
        self._ended = True
        self._more.set()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()

    def cut(self) -> list[AnyEvent]:
        """Stop at once, without waiting; what is to be told of it."""
        left = not (self._task.done() or self._muted) and (self._started or bool(self._waiting))
        self._muted = True
        self._task.cancel()
        return [AudioFailed(self._voice, "speech_cut", _CUT)] if left else []

    async def stop(self) -> None:
        """Nothing is told any more, and the voice is closed."""
        self._muted = True
        self._task.cancel()
        done, _ = await asyncio.wait([self._task], timeout=_STOP_S)
        for task in done:
            if not task.cancelled() and (error := task.exception()) is not None:
                _log.error("speech.bug", exc_info=error)

    def _add(self, sentences: Sequence[str]) -> None:
        if sentences:
            self._waiting.extend(sentences)
            self._more.set()

    def _tell(self, event: AnyEvent) -> None:
        if not self._muted:
            self._live.append([event])

    async def _speak(self) -> None:
        while not (self._waiting or self._ended):
            await self._next()
        if not (self._waiting or self._whole):
            self._tell(AudioCompleted(self._voice))  # there is nothing in it that can be said
            return
        self._started = True
        session, lasts = self._live.session_id, 0.0
        try:
            async with aclosing(self._sentence_by_sentence()) as sentences:
                text = sentences if self._whole is None else self._all(self._whole)
                stream = self._speech.speak(text, voice_id=self._voice, session_id=session)
                async with aclosing(stream) as sounds:
                    async for sound in sounds:
                        lasts += sound.ms
                        await self._send(sound.mime, sound.data)
        except SpeechError as error:
            self._tell(AudioFailed(self._voice, error.code, error.message))
        else:
            self._tell(AudioCompleted(self._voice, round(lasts)))

    async def _send(self, mime: str, data: bytes) -> None:
        if not data:
            return
        self._tell(AudioDelta(mime, base64.b64encode(data).decode("ascii")))
        if self._live.backlog > self._backlog:
            # The model may wait for the same room: it must not end with this task.
            await asyncio.shield(self._live.room(self._backlog))

    async def _next(self) -> None:
        self._more.clear()
        await self._more.wait()

    async def _sentence_by_sentence(self) -> AsyncGenerator[str, None]:
        while True:
            while self._waiting:
                yield self._all(self._waiting.popleft().strip())
            if self._ended:
                return
            await self._next()

    def _all(self, text: str) -> str:
        """:raises SpeechError: it is more than is spoken of one answer."""
        self._left -= len(text)
        if self._left < 0:
            raise SpeechError("The answer is too long to be spoken to its end.")
        return text

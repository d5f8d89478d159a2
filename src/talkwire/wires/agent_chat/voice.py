"""`POST /chat/voice`: a message that is spoken. What is understood of it is a turn like all others.

An upload is decoded and understood before there is a turn; only for whoever waits for it, and not
again for a key that has its turn already.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from fastapi import APIRouter
from msgspec import structs
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.errors import HearingError
from talkwire.canon.hearing import Spoken
from talkwire.canon.records import Idempotency, Started, TurnRecord
from talkwire.canon.sessions import Session
from talkwire.canon.turn import TurnRequest
from talkwire.engine.ports import Agents
from talkwire.web.answers import json_answer
from talkwire.web.form import StreamLimits
from talkwire.web.openapi import answers, together
from talkwire.web.parameters import IDEMPOTENCY_KEY, LAST_EVENT_ID
from talkwire.web.start import Door, Turns, idempotency_of
from talkwire.web.staying import while_connected
from talkwire.web.upload import Upload, Uploads
from talkwire.web.whole import folded
from talkwire.wires.agent_chat import decode
from talkwire.wires.agent_chat.routes import FORM, Sessions, expect_agent
from talkwire.wires.agent_chat.shapes import FRAME, INPUT_CHARS, SpokenShape, VoiceForm
from talkwire.wires.agent_chat.spoken import Reply

VOICE = "/chat/voice"
FILE = "audio"


class Listening(Protocol):
    """What understands speech."""

    async def listen(self, audio: bytes, *, language: str | None) -> Spoken:
        """What is said in a file. :raises TalkwireError: it cannot be told."""
        ...


@dataclass(frozen=True)
class Asked:
    """One upload, with the session that it belongs to."""

    upload: Upload
    form: VoiceForm
    session: Session
    once: Idempotency | None


def router(
    turns: Turns,
    sessions: Sessions,
    agents: Agents,
    *,
    listening: Listening,
    uploads: Uploads,
    streams: StreamLimits | None = None,
    input_chars: int = INPUT_CHARS,
) -> APIRouter:
    """Messages that are spoken."""
    door = Door(turns, FORM, streams or StreamLimits())
    voice = Voice(door, sessions, agents, listening, uploads, most_chars=input_chars)
    tags: list[Any] = [decode.WIRE]
    routes = APIRouter(tags=tags)
    routes.add_api_route(
        VOICE,
        voice.heard,
        methods=["POST"],
        summary="Say something aloud, and be given the whole answer, or its stream",
        openapi_extra=together(IDEMPOTENCY_KEY, LAST_EVENT_ID, _asks()),
        responses=_answers(),
        response_class=Response,
    )
    return routes


class Voice:
    """`/chat/voice`."""

    def __init__(
        self,
        door: Door,
        sessions: Sessions,
        agents: Agents,
        listening: Listening,
        uploads: Uploads,
        *,
        most_chars: int,
    ) -> None:
        self._door = door
        self._sessions = sessions
        self._agents = agents
        self._listening = listening
        self._uploads = uploads
        self._chars = most_chars

    async def heard(self, request: Request) -> Response:
        """Starts a turn from speech; answers with all of it, or with its stream."""
        owner = self._door.enter(request, "chat")
        resumed = await self._door.resume(request)
        if resumed is not None:
            return resumed
        record, stream = await self._started(request, owner)
        if stream:
            return await self._door.follow(request, record.turn_id)
        reply = await folded(self._door, request, record.turn_id, Reply())
        response = json_answer(reply.given())
        response.headers["X-Turn-Id"] = record.turn_id
        response.headers["X-Session-Id"] = record.session_id
        return response

    async def _started(self, request: Request, owner: str) -> tuple[TurnRecord, bool]:
        """The turn, and whether its stream is wanted; the upload is let go of by then."""
        async with self._uploads.receive(request) as upload:
            form = decode.voice(upload.fields)
            once = idempotency_of(request, [upload.sha256, sorted(upload.fields.items())])
            session = await self._sessions.session(owner, form.session_id)
            asked = Asked(upload, form, session, once)
            expect_agent(self._agents, decode.turn(decode.said(form, "?"), session).agent)
            started = await self._door.begin(request, partial(self._begun, request, asked))
        return started.record, form.stream

    async def _begun(
        self, request: Request, asked: Asked, owner: str, *, key_id: str | None
    ) -> Started:
        """Understand it, and start the turn; or find the one that the key names."""
        turns, once = self._door.turns, asked.once
        known = None if once is None else await turns.known(owner, once)
        if known is not None:
            return Started(known, fresh=False)
        listen = self._listening.listen(asked.upload.file, language=asked.form.language)
        turn = self._turn(asked, await while_connected(request, listen))
        return await turns.start(owner, turn, idempotency=once, key_id=key_id)

    def _turn(self, asked: Asked, spoken: Spoken) -> TurnRequest:
        if len(spoken.text) > self._chars:
            raise HearingError("More was understood than fits into a message.")
        form = asked.form
        return structs.replace(
            decode.turn(decode.said(form, spoken.text), asked.session),
            voice=form.reply_voice,
            voice_mode="live" if form.reply_voice else None,
            heard_ms=spoken.duration_ms,
            heard_language=spoken.language,
        )


def _asks() -> dict[str, Any]:
    schema = VoiceForm.model_json_schema()
    audio = {"type": "string", "format": "binary", "description": "wav, mp3, ogg, webm, flac, m4a"}
    schema["properties"] = {FILE: audio, **schema["properties"]}
    schema["required"] = [FILE, *schema["required"]]
    content = {"multipart/form-data": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def _answers() -> dict[int | str, dict[str, Any]]:
    told = answers(
        SpokenShape,
        "What was heard, and the answer; with `stream` the turn's frames, `transcript` first",
        {
            404: "No such session or agent",
            409: "The session is busy, or the key is taken",
            413: "The audio is too large, or too long (audio_too_long)",
            415: "No multipart/form-data",
            422: "No audio (audio_undecodable), nobody speaks (no_speech), or a field is wrong",
            502: "The service that listens, or the model, failed",
            504: "One of them took too long",
        },
    )
    told[200]["content"]["text/event-stream"] = {"schema": FRAME}
    return told | {204: {"description": "The turn has ended and its last frame was seen"}}

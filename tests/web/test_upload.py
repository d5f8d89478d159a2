from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

import pytest
from starlette.requests import Request
from starlette.types import Message

from talkwire.canon.errors import BadRequest, TalkwireError, Unavailable
from talkwire.web.limits import ClientLeft
from talkwire.web.upload import Upload, Uploads
from tests.web.forms import AUDIO, GOOD, MALFORMED, TYPE, form, part
from tests.web.wire import scope


def _request(pieces: Sequence[bytes], kind: str | None = TYPE, *, leaves: bool = False) -> Request:
    waiting = list(pieces)

    async def receive() -> Message:
        if leaves and not waiting:
            return {"type": "http.disconnect"}
        body = waiting.pop(0) if waiting else b""
        return {"type": "http.request", "body": body, "more_body": bool(waiting) or leaves}

    headers = {} if kind is None else {"content-type": kind}
    return Request(scope("/chat/voice", "POST", headers), receive)


def _uploads(most: int = 100_000, waiting: int = 1_000_000) -> Uploads:
    return Uploads("audio", most_bytes=most, waiting_bytes=waiting)


async def _read(
    body: bytes, *, step: int = 0, kind: str | None = TYPE, most: int = 9_000
) -> Upload:
    step = step or len(body) or 1
    pieces = [body[k : k + step] for k in range(0, len(body), step)]
    async with _uploads(most).receive(_request(pieces, kind)) as upload:
        return upload


@pytest.mark.parametrize("step", [0, 1, 7, 300])
async def test_fields_and_file_come_however_the_bytes_do(step: int) -> None:
    upload = await _read(GOOD, step=step)

    assert upload == Upload({"session_id": "s_1"}, AUDIO, hashlib.sha256(AUDIO).hexdigest())


async def test_what_the_file_is_called_and_declared_to_be_is_no_matter() -> None:
    plain = form(part("audio", b"x"))
    named = form(part("audio", b"x", file="../../etc/passwd", more="Content-Type: image/png\r\n"))

    assert (await _read(plain)).file == (await _read(named)).file == b"x"


async def test_a_file_as_large_as_allowed_is_taken() -> None:
    assert len((await _read(form(part("audio", bytes(9_000))))).file) == 9_000


@pytest.mark.parametrize("what", MALFORMED)
async def test_what_is_no_form_is_refused(what: str) -> None:
    body, kind, status = MALFORMED[what]

    for step in (0, 5):
        with pytest.raises(TalkwireError) as caught:
            await _read(body, step=step, kind=kind)
        assert caught.value.status == status


async def test_it_is_told_which_field_is_at_fault() -> None:
    with pytest.raises(BadRequest) as caught:
        await _read(form(part("session_id", b"s")))

    assert caught.value.param == "audio"


async def test_a_client_that_leaves_is_no_error_of_ours() -> None:
    with pytest.raises(ClientLeft):
        async with _uploads().receive(_request([GOOD[:50]], leaves=True)):
            pass


async def test_all_uploads_together_have_so_much_room_and_no_more() -> None:
    uploads = _uploads(waiting=len(GOOD) + 100)
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with uploads.receive(_request([GOOD])):
            inside.set()
            await go_on.wait()

    holding = asyncio.create_task(hold())
    await inside.wait()
    with pytest.raises(Unavailable):
        async with uploads.receive(_request([GOOD])):
            pass
    go_on.set()
    await holding

    async with uploads.receive(_request([GOOD])) as upload:
        assert upload.file == AUDIO

"""A form with one file in it, read while it comes: `multipart/form-data` (RFC 7578).

Everything in it is bounded: how many parts and headers there are, how long fields are and the
file, and what all uploads together hold in memory. What the file is called, and what it is
declared to be, is not looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from talkwire.canon.errors import BadRequest, PayloadTooLarge, Unavailable
from talkwire.web.limits import ClientLeft, NotJson, throw_away

MOST_PARTS = 16
FIELD_BYTES = 4_096
HEADERS = 8
HEADER_BYTES = 1_024
SLACK_BYTES = MOST_PARTS * (FIELD_BYTES + HEADERS * HEADER_BYTES)
"""So much more than its file a whole form may be."""

_BOUNDARY_BYTES = 200
_ENCODINGS = (b"", b"7bit", b"8bit", b"binary")


@dataclass(frozen=True)
class Upload:
    """What came: the fields by their names, and the file, which has the digest `sha256`."""

    fields: dict[str, str]
    file: bytes = field(repr=False)
    sha256: str


class Uploads:
    """The forms that are being read or worked on. `file` is the name of its part."""

    def __init__(self, file: str, *, most_bytes: int, waiting_bytes: int) -> None:
        self._file = file
        self._most_bytes = most_bytes
        self._left = waiting_bytes

    @asynccontextmanager
    async def receive(self, request: Request) -> AsyncIterator[Upload]:
        """The form of a request; its bytes count as held until the block is left.

        :raises NotJson: it is no form of this kind.
        :raises BadRequest: it is malformed, cut, or has a part twice; `param` names it.
        :raises PayloadTooLarge: the file, or a field, is longer than it may be.
        :raises Unavailable: there is no room for another one just now.
        """
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            if size > self._left:
                raise Unavailable("Too much is uploaded just now; ask again in a moment.")
            self._left -= size
            held += size

        try:
            yield await self._read(request, hold)
        finally:
            self._left += held

    async def _read(self, request: Request, hold: Callable[[int], None]) -> Upload:
        more = True
        try:
            form = _Form(_boundary(request), self._file, self._most_bytes)
            while more:
                piece, more = await _next(request)
                hold(len(piece))
                form.feed(piece)
            return form.whole()
        except (BadRequest, Unavailable) as error:
            if more and not isinstance(error, ClientLeft):
                await throw_away(request.receive)  # or the answer is lost: see `Limits`
            raise


async def _next(request: Request) -> tuple[bytes, bool]:
    """The next piece of the body, and whether there is more. :raises ClientLeft: no."""
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientLeft("The client left.")
    return message.get("body", b""), message.get("more_body", False)


def _boundary(request: Request) -> bytes:
    kind, parameters = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data":
        raise NotJson("The body must be multipart/form-data.", param="Content-Type")
    boundary = parameters.get(b"boundary", b"")
    if not 0 < len(boundary) <= _BOUNDARY_BYTES or not boundary.isascii():
        raise BadRequest("The form has no boundary that can be used.", param="Content-Type")
    return boundary


class _Form:
    """The parts of one form as they come."""

    def __init__(self, boundary: bytes, file: str, most_bytes: int) -> None:
        self._file = file
        self._most = most_bytes
        self._fields: dict[str, bytes] = {}
        self._pieces: list[bytes] | None = None  # of the file
        self._digest = hashlib.sha256()
        self._parts = 0
        self._ended = False
        self._header: tuple[bytes, bytes] = (b"", b"")
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._size = 0
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._begin,
                "on_part_data": self._take,
                "on_end": self._end,
            },
        )

    def feed(self, piece: bytes) -> None:
        """Read on. :raises BadRequest, PayloadTooLarge:"""
        try:
            self._parser.write(piece)
        except FormParserError:
            raise BadRequest("The body is no well-formed multipart/form-data.") from None

    def whole(self) -> Upload:
        """All of it. :raises BadRequest: it was cut, or has no file."""
        if not self._ended:
            raise BadRequest("The form is cut: its last boundary is missing.")
        if self._pieces is None:
            raise BadRequest(f"The form has no part {self._file}.", param=self._file)
        try:
            fields = {name: value.decode() for name, value in self._fields.items()}
        except UnicodeDecodeError:
            raise BadRequest("A field of the form is not valid UTF-8.") from None
        whole = b"".join(self._pieces)
        self._pieces = []
        return Upload(fields, whole, self._digest.hexdigest())

    def _part(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise BadRequest(f"The form has more than {MOST_PARTS} parts.")
        self._headers, self._header = {}, (b"", b"")

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        name, value = self._header
        self._header = (name + data[start:end], value)
        self._check_header()

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        name, value = self._header
        self._header = (name, value + data[start:end])
        self._check_header()

    def _check_header(self) -> None:
        if sum(map(len, self._header)) > HEADER_BYTES or len(self._headers) >= HEADERS:
            raise BadRequest("A part of the form has too many headers, or too long ones.")

    def _header_end(self) -> None:
        name, value = self._header
        self._headers[name.lower()] = value
        self._header = (b"", b"")

    def _begin(self) -> None:
        """The headers of a part are there."""
        kind, parameters = parse_options_header(self._headers.get(b"content-disposition"))
        name = parameters.get(b"name", b"")
        if kind != b"form-data" or not 0 < len(name) <= 100 or not name.isascii():
            raise BadRequest("A part of the form has no name that can be used.")
        encoding = self._headers.get(b"content-transfer-encoding", b"").lower()
        if encoding not in _ENCODINGS:
            raise BadRequest("A part of the form is encoded: it must come as it is.")
        self._name, self._size = name.decode(), 0
        if self._name in self._fields or (self._name == self._file and self._pieces is not None):
            raise BadRequest("The form has a part twice.", param=_shown(self._name))
        if self._name == self._file:
            self._pieces = []
        else:
            self._fields[self._name] = b""

    def _take(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._name == self._file and self._pieces is not None:
            if self._size > self._most:
                why = f"The {self._file} is larger than {self._most} bytes."
                raise PayloadTooLarge(why, param=self._file)
            piece = data[start:end]
            self._pieces.append(piece)
            self._digest.update(piece)
            return
        if self._size > FIELD_BYTES:
            why = f"A field of the form is longer than {FIELD_BYTES} bytes."
            raise PayloadTooLarge(why, param=_shown(self._name))
        self._fields[self._name] += data[start:end]

    def _end(self) -> None:
        self._ended = True


def _shown(name: str) -> str:
    """The name of a part comes from the client, so it is made printable and short."""
    return ascii(name)[1:-1][:64]

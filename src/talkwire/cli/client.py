"""The native wire from the terminal's side: start a turn, follow it through lost connections."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx2
from pydantic import SecretStr

from talkwire.cli.words import say

TERMINAL = ("turn.completed", "turn.failed", "turn.aborted", "complete", "error")
"""Of both wires that are spoken here."""

_GIVE_UP_S = 60.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 3.0
_A_WINDOW_S = 60.0  # over which limits count
_TIMEOUT = httpx2.Timeout(10.0, read=90.0)  # servers break their silence at least every 60 s


class ClientError(Exception):
    """Nothing more to be had from the server; the message is for the person."""


class Limited(ClientError):
    """Asked too often. `retry_after_s`: when it is worth asking again."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(say("limited", seconds=retry_after_s))
        self.retry_after_s = retry_after_s


class Happened(NamedTuple):
    """An event of a turn: its canonical kind and fields, `n` and `at` among them."""

    kind: str
    fields: dict[str, Any]

    @property
    def text(self) -> str:
        """Safe text of a delta: no control characters that would steer the terminal."""
        return plain(str(self.fields.get("text", "")))


def plain(text: str) -> str:
    """Text without control characters, but for line ends and tabs."""
    return "".join(c for c in text if c in "\n\t" or not (ord(c) < 32 or 127 <= ord(c) < 160))


class Client:
    """A server. Close it; one request at a time. `key` is shown with every request."""

    def __init__(
        self,
        url: str,
        *,
        key: SecretStr | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        address = url if "://" in url else f"http://{url}"
        try:
            parsed = httpx2.URL(address.rstrip("/"))
        except httpx2.InvalidURL:
            raise ClientError(say("bad_url")) from None
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise ClientError(say("bad_url"))
        self.url = address.rstrip("/")
        near = parsed.host in ("127.0.0.1", "localhost", "::1")
        self._with_key = key is not None
        self.http = httpx2.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key.get_secret_value()}"} if key else {},
            timeout=_TIMEOUT,
            trust_env=not near,
            transport=transport,
        )

    def close(self) -> None:
        """Give up the connections."""
        self.http.close()

    def start(self, body: Mapping[str, Any]) -> tuple[str, str]:
        """Start a turn; its id and its session's. Asking again after a loss starts no second one.

        :raises ClientError: no server, or it refuses.
        """
        given = {key: value for key, value in body.items() if value is not None}
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        for attempt in range(3):
            try:
                answer = self.http.post("/turns", json=given, headers=headers)
            except httpx2.ConnectError:
                break
            except httpx2.TransportError:
                time.sleep(_FIRST_WAIT_S * 2**attempt)
                continue
            started = self._checked(answer)
            return str(started["turn_id"]), str(started["session_id"])
        raise ClientError(say("no_server", url=self.url))

    def abort(self, turn_id: str) -> None:
        """Stop the turn; where the server cannot be reached there is nothing to stop by.

        :raises ClientError: this key may not, or not now.
        """
        self.post(f"/turns/{turn_id}/abort")

    def post(self, path: str, body: object = None) -> None:
        """Ask for something that may be lost on the way. :raises ClientError: as `abort`."""
        try:
            answer = self.http.post(path, json=body)
        except httpx2.TransportError:
            return
        if answer.status_code in (401, 403, 429):
            self._checked(answer)

    def follow(
        self, turn_id: str, on_lost: Callable[[], None], after: int = -1
    ) -> Iterator[Happened]:
        """The events after number `after` until the terminal one, each exactly once.

        A lost connection is taken up again where it broke; `on_lost` is told once for each loss.

        Where too much is asked it is asked again when the server says so.

        :raises ClientError: refused, or nothing heard for a minute, or not to be for so long.
        """
        return self.kept_up(lambda after: self._stream(turn_id, after), on_lost, after, turn_id)

    def kept_up(
        self,
        stream: Callable[[int], Iterator[Happened]],
        on_lost: Callable[[], None],
        after: int = -1,
        turn_id: str = "",
    ) -> Iterator[Happened]:
        """As `follow`, of whatever `stream` gives after a number."""
        heard, wait_s, told = time.monotonic(), _FIRST_WAIT_S, False
        while True:
            try:
                for event in stream(after):
                    heard, wait_s, told = time.monotonic(), _FIRST_WAIT_S, False
                    after = int(event.fields.get("n", after + 1))
                    yield event
                    if event.kind in TERMINAL:
                        return
                if self._ended:
                    return
            except httpx2.TransportError:
                pass  # taken up again below, as is a stream that ended without its terminal event
            except Limited as limited:
                if time.monotonic() + limited.retry_after_s > heard + _GIVE_UP_S:
                    raise
                wait_s = limited.retry_after_s
            if time.monotonic() - heard > _GIVE_UP_S:
                raise ClientError(say("gave_up", seconds=_GIVE_UP_S, turn=turn_id))
            if not told:
                on_lost()
                told = True
            time.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    _ended = False

    def _stream(self, turn_id: str, after: int) -> Iterator[Happened]:
        headers = {"Accept": "text/event-stream"}
        if after >= 0:
            headers["Last-Event-ID"] = f"{turn_id}:{after}"
        with self.opened("GET", f"/turns/{turn_id}/events", headers) as answer:
            if answer is not None:
                yield from parse(answer.iter_lines())

    @contextmanager
    def opened(
        self, method: str, path: str, headers: Mapping[str, str], body: object = None
    ) -> Iterator[httpx2.Response | None]:
        """A stream's answer; None where there is nothing to read, now or any more.

        :raises ClientError: refused.
        """
        with self.http.stream(method, path, headers=headers, json=body) as answer:
            self._ended = answer.status_code == 204
            if self._ended or answer.status_code >= 500:
                yield None
                return
            if answer.status_code != 200:
                answer.read()
                self._checked(answer)
            yield answer

    def _checked(self, answer: httpx2.Response) -> dict[str, Any]:
        """The body. :raises ClientError: it is none, with what to do about it."""
        body = _body(answer)
        if answer.is_success and body is not None:
            return body
        message = f"HTTP {answer.status_code}"
        if body is not None:
            message = plain(str(body.get("detail") or body.get("title") or message))
        if body is not None and body.get("code") == "budget_exceeded":
            raise ClientError(say("refused", message=message))
        match answer.status_code:
            case 401:
                word = "key_refused" if self._with_key else "key_needed"
                raise ClientError(say(word, url=self.url))
            case 403:
                raise ClientError(say("key_may_not", message=message))
            case 429:
                raise Limited(_retry_after_s(answer))
        raise ClientError(say("refused", message=message))


def parse(lines: Iterator[str]) -> Iterator[Happened]:
    """Server-sent events as canonical events; comments and unfinished frames are dropped."""
    kind, data = "", ""
    for line in lines:
        if line.startswith("event: "):
            kind = line[7:]
        elif line.startswith("data: "):
            data = line[6:]
        elif not line and data:
            yield Happened(kind, json.loads(data))
            kind, data = "", ""


def _body(answer: httpx2.Response) -> dict[str, Any] | None:
    try:
        body = answer.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _retry_after_s(answer: httpx2.Response) -> float:
    """Seconds, as Talkwire says it; a proxy's date or nothing is taken for a minute."""
    told = answer.headers.get("retry-after", "")
    return max(1.0, float(told)) if told.isascii() and told.isdigit() else _A_WINDOW_S

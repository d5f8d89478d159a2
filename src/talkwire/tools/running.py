"""Running a function of somebody else's: on the loop or in a thread, whole or in pieces.

What it gives becomes text, and what it raises an answer that a model and a person can read.
A thread cannot be stopped: a cancelled call leaves it behind, unheard, and it keeps its place
among the threads until it ends. A coroutine that will not be cancelled is left after `GRACE_S`.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import inspect
import threading
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any

import structlog
from msgspec.structs import replace
from pydantic_core import PydanticSerializationError, to_json

from talkwire.canon.errors import TalkwireError
from talkwire.canon.secrecy import scrubbed
from talkwire.canon.tools import RESULT_CHARS, ToolAnswer

MOST_THREADS = 32
GRACE_S = 2.0
_ERROR_CHARS = 2_000

_log = structlog.get_logger("talkwire.tools")
_left: set[asyncio.Task[ToolAnswer]] = set()
Finish = Callable[[Any], ToolAnswer]


class Refusal(Exception):
    """What was asked for cannot be done; the words are for the model, and no bug is meant."""


class Pieces:
    """What a tool says while it runs, up to `RESULT_CHARS`; safe to use from any thread.

    `hear` is called on the loop, in order; pieces that come faster than the loop are joined.
    After `close` nothing is heard.
    """

    def __init__(self, hear: Callable[[str], None]) -> None:
        self.truncated = False
        self.closed = False
        self._hear = hear
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._said: list[str] = []
        self._heard = 0
        self._room = RESULT_CHARS
        self._woken = False

    @property
    def text(self) -> str:
        """All that was said."""
        return "".join(self._said)

    @property
    def full(self) -> bool:
        """Nobody listens any more: more was said than is kept, or the call is over."""
        return self.truncated or self.closed

    def say(self, piece: str) -> None:
        """Hand a piece on. Never blocks, and raises nothing."""
        with self._lock:
            self.truncated = self.truncated or len(piece) > self._room
            kept = piece[: self._room]
            if not kept or self.closed:
                return
            self._room -= len(kept)
            self._said.append(kept)
            woken, self._woken = self._woken, True
        if threading.get_ident() == self._thread:
            self.flush()
        elif not woken:
            # The loop may be gone by the time a forgotten thread says something.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.flush)

    def flush(self) -> None:
        """Let what was said be heard; on the loop only."""
        with self._lock:
            piece = "".join(self._said[self._heard :])
            self._heard, self._woken = len(self._said), False
        if piece and not self.closed:
            self._hear(piece)

    def close(self) -> None:
        """The call is over."""
        self.closed = True


class Threads:
    """Threads for calls that block: one a call, `most` at once, none of them when nothing runs.

    They are daemons, so that a tool that hangs for ever does not keep the process from ending.
    """

    def __init__(self, most: int = MOST_THREADS) -> None:
        self._places = asyncio.Semaphore(most)

    async def run(self, work: Callable[[], Any]) -> Any:
        """Call it in a thread of its own, in this context; waits for a place first."""
        if self._places.locked():
            _log.warning("tool.waits_for_a_thread")
        await self._places.acquire()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
        context = contextvars.copy_context()

        def end(value: Any, error: BaseException | None) -> None:
            self._places.release()
            if not done.done():
                done.set_result((value, error))

        def run() -> None:
            value, raised = None, None
            try:
                value = context.run(work)
            except BaseException as error:
                raised = error
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(end, value, raised)

        try:
            threading.Thread(target=run, name="talkwire-tool", daemon=True).start()
        except RuntimeError:
            self._places.release()
            raise
        value, error = await done
        if error is not None:
            raise error
        return value


async def answer(
    name: str,
    work: Callable[[], Any],
    *,
    pieces: Pieces,
    threads: Threads | None,
    finish: Finish | None = None,
) -> ToolAnswer:
    """Do the work of a call and say how it went; raises nothing but this task's cancellation.

    The work is begun in a thread when `threads` are given. It may give a value, an awaitable of
    one, or a generator of pieces. `finish` makes the answer of the value.
    """
    task = asyncio.create_task(_answer(name, work, pieces, threads, finish or whole))
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        pieces.close()
        task.cancel()
        _left.add(task)
        task.add_done_callback(_left.discard)
        await asyncio.wait({task}, timeout=GRACE_S)
        if not task.done():
            _log.warning("tool.will_not_stop", tool=name)
        raise
    pieces.flush()
    pieces.close()
    return task.result()


async def _answer(
    name: str,
    work: Callable[[], Any],
    pieces: Pieces,
    threads: Threads | None,
    finish: Finish,
) -> ToolAnswer:
    try:
        value = await threads.run(work) if threads else work()
        while inspect.isawaitable(value):
            value = await value
        if isinstance(value, AsyncIterator):
            await _listen(value, pieces)
        elif isinstance(value, Generator):
            await (threads or Threads(1)).run(functools.partial(_exhaust, value, pieces))
        else:
            return finish(value)
        said = finish(pieces.text)
        return replace(said, truncated=True) if pieces.truncated else said
    except Refusal as error:
        return ToolAnswer(as_text(str(error)), is_error=True)
    except TalkwireError as error:
        return ToolAnswer(as_text(error.message), is_error=True)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return _raised(name, error)
    except (Exception, SystemExit, BaseExceptionGroup) as error:
        return _raised(name, error)


async def _listen(spoken: AsyncIterator[Any], pieces: Pieces) -> None:
    try:
        async for piece in spoken:
            pieces.say(as_text(piece))
            if pieces.full:
                break
            # A generator that never waits would keep all other turns waiting.
            await asyncio.sleep(0)
    finally:
        close: Callable[[], Awaitable[object]] | None = getattr(spoken, "aclose", None)
        if close is not None:
            await close()


def _exhaust(spoken: Generator[Any, Any, Any], pieces: Pieces) -> None:
    with contextlib.closing(spoken):
        for piece in spoken:
            pieces.say(as_text(piece))
            if pieces.full:
                break


def whole(value: Any) -> ToolAnswer:
    """An answer of a value: text as it is, anything else as JSON; cut at `RESULT_CHARS`."""
    text = as_text(value)
    return ToolAnswer(text[:RESULT_CHARS], truncated=len(text) > RESULT_CHARS)


def as_text(value: Any) -> str:
    """Text as it is and UTF-8 bytes as text, other bytes as Base64, all else as JSON.

    :raises Refusal: it cannot be written as JSON.
    """
    if isinstance(value, bytes | bytearray):
        with contextlib.suppress(UnicodeDecodeError):
            value = value.decode()
    if isinstance(value, str):
        # Half a surrogate pair is no character, and nothing further on could encode it.
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    try:
        written = to_json(value, bytes_mode="base64", inf_nan_mode="strings").decode()
    except (PydanticSerializationError, ValueError) as error:
        kind = type(value).__qualname__
        raise Refusal(f"The tool's answer of type {kind} cannot be written as JSON.") from error
    return written.strip('"') if isinstance(value, bytes | bytearray) else written


def _raised(name: str, error: BaseException) -> ToolAnswer:
    last = traceback.extract_tb(error.__traceback__)[-1:]
    # Where, and not what: the words of an error may repeat what a person wrote.
    at = [f"{frame.filename}:{frame.lineno}" for frame in last]
    _log.warning("tool.raised", tool=name, error=type(error).__name__, at="".join(at))
    # The addresses and headers that clients put into their errors hold keys.
    told = scrubbed("".join(traceback.format_exception_only(error)).strip())
    return ToolAnswer(as_text(f"The tool failed: {told}")[:_ERROR_CHARS], is_error=True)

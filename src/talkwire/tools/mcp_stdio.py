"""An MCP server as a child process: its pipes, bounded, and the end of all that it started.

The SDK's own transport reads lines of any length; this one reads at most MESSAGE_BYTES of a line
and what an Allowance grants. Lines that are no messages are passed over, and so are notifications
that come too fast. Nothing of the process group outlives the connection.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from anyio import BrokenResourceError, ClosedResourceError, create_memory_object_stream
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp_types import (
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    jsonrpc_message_adapter,
)

from talkwire.tools.mcp_config import Command
from talkwire.tools.mcp_flood import MESSAGE_BYTES, Allowance, Flooded
from talkwire.tools.mcp_link import LAST_WORDS_BYTES, Ended

_CHUNK_BYTES = 64 * 1024
_AHEAD = 64
"""Messages that wait for a server that does not read; then whoever sends waits."""
_ID = re.compile(rb'"id"\s*:\s*(\d{1,15})')
_GRACE_S = 1.0
_NOTICED_S = 0.25
_POLL_S = 0.01
_GONE = (BrokenResourceError, ClosedResourceError, OSError)

_In = MemoryObjectSendStream[SessionMessage | Exception]
_Streams = tuple[
    MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]
]


@asynccontextmanager
async def child(command: Command, ended: Ended) -> AsyncIterator[_Streams]:
    """The streams to a server that is started here. Raises OSError if it cannot be."""
    process = await asyncio.create_subprocess_exec(
        command.command,
        *command.args,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        cwd=command.cwd,
        env=get_default_environment() | command.env,
        start_new_session=True,
        limit=_CHUNK_BYTES,
    )
    if not (process.stdin and process.stdout and process.stderr):
        raise OSError("a process without pipes")
    heard, incoming = create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, spoken = create_memory_object_stream[SessionMessage](_AHEAD)
    tasks = [
        asyncio.create_task(_hear(process, process.stdout, heard, ended)),
        asyncio.create_task(_speak(process.stdin, spoken, ended)),
        asyncio.create_task(_overhear(process.stderr, ended)),
        asyncio.create_task(_await_end(process)),
    ]
    try:
        yield incoming, outgoing
    finally:
        ended.close()
        try:
            await _stop(process)
        finally:
            _signal(process, signal.SIGKILL)  # what it started and left behind
            await _exited(process, _GRACE_S)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for stream in (heard, incoming, outgoing, spoken):
                stream.close()
            _forget(process)


async def _hear(process: Process, stdout: StreamReader, heard: _In, ended: Ended) -> None:
    """Reads messages until there are no more; closing `heard` tells the session so."""
    with heard:
        try:
            await _lines(stdout, heard)
        except Flooded as error:
            ended.end(str(error))
            _signal(process, signal.SIGKILL)
        except _GONE:
            pass
        ended.end(await _ending(process))


async def _await_end(process: Process) -> None:
    """What it started may hold its pipes open, and its end would go unnoticed."""
    while process.returncode is None:  # noqa: ASYNC110 - the library's wait is for the pipes too
        await asyncio.sleep(_NOTICED_S)
    _signal(process, signal.SIGKILL)
    await asyncio.sleep(_NOTICED_S)
    _forget(process)


async def _ending(process: Process) -> str:
    """How it ended, if it has; a process whose output is closed ends soon."""
    if not await _exited(process, 0.2) or process.returncode is None:
        return "It closed its output."
    if process.returncode < 0:
        return f"It was ended by signal {-process.returncode}."
    return f"It exited with status {process.returncode}."


async def _lines(stdout: StreamReader, heard: _In) -> None:
    allowance = Allowance()
    line = bytearray()
    while chunk := await stdout.read(_CHUNK_BYTES):
        allowance.spend(len(chunk))
        first, *others = chunk.split(b"\n")
        line += first
        for other in others:
            await _pass_on(line, heard, allowance)
            line = bytearray(other)
        if len(line) > MESSAGE_BYTES:
            raise Flooded("It sent a message that is larger than any that is read.")


async def _pass_on(line: bytearray, heard: _In, allowance: Allowance) -> None:
    if len(line) > MESSAGE_BYTES:
        raise Flooded("It sent a message that is larger than any that is read.")
    if b'"id"' in line:
        allowance.spend(0, 1)
    elif not allowance.heeds():
        return
    message: JSONRPCMessage | None
    try:
        message = jsonrpc_message_adapter.validate_json(bytes(line), by_name=False)
    except (ValueError, RecursionError):
        message = _instead_of(line)
    if message is not None:
        await heard.send(SessionMessage(message))


def _instead_of(line: bytearray) -> JSONRPCError | None:
    """Of what cannot be read: the end of the request that it seems to answer. Most often it is a
    stray print of the server, and nothing comes of it.
    """
    if not line.lstrip().startswith(b"{") or (found := _ID.search(line)) is None:
        return None
    error = ErrorData(code=PARSE_ERROR, message="It answered with what cannot be read.")
    return JSONRPCError(jsonrpc="2.0", id=int(found[1]), error=error)


async def _speak(
    stdin: StreamWriter, spoken: MemoryObjectReceiveStream[SessionMessage], ended: Ended
) -> None:
    try:
        with spoken:
            async for each in spoken:
                text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
                stdin.write(text.encode() + b"\n")
                await stdin.drain()
    except _GONE:
        ended.end("It closed its input.")


async def _overhear(stderr: StreamReader, ended: Ended) -> None:
    """Reads what the server writes beside the protocol, so that it never waits for a reader."""
    with suppress(OSError):
        while chunk := await stderr.read(_CHUNK_BYTES):
            ended.last_words += chunk[-LAST_WORDS_BYTES:]
            del ended.last_words[:-LAST_WORDS_BYTES]
            if len(chunk) == _CHUNK_BYTES:
                await asyncio.sleep(0.001)  # others go first, however much comes


async def _stop(process: Process) -> None:
    """As the protocol asks: its input closes; then it is told to end; then it is ended."""
    if process.stdin is not None:
        process.stdin.close()
    if await _exited(process, _GRACE_S):
        return
    _signal(process, signal.SIGTERM)
    if await _exited(process, _GRACE_S):
        return
    _signal(process, signal.SIGKILL)
    await _exited(process, _GRACE_S)


async def _exited(process: Process, within_s: float) -> bool:
    """Looks by itself: the library's own wait lasts until every heir has closed the pipes."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within_s
    while process.returncode is None:
        if loop.time() >= until:
            return False
        await asyncio.sleep(_POLL_S)
    return True


def _signal(process: Process, number: signal.Signals) -> None:
    """To all of its group: it leads one of its own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _forget(process: Process) -> None:
    """Closes the pipes though a heir may hold their other ends; asyncio has no public way."""
    transport = getattr(process, "_transport", None)
    if transport is not None:
        with suppress(PermissionError, ProcessLookupError):
            transport.close()

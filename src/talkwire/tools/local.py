"""Tools that run in this process: registered handlers and decorated functions, as one source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from talkwire.canon.tools import CallContext, Tool, ToolAnswer
from talkwire.tools.decorated import Decorated, blocks, streams
from talkwire.tools.handlers import Callbacks, Handler
from talkwire.tools.near import unknown
from talkwire.tools.running import MOST_THREADS, Finish, Pieces, Refusal, Threads, answer, whole

_MOST_NAME_CHARS = 128
_Prepare = Callable[[dict[str, Any], CallContext, Pieces], tuple[Callable[[], Any], Finish]]


class ToolInfo(Struct):
    """What a model is told of a handler. `input_schema` is a JSON Schema of an object."""

    name: str
    description: str = ""
    input_schema: dict[str, Any] = field(
        default_factory=lambda: {"type": "object", "properties": {}}
    )
    supports_streaming: bool = False


class _Entry(Struct, frozen=True):
    """A tool, the making of a call of it, and whether that call needs a thread."""

    tool: Tool
    prepare: _Prepare
    blocking: bool


class McpToolExecute:
    """Handlers and decorated functions by name, in the order in which they came.

    It belongs to one event loop once it is called. At most `most_threads` functions that are not
    asynchronous run at once; further ones wait for their turn.
    """

    def __init__(
        self,
        tools: Iterable[Decorated[..., Any]] = (),
        *,
        server: str = "local",
        most_threads: int = MOST_THREADS,
    ) -> None:
        self._server = server
        self._entries: dict[str, _Entry] = {}
        self._threads = Threads(most_threads)
        for each in tools:
            self.register(each)

    def register_tool_handler(
        self, name: str, handler: Callable[..., Any], tool_info: ToolInfo | None = None
    ) -> None:
        """Offer `handler` as `name`; an earlier one of that name is replaced.

        Without `tool_info` its signature and its docstring say what it takes.

        :raises TypeError: no function, a parameter that nobody fills in, a schema of no object.
        :raises ValueError: no name.
        """
        if isinstance(handler, Decorated):
            handler = handler.function
        if not callable(handler):
            raise TypeError(f"The handler of {name!r} has to be a function, not {handler!r}.")
        read = Handler(handler)
        info = tool_info or ToolInfo(
            name, read.description, read.schema, read.streams or streams(handler)
        )
        if info.input_schema.get("type") != "object":
            raise TypeError(f"The input_schema of {name!r} has to be of an object.")
        offered = Tool(
            name=_named(name),
            description=info.description,
            input_schema=info.input_schema,
            supports_streaming=info.supports_streaming,
            server=self._server,
        )

        def prepare(
            arguments: dict[str, Any], context: CallContext, pieces: Pieces
        ) -> tuple[Callable[[], Any], Finish]:
            callbacks = Callbacks(pieces)
            return read.work(arguments, context, callbacks), callbacks.finish

        self._entries[name] = _Entry(offered, prepare, blocks(handler))

    def register(self, decorated: Decorated[..., Any]) -> None:
        """Offer a decorated function; an earlier tool of that name is replaced."""

        def prepare(
            arguments: dict[str, Any], context: CallContext, pieces: Pieces
        ) -> tuple[Callable[[], Any], Finish]:
            return decorated.work(arguments, context), whole

        offered = replace(decorated.tool, server=self._server)
        self._entries[offered.name] = _Entry(offered, prepare, decorated.blocking)

    def offered(self) -> Sequence[Tool]:
        """The tools, the earliest first."""
        return [entry.tool for entry in self._entries.values()]

    async def call(
        self,
        name: str,
        arguments: dict[str, Any],
        context: CallContext,
        hear: Callable[[str], None],
    ) -> ToolAnswer:
        """Run a tool. What it does wrong is in the answer; only being cancelled is raised."""
        entry = self._entries.get(name)
        if entry is None:
            return unknown(name, self._entries)
        pieces = Pieces(hear)
        try:
            work, finish = entry.prepare(arguments, context, pieces)
        except Refusal as error:
            return ToolAnswer(str(error), is_error=True)
        threads = self._threads if entry.blocking else None
        return await answer(name, work, pieces=pieces, threads=threads, finish=finish)

    async def open(self) -> None:
        """Nothing has to be opened."""

    async def close(self) -> None:
        """Nothing has to be closed: each call ends what it began."""


def _named(name: str) -> str:
    printable = name.isprintable() and not any(each.isspace() for each in name)
    if not name or len(name) > _MOST_NAME_CHARS or not printable:
        raise ValueError(
            f"{name[:_MOST_NAME_CHARS]!r} is no name of a tool: 1 to {_MOST_NAME_CHARS} "
            "characters without white space."
        )
    return name

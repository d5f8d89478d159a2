"""The model without a model: for `USE_MOCK=1`, for a first try without a key, and for tests.

The same question always has the same answer, so an answer that was cut can be carried on exactly.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from talkwire.canon.deltas import CallPiece, Delta, Finish, Hear, Reasoning, Text, Tokens
from talkwire.canon.errors import ModelError, UpstreamUnavailable
from talkwire.canon.turn import ModelRequest
from talkwire.models._lines import Lines, lines

PACE_S = 0.03
SLOWER = 10
COUNT_MAX = 10_000

_SLOW = re.compile(r"(?i)^(?:slowly|slow|慢慢地?|慢)(?![a-zA-Z])[\s,:，：]*")
_COUNT = re.compile(r"(?i)(?:count\s+(?:up\s+)?to|数到)\s*(\d{1,9})")
_ECHO = re.compile(r"(?is)^(?:echo|repeat|say|复述|重复)[\s:：]+(.+)$")
_WORDS = re.compile(r"(?i)(\d{1,9})\s*(?:words\b|个字|字)")
_USE = re.compile(r"(?is)^(?:use|使用)\s+([\w.-]+)\s*(\{.*\})?$")
_CJK = r"\u3000-\u9fff\uff00-\uffef"
_PIECE = re.compile(rf"[{_CJK}]{{1,2}}|[^\s{_CJK}]+\s*|\s+")


class Said(Struct, frozen=True):
    """An answer before it is streamed: `fails` ends it with an error. `call` is a tool's name and
    arguments, "" is none."""

    text: str
    thought: str = ""
    slower: int = 1
    fails: bool = False
    call: tuple[str, str] = ("", "")


class Scripted:
    """Fits the port `Model`. `pace_s` is the time between two pieces; 0 for tests."""

    def __init__(self, *, pace_s: float = PACE_S) -> None:
        self._pace_s = pace_s

    async def answer(self, request: ModelRequest, hear: Hear) -> None:
        """See `Model.answer`."""
        said = answer(request)
        pause_s = self._pace_s * said.slower
        for piece in pieces(said.thought):
            await _tell(hear, Reasoning(piece))
            await asyncio.sleep(pause_s)
        rest = said.text.removeprefix(request.partial)
        spoken = pieces(rest)
        for piece in spoken:
            await _tell(hear, Text(piece))
            await asyncio.sleep(pause_s)
        if said.fails:
            raise UpstreamUnavailable("The demo failed, as it was asked to.")
        name, arguments = said.call
        if name:
            await _tell(hear, CallPiece(0, "", name, arguments))
        given = sum(len(pieces(message.text)) for message in request.messages)
        await _tell(hear, Tokens(given, len(spoken)), Finish("stop"))

    async def check(self) -> str:
        """See `Model.check`."""
        return "a scripted demo, no model is asked"

    async def close(self) -> None:
        """Nothing to close."""


async def _tell(hear: Hear, *deltas: Delta) -> None:
    wait = hear(deltas)
    if wait is not None:
        await wait


class Pause(Struct, frozen=True):
    """A step of `Driven`: silence."""

    seconds: float


Step = Delta | ModelError | Pause | asyncio.Event


class Driven:
    """Fits the port `Model`, for tests: says exactly the given steps, one list a call.

    A call beyond the last list says the last one again. An `asyncio.Event` is waited for.
    `requests` are the calls so far, `closed` how many were closed or came to their end.
    """

    def __init__(self, *calls: Sequence[Step]) -> None:
        self._calls = calls
        self.requests: list[ModelRequest] = []
        self.closed = 0

    async def answer(self, request: ModelRequest, hear: Hear) -> None:
        """See `Model.answer`."""
        self.requests.append(request)
        steps = self._calls[min(len(self.requests), len(self._calls)) - 1]
        try:
            for step in steps:
                if isinstance(step, ModelError):
                    raise step
                if isinstance(step, Pause):
                    await asyncio.sleep(step.seconds)
                elif isinstance(step, asyncio.Event):
                    await step.wait()
                else:
                    await _tell(hear, step)
        finally:
            self.closed += 1

    async def check(self) -> str:
        """See `Model.check`."""
        return "driven by a test"

    async def close(self) -> None:
        """Nothing to close."""


def answer(request: ModelRequest) -> Said:
    """What the demo says to the last thing it was told."""
    asked = next((m.text for m in reversed(request.messages) if m.role == "user"), "").strip()
    words = lines(asked)
    plain = _SLOW.sub("", asked, count=1)
    slower = SLOWER if plain != asked else 1
    said = _with_tools(request, plain, words)
    if said is None:
        said = _answer(plain or asked, words, len(request.messages))
    return replace(said, slower=slower)


def _with_tools(request: ModelRequest, asked: str, words: Lines) -> Said | None:
    """The call that is asked for, or what the last one gave; None where it is about no tool."""
    use = _USE.match(asked)
    if use is None or use[1] not in {tool.name for tool in request.tools}:
        return None
    last = request.messages[-1]
    if last.role == "tool":
        return Said(words.used.format(result=_short(last.text)))
    return Said("", call=(use[1], use[2] or "{}"))


def _answer(asked: str, words: Lines, messages: int) -> Said:
    if match := _COUNT.search(asked):
        last = min(int(match[1]), COUNT_MAX)
        return Said(words.gap.join(str(n) for n in range(1, last + 1)) + words.stop)
    if match := _ECHO.match(asked):
        return Said(match[1])
    if match := _WORDS.search(asked):
        return Said(_long(words, min(int(match[1]), COUNT_MAX)))
    command = _COMMANDS.get(asked.lower().strip(" ?!.。？！"))
    if command is not None:
        return command(words, messages)
    return Said(words.other.format(asked=_short(asked)))


_TRICKS: dict[tuple[str, ...], Callable[[Lines, int], Said]] = {
    ("", "help", "帮助", "你会什么", "what can you do"): lambda words, _: Said(words.help),
    ("hello", "hi", "hey", "你好", "您好"): lambda words, _: Said(words.hello),
    ("joke", "tell me a joke", "笑话", "讲个笑话"): lambda words, _: Said(words.joke),
    ("markdown", "格式"): lambda words, _: Said(words.markdown),
    ("think", "思考", "想一想"): lambda words, _: Said(words.thought_of, thought=words.thought),
    ("fail", "失败", "出错"): lambda words, _: Said(words.failing, fails=True),
    ("remember", "history", "历史", "记得吗"): (
        lambda words, messages: Said(words.remembered.format(n=messages))
    ),
}
_COMMANDS = {name: trick for names, trick in _TRICKS.items() for name in names}


def _short(asked: str) -> str:
    one_line = " ".join(asked.split())
    return one_line if len(one_line) <= 200 else one_line[:200] + "…"


def _long(words: Lines, count: int) -> str:
    filling = pieces(words.filling)
    return "".join(filling[n % len(filling)] for n in range(count))


def pieces(text: str) -> list[str]:
    """Text in the pieces in which a model would say it: words, or one or two characters."""
    return _PIECE.findall(text)

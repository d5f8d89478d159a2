"""Handlers as they are documented: `handler(arguments, on_chunk=None, on_complete=None,
on_error=None) -> str`, plain or asynchronous, with as few of these parameters as they like.

A handler whose first parameter has a type of its own (`city: str`) is called with its parameters
by name, as a decorated function is; the callbacks are filled in by their names.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import typing
from collections.abc import Callable, Generator, Mapping
from typing import Any

from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError
from typing_extensions import is_typeddict

from talkwire.canon.tools import CallContext, ToolAnswer
from talkwire.tools import docstrings
from talkwire.tools.running import Pieces, Refusal, as_text, whole
from talkwire.tools.signature import Signature, faults, is_context

CALLBACKS = ("on_chunk", "on_complete", "on_error")
_SLOTS = ("arguments", *CALLBACKS)
_EMPTY = inspect.Parameter.empty


class _Told:
    """What a callback gives back: it may be awaited, which lets others run, and need not be."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class Callbacks:
    """The three callbacks of one call. They may be called from any thread, and awaited or not."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._completed: Any = None
        self._error: str | None = None

    def on_chunk(self, chunk: Any) -> _Told:
        """A piece of the result."""
        self._pieces.say(as_text(chunk))
        return _Told()

    def on_complete(self, result: Any = None) -> _Told:
        """The whole result, for a handler that returns none."""
        self._completed = result
        return _Told()

    def on_error(self, error: Any = "The tool failed.") -> _Told:
        """It failed: words or an exception. What the handler returns beside them counts too."""
        self._error = as_text(str(error) or type(error).__name__)
        return _Told()

    def finish(self, value: Any) -> ToolAnswer:
        """The answer: what was returned, else what completed it, else its pieces together."""
        if value is None:
            value = self._completed
        if self._error is not None:
            return ToolAnswer(whole(value or self._error).result, is_error=True)
        if value is None:
            return ToolAnswer(self._pieces.text, truncated=self._pieces.truncated)
        return whole(value)


class Handler:
    """A handler, what its signature says of it, and how it wants to be called.

    :raises TypeError: it has a parameter that nobody would fill in.
    """

    def __init__(self, handler: Callable[..., Any]) -> None:
        described = docstrings.read(inspect.getdoc(handler))
        self.description = described.text
        self._call = handler
        self._typed: Signature | None = None
        self._arguments: TypeAdapter[Any] | None = None
        self.schema: dict[str, Any] = {"type": "object", "properties": {}}
        parameters = _parameters(handler)
        hints = _hints(handler)
        self.streams = any(each.name == "on_chunk" for each in parameters)
        free = [
            each
            for each in parameters
            if each.name not in CALLBACKS and not is_context(hints.get(each.name))
        ]
        if free and _has_own_type(free[0], hints):
            self._typed = Signature(handler, described, ours=frozenset(CALLBACKS))
            self.schema = self._typed.schema
            self._wanted = {each.name: each.name for each in parameters if each.name in CALLBACKS}
        else:
            self._wanted, self._positions = _slots(handler, parameters, hints)
            hint = hints[free[0].name] if free and free[0].name in hints else dict
            # A shape that Pydantic cannot read is taken for any dictionary.
            if _is_shape(hint):
                with contextlib.suppress(PydanticUserError):
                    self._arguments = TypeAdapter(hint)
                    self.schema = self._arguments.json_schema()

    def work(
        self, arguments: dict[str, Any], context: CallContext, callbacks: Callbacks
    ) -> Callable[[], Any]:
        """The call that is to be made. :raises Refusal: the arguments do not fit."""
        given: dict[str, Any] = {each: getattr(callbacks, each) for each in CALLBACKS}
        if self._typed is not None:
            positional, named = self._typed.bind(arguments, context)
            named |= {name: given[slot] for name, slot in self._wanted.items()}
            return functools.partial(self._call, *positional, **named)
        given |= {"arguments": self._shaped(arguments), "context": context}
        return functools.partial(
            self._call,
            *(given[slot] for slot in self._positions),
            **{name: given[slot] for name, slot in self._wanted.items()},
        )

    def _shaped(self, arguments: dict[str, Any]) -> Any:
        if self._arguments is None:
            return arguments
        try:
            return self._arguments.validate_python(arguments)
        except ValidationError as error:
            raise Refusal(faults(error)) from error


def _parameters(handler: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(handler).parameters.values())
    except ValueError:  # some that are written in C do not say
        return [inspect.Parameter("arguments", inspect.Parameter.POSITIONAL_ONLY)]


def _hints(handler: Callable[..., Any]) -> Mapping[str, Any]:
    called = handler if inspect.isroutine(handler) else type(handler).__call__
    try:
        return typing.get_type_hints(inspect.unwrap(called))
    except (NameError, TypeError):  # a handler needs no types
        return {}


def _has_own_type(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> bool:
    """Whether it is one argument of many, rather than all of them in a dictionary."""
    hint = hints.get(parameter.name, Any)
    kind = typing.get_origin(hint) or hint
    if hint is Any or hint is object or _is_shape(hint) or parameter.name == "arguments":
        return False
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return False
    return not (isinstance(kind, type) and issubclass(dict, kind))


def _is_shape(hint: Any) -> bool:
    return is_typeddict(hint) or (isinstance(hint, type) and issubclass(hint, BaseModel))


def _slots(
    handler: Callable[..., Any], parameters: list[inspect.Parameter], hints: Mapping[str, Any]
) -> tuple[dict[str, str], list[str]]:
    """What each parameter is given: by name, and by position."""
    left = [slot for slot in _SLOTS if slot not in {each.name for each in parameters}]
    named: dict[str, str] = {}
    positions: list[str] = []
    for each in parameters:
        if is_context(hints.get(each.name)):
            slot = "context"
        elif each.kind is each.VAR_POSITIONAL:
            positions += left if not named else []
            continue
        elif each.kind is each.VAR_KEYWORD:
            named |= {slot: slot for slot in left if slot in CALLBACKS}
            continue
        elif each.name in _SLOTS:
            slot = each.name
        elif each.default not in (_EMPTY, None) or (each.default is None and not left):
            continue
        elif left:
            slot = left.pop(0)
        else:
            raise TypeError(
                f"The handler {handler!r} has a parameter {each.name!r} that nobody fills in: it "
                "is called as handler(arguments, on_chunk, on_complete, on_error)."
            )
        if each.kind is each.POSITIONAL_ONLY:
            positions.append(slot)
        else:
            named[each.name] = slot
    return named, positions

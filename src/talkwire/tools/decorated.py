"""The decorator that makes a tool of a typed function; the function stays callable as it was."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, Generic, ParamSpec, TypeVar, overload

from talkwire.canon.tools import CallContext, Tool
from talkwire.tools import docstrings
from talkwire.tools.signature import Signature

P = ParamSpec("P")
R = TypeVar("R")

MOST_NAME_CHARS = 64
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Decorated(Generic[P, R]):
    """A function that is a tool too.

    `blocking`: it has to be called in a thread. `where` it was written, for people.
    """

    def __init__(
        self, function: Callable[P, R], *, tool: Tool, signature: Signature, blocking: bool
    ) -> None:
        functools.update_wrapper(self, function)
        self.tool = tool
        self.blocking = blocking
        self.function = function
        self.where = signature.where
        self._signature = signature

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function as if it were not decorated."""
        return self.function(*args, **kwargs)

    def work(self, arguments: dict[str, Any], context: CallContext) -> Callable[[], Any]:
        """The call that is to be made. :raises Refusal: the arguments do not fit."""
        positional, named = self._signature.bind(arguments, context)
        called: Callable[..., Any] = self.function
        return functools.partial(called, *positional, **named)


@overload
def tool(function: Callable[P, R], /) -> Decorated[P, R]: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    timeout_s: float = 60.0,
    idempotent: bool = False,
    requires_approval: bool = False,
) -> Callable[[Callable[P, R]], Decorated[P, R]]: ...


def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout_s: float = 60.0,
    idempotent: bool = False,
    requires_approval: bool = False,
) -> Any:
    """Make a tool of a function: its name, its docstring and the schema of its annotations.

    A plain function runs in a thread, a coroutine function on the loop; a generator of either
    kind streams. A parameter of type `CallContext` is filled in and hidden from the model.

    :raises TypeError: a parameter that JSON cannot bring.
    :raises ValueError: a name that models do not take, or a time-out that is none.
    """

    def wrap(function: Callable[..., Any], local_names: Mapping[str, Any]) -> Decorated[..., Any]:
        described = docstrings.read(function.__doc__)
        signature = Signature(function, described, local_names=local_names)
        return Decorated(
            function,
            tool=Tool(
                name=_named(name or signature.name),
                description=described.text if description is None else description,
                input_schema=signature.schema,
                supports_streaming=streams(function),
                idempotent=idempotent,
                requires_approval=requires_approval,
                timeout_s=timeout_s,
            ),
            signature=signature,
            blocking=blocks(function),
        )

    if not timeout_s > 0:
        raise ValueError(f"timeout_s has to be more than 0 s, not {timeout_s!r}.")
    if function is not None:
        return wrap(function, sys._getframe(1).f_locals)
    # Types of an enclosing function are known by its frame alone, as annotations may be strings.
    return lambda function: wrap(function, sys._getframe(1).f_locals)


def streams(function: Callable[..., Any]) -> bool:
    """Whether it says its result in pieces."""
    called = _called(function)
    return inspect.isasyncgenfunction(called) or inspect.isgeneratorfunction(called)


def blocks(function: Callable[..., Any]) -> bool:
    """Whether calling it may block: all but coroutine functions and asynchronous generators."""
    called = _called(function)
    return not (inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(called))


def _called(function: Callable[..., Any]) -> Any:
    """What runs when it is called, below partials and objects that can be called."""
    while isinstance(function, functools.partial):
        function = function.func
    return function if inspect.isroutine(function) else type(function).__call__


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name[:100]!r} is no name that models take: up to {MOST_NAME_CHARS} letters, "
            'digits, "_" and "-". Give another: @tool(name="…").'
        )
    return name

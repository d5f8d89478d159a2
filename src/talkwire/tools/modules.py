"""Tools from a module that the configuration names: its decorated functions and its executors.

The module is executed once in a process, however often and under whichever of its names (dotted,
or a path) it is asked for. Its errors say where in it they are, and what to do.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from talkwire.tools.decorated import Decorated
from talkwire.tools.local import McpToolExecute

_SETTING = "tools.module"


class Unusable(ValueError):
    """No tools can be had of the module; the message is for whoever configures the server."""


def load(named: str, folder: Path) -> list[McpToolExecute]:
    """The tools of a module: one executor for its decorated functions, then those it made itself.

    `named` is a dotted name, or a path that ends in `.py`; paths are relative to `folder`, which
    is also the last place where modules are looked for. This executes the module's code.

    :raises Unusable: it cannot be found or executed, has no tools, or two of one name.
    """
    is_path = named.endswith(".py") or "/" in named or "\\" in named
    module = _at(named, folder) if is_path else _dotted(named, folder)
    found = list({id(value): value for value in vars(module).values()}.values())
    decorated = [value for value in found if isinstance(value, Decorated)]
    _expect_own_names(named, decorated)
    executors = [value for value in found if isinstance(value, McpToolExecute)]
    if not decorated and not executors:
        raise Unusable(
            f"{_SETTING} {named!r} ({module.__file__}) has no tools: decorate a function with "
            "@tool from talkwire.tools, or make an McpToolExecute at its top level."
        )
    return [McpToolExecute(decorated), *executors] if decorated else executors


def _dotted(named: str, folder: Path) -> ModuleType:
    if not all(part.isidentifier() for part in named.split(".")):
        raise Unusable(
            f"{_SETTING} {named!r} is neither a module's name (my_company.tools) nor a path that "
            "ends in .py."
        )
    if named in sys.modules:
        return sys.modules[named]
    _make_findable(folder)
    where = _found(named)
    return _loaded(where) or _executed(named, where, lambda: importlib.import_module(named))


def _found(named: str) -> Path | None:
    """The module's file. Finding it executes the packages around it."""
    importlib.invalidate_caches()
    spec = _executed(named, None, lambda: importlib.util.find_spec(named))
    if spec is None:
        raise _missing(named)
    return Path(spec.origin).resolve() if spec.has_location and spec.origin else None


def _at(named: str, folder: Path) -> ModuleType:
    path = (folder / Path(named).expanduser()).resolve()
    if not path.is_file():
        raise Unusable(f"{_SETTING} {named!r}: there is no file {path}. Correct the path.")
    if (module := _loaded(path)) is not None:
        return module
    # What stands beside it can be imported by it.
    _make_findable(path.parent)
    own = f"_talkwire_tools_{sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(own, path)
    if spec is None or spec.loader is None:
        raise Unusable(f"{_SETTING} {named!r}: {path} is no Python file; its name ends in .py.")
    module = importlib.util.module_from_spec(spec)
    # Known before it is executed: annotations are looked up by the module's name.
    sys.modules[own] = module
    loader = spec.loader
    try:
        _executed(named, path, lambda: loader.exec_module(module))
    except Unusable:
        del sys.modules[own]
        raise
    return module


def _loaded(path: Path | None) -> ModuleType | None:
    """The module that was made of this file already."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if path is not None and isinstance(file, str) and Path(file) == path:
            return module
    return None


def _make_findable(folder: Path) -> None:
    """Look here last, so that nothing that is installed is hidden."""
    if (place := str(folder.resolve())) not in sys.path:
        sys.path.append(place)


def _executed(named: str, path: Path | None, execute: Callable[[], Any]) -> Any:
    try:
        return execute()
    except ModuleNotFoundError as error:
        if error.name and (named == error.name or named.startswith(f"{error.name}.")):
            raise _missing(named, error.name) from error
        hint = f"Install what provides {error.name!r} where this server runs, or correct the name."
        raise _broken(named, path, error, hint) from error
    except SyntaxError as error:
        at = f"{error.filename}, line {error.lineno}"
        raise Unusable(f"{_SETTING} {named!r}: {at}: {error.msg}. Correct the line.") from error
    except (Exception, SystemExit) as error:
        hint = "Correct it, or take the setting out to start without these tools."
        raise _broken(named, path, error, hint) from error


def _missing(named: str, part: str = "") -> Unusable:
    return Unusable(
        f"{_SETTING} {named!r}: there is no module {part or named!r}. Install the package that "
        "has it where this server runs, start the server beside it, or give the path of its file."
    )


def _broken(named: str, path: Path | None, error: BaseException, hint: str) -> Unusable:
    """Where in the module it was; what it called elsewhere stays out of the message."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if path is not None and Path(frame.filename) == path]
    own = [frame for frame in frames if "importlib" not in frame.filename]
    frame = (inside or own)[-1]
    told = traceback.format_exception_only(error)[-1].strip()[:500]
    return Unusable(f"{_SETTING} {named!r}: {frame.filename}, line {frame.lineno}: {told}. {hint}")


def _expect_own_names(named: str, decorated: Sequence[Decorated[..., Any]]) -> None:
    """:raises Unusable: two functions are one tool by name."""
    seen: dict[str, Decorated[..., Any]] = {}
    for each in decorated:
        other = seen.setdefault(each.tool.name, each)
        if other is not each:
            raise Unusable(
                f"{_SETTING} {named!r}: two tools are called {each.tool.name!r}: {other.where} and "
                f"{each.where}. "
                'Give one of them another name: @tool(name="…").'
            )

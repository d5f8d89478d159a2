"""The function that a configuration names as `module:function`.

The module is executed once in a process, under whichever of its names it is asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any


def load(target: str, folder: Path) -> Callable[..., Any]:
    """The function of a target: `my_company.models:answer`, or `path/to/model.py:answer`.

    Paths are relative to `folder`, which is also the last place where modules are looked for. This
    executes the module's code; what that raises is raised here, with a note that says where.

    :raises ValueError: there is no such module or function.
    """
    found = find(target, folder)
    if not callable(found):
        named, _, function = target.rpartition(":")
        raise ValueError(f"target {target!r}: {named} has no function {function!r}.")
    return found  # type: ignore[no-any-return]  # what it gives is looked at


def find(target: str, folder: Path) -> Any:
    """What a target names, be it a function or not; None where its module has no such thing. As
    `load` in all else.

    :raises ValueError: there is no such module.
    """
    named, colon, function = target.rpartition(":")
    if not colon or not named or not all(part.isidentifier() for part in function.split(".")):
        raise ValueError(
            f"target {target!r}: expected module:function, or path/to/file.py:function."
        )
    try:
        module = _at(named, folder) if named.endswith(".py") else _dotted(named, folder)
    except BaseException as error:
        error.add_note(f"This was raised while the target {target!r} was loaded.")
        raise
    found: Any = module
    for part in function.split("."):
        found = getattr(found, part, None)
    return found


def _dotted(named: str, folder: Path) -> ModuleType:
    if not all(part.isidentifier() for part in named.split(".")):
        raise ValueError(f"{named!r} is neither a module's name nor a path that ends in .py.")
    _make_findable(folder)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(named)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{named}.".startswith(f"{error.name}."):
            raise
        raise ValueError(
            f"there is no module {error.name!r}. Install the package that has it where this server "
            "runs, start the server beside it, or give the path of its file."
        ) from None


def _at(named: str, folder: Path) -> ModuleType:
    path = (folder / Path(named).expanduser()).resolve()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and Path(file) == path:
            return module
    if not path.is_file():
        raise ValueError(f"there is no file {path}.")
    _make_findable(path.parent)  # what stands beside it can be imported by it
    own = f"_talkwire_model_{sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(own, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    # Known before it is executed: annotations are looked up by the module's name.
    sys.modules[own] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[own]
        raise
    return module


def _make_findable(folder: Path) -> None:
    """Look here last, so that nothing that is installed is hidden."""
    if (place := str(folder.resolve())) not in sys.path:
        sys.path.append(place)

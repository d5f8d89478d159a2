"""Where settings come from: file, `.env`, variables and options, merged with their provenance.

Generic in the tree that is filled; the environment is handed in. What is told of a problem never
holds text that was given, since it may be a secret in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, get_args

from dotenv import dotenv_values
from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource

from talkwire._settings.files import Place, YamlError, nearest_mark, read
from talkwire._settings.problems import SettingsError, group_at, near, problems

T = TypeVar("T", bound=BaseSettings)

# Ours, but no settings: where they are, and what commands show to a server.
_NO_SETTINGS = {"TALKWIRE_CONFIG", "TALKWIRE_API_KEY"}


class Loaded(NamedTuple, Generic[T]):
    """Settings, where each value came from (no entry: its default), and what to tell people."""

    settings: T
    origins: dict[Place, str]
    warnings: tuple[str, ...]
    config: Path | None


class Layer(NamedTuple):
    """The values of one source, and what to call the source of the value at a place."""

    values: dict[str, Any]
    origin: Callable[[Place], str]


def gather(
    tree: type[T],
    config: Path | None,
    environ: Mapping[str, str],
    frozen: Mapping[str, Place],
    options: Mapping[str, Any],
) -> Loaded[T]:
    """Merge all sources, later over earlier; a list replaces a list, groups are merged.

    :raises SettingsError: a source cannot be read, or a value cannot be used.
    """
    dotenv = _dotenv(Path(".env"))
    variables = {**dotenv, **environ}
    path = _config_path(config, variables)
    layers = [_file(tree, path, variables)] if path else []
    layers.append(_variables(tree, dotenv, frozen, ".env"))
    layers.append(_variables(tree, environ, frozen, "environment"))
    given = {key: value for key, value in options.items() if value is not None}
    layers.append(Layer(given, lambda place: f"--{str(place[0]).replace('_', '-')}"))
    values: dict[str, Any] = {}
    owners: dict[Place, Layer] = {}
    for layer in layers:
        _merge(values, owners, layer, layer.values, ())

    def origin(place: Place) -> str:
        within = (place[:length] for length in range(len(place), 0, -1))
        above = next((owners[p] for p in within if p in owners), None)
        below = (owner for p, owner in owners.items() if p[: len(place)] == place)
        owner = above or next(below, None)
        return owner.origin(place) if owner else "settings"

    try:
        settings = tree(**values)
    except ValidationError as error:
        raise SettingsError(*problems(tree, error, origin)) from None
    origins = {place: owner.origin(place) for place, owner in owners.items()}
    return Loaded(settings, origins, _unknown_variables(tree, variables), path)


def client_value(name: str, environ: Mapping[str, str]) -> str | None:
    """A variable that is no setting: of the environment, else of `.env`. None: not set, or empty.

    :raises SettingsError: `.env` cannot be read.
    """
    return environ.get(name) or _dotenv(Path(".env")).get(name) or None


def _config_path(config: Path | None, variables: Mapping[str, str]) -> Path | None:
    if config is None and variables.get("TALKWIRE_CONFIG"):
        config = Path(variables["TALKWIRE_CONFIG"])
    if config is not None:
        return config.expanduser()
    return Path("config.yaml") if Path("config.yaml").is_file() else None


def _dotenv(path: Path) -> dict[str, str]:
    try:
        found = dotenv_values(path) if path.is_file() else {}
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{path}: cannot be read as UTF-8 text") from None
    return {name: value for name, value in found.items() if value is not None}


def _file(tree: type[T], path: Path, variables: Mapping[str, str]) -> Layer:
    try:
        values, marks = read(path, variables)
    except YamlError as error:
        raise SettingsError(str(error)) from None

    def origin(place: Place) -> str:
        line, column = nearest_mark(place, marks)
        return f"{path}:{line}:{column}"

    return Layer(_from_file(tree, values, path.parent), origin)


def _from_file(tree: type[BaseModel], values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Keys without a value count as not given; paths are relative to the file."""
    kept: dict[str, Any] = {}
    for key, value in values.items():
        group = group_at(tree, (key,))
        field = tree.model_fields.get(key)
        if value is None and field is not None:
            continue
        if group and isinstance(value, dict):
            value = _from_file(group, value, folder)
        elif group and isinstance(value, list):
            value = [_from_file(group, v, folder) if isinstance(v, dict) else v for v in value]
        elif field is not None and isinstance(value, str) and _is_path(field.annotation):
            value = folder / Path(value).expanduser()
        kept[key] = value
    return kept


def _variables(
    tree: type[T], variables: Mapping[str, str], frozen: Mapping[str, Place], source: str
) -> Layer:
    """`TALKWIRE_A__B`, and the frozen names below them."""
    prefix = str(tree.model_config.get("env_prefix"))
    names: dict[Place, str] = {}
    values: dict[str, Any] = {}
    for name, place in frozen.items():
        if variables.get(name):
            names[place] = name
            inner = values
            for key in place[:-1]:
                inner = inner.setdefault(str(key), {})
            inner[str(place[-1])] = variables[name]
    reader = EnvSettingsSource(tree)
    # Container platforms announce a service called talkwire by TALKWIRE_PORT=tcp://…
    reader.env_vars = {
        name.lower(): value
        for name, value in variables.items()
        if value and not value.startswith("tcp://")
    }
    named = Layer(reader(), lambda place: "")
    _merge(values, {}, named, named.values, ())

    def origin(place: Place) -> str:
        spelled = prefix + "__".join(str(key) for key in place if isinstance(key, str)).upper()
        known = {name.upper() for name in variables}
        while place not in names and spelled not in known and "__" in spelled:
            spelled = spelled.rpartition("__")[0]
        return f"{source} {spelled if spelled in known else names.get(place, spelled)}"

    return Layer(values, origin)


def _merge(
    into: dict[str, Any],
    owners: dict[Place, Layer],
    layer: Layer,
    values: dict[str, Any],
    above: Place,
) -> None:
    for key, value in values.items():
        place = (*above, key)
        if isinstance(value, dict) and isinstance(into.setdefault(key, {}), dict):
            _merge(into[key], owners, layer, value, place)
        else:
            into[key] = value
            owners[place] = layer


def _unknown_variables(tree: type[BaseModel], variables: Mapping[str, str]) -> tuple[str, ...]:
    """Our prefix, but no name of ours: told and no error, since other software may set it."""
    known = {f"TALKWIRE_{key}".upper() for key in tree.model_fields} | _NO_SETTINGS
    told = []
    for name in sorted(variables):
        foreign = re.search(r"_SERVICE_(HOST|PORT)|_PORT_\d+_(TCP|UDP)", name)
        if name.startswith("TALKWIRE_") and name.partition("__")[0] not in known and not foreign:
            told.append(f"{name}: unknown variable, not used{near(name, sorted(known))}")
    return tuple(told)


def _is_path(annotation: Any) -> bool:
    """A path, be it one that may be missing: `Annotated[Path, …] | None`."""
    return annotation is Path or any(map(_is_path, get_args(annotation)))

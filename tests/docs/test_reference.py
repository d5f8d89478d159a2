"""What clients and operators can meet is written down: settings, errors, events, frames, routes."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from talkwire import settings as settings_module
from talkwire.app import build
from talkwire.canon import errors
from talkwire.canon.events import AnyEvent
from talkwire.settings import FROZEN_NAMES, ListenerSettings, ModelSettings, Settings

ROOT = Path(__file__).parents[2]
WIRES = (ROOT / "docs" / "wires.md").read_text("utf-8")
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text("utf-8")
GOLDEN = ROOT / "tests" / "wires" / "responses_sse" / "golden"


def _rows(text: str) -> dict[str, str]:
    """Table rows by each code word in their first cell."""
    rows: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            first = line.split("|")[1]
            rows |= dict.fromkeys(re.findall(r"`([^`]+)`", first), line)
    return rows


def _leaves(tree: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in tree.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, BaseModel):
            yield from _leaves(group, (*above, name))
        else:
            yield ".".join((*above, name)), field


def _spelled(default: Any) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return f"[{', '.join(default)}]" if isinstance(default, tuple) else str(default)


@pytest.mark.parametrize(("key", "field"), list(_leaves(Settings)))
def test_every_setting_is_documented_with_its_default_and_its_variable(
    key: str, field: FieldInfo
) -> None:
    row = _rows(CONFIGURATION)[key]

    assert f"`TALKWIRE_{key.replace('.', '__').upper()}`" in row
    assert row.split(" | ")[3].strip(" |"), "it is not said what it does"
    if field.default_factory is None:
        assert f"| `{_spelled(field.default)}` |" in row


@pytest.mark.parametrize("name", list(FROZEN_NAMES))
def test_every_name_that_others_set_is_documented(name: str) -> None:
    assert f"`{name}`" in _rows(CONFIGURATION)[".".join(map(str, FROZEN_NAMES[name]))]


@pytest.mark.parametrize(("name", "field"), list(ModelSettings.model_fields.items()))
def test_every_key_of_a_model_is_documented_with_its_default(name: str, field: FieldInfo) -> None:
    models = CONFIGURATION.partition("## Models")[2]

    default = "required" if field.is_required() else f"`{_spelled(field.default)}`"
    assert f"| {default} |" in _rows(models)[name]


def test_every_key_of_a_listener_is_in_the_example() -> None:
    listeners = CONFIGURATION.partition("## Listeners")[2]

    assert all(name in listeners for name in ListenerSettings.model_fields)


def test_nothing_is_documented_that_is_no_setting() -> None:
    table = CONFIGURATION.partition("## Settings")[2].partition("## Models")[0]

    assert set(_rows(table)) == {key for key, _ in _leaves(Settings)}


def _codes() -> set[str]:
    """Codes of the error tree, and those that are named where an error is raised."""
    tree = {c.code for _, c in inspect.getmembers(errors, inspect.isclass) if hasattr(c, "code")}
    for path in Path(inspect.getfile(settings_module)).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "code":
                tree |= {node.value.value} if isinstance(node.value, ast.Constant) else set()
    # One is told to the operator at start, and one to the engine alone.
    return {str(code) for code in tree} - {"database_in_use", "already_ended"}


@pytest.mark.parametrize("code", sorted(_codes()))
def test_every_error_code_is_documented(code: str) -> None:
    assert code in _rows(WIRES.partition("## Errors")[2])


@pytest.mark.parametrize(
    "error",
    [
        each
        for _, each in inspect.getmembers(errors, inspect.isclass)
        if issubclass(each, errors.TalkwireError)
    ],
)
def test_an_error_is_documented_with_its_status_and_whether_to_ask_again(
    error: type[errors.TalkwireError],
) -> None:
    row = _rows(WIRES.partition("## Errors")[2])[error.code]

    cells = [cell.strip() for cell in row.split("|")]
    assert str(error.status) in cells[2]
    assert (cells[3] == "yes") == error.retryable


@pytest.mark.parametrize("event", get_args(AnyEvent), ids=lambda event: str(event.__name__))
def test_every_event_is_documented_with_its_fields(event: Any) -> None:
    row = _rows(WIRES.partition("### Events")[2])[str(event.__struct_config__.tag)]

    assert all(f"`{field}`" in row for field in event.__struct_fields__)


def test_every_frame_of_the_responses_wire_is_documented() -> None:
    sent = {
        line.removeprefix("event: ")
        for path in GOLDEN.glob("*.sse")
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("event: ")
    }
    known = _rows(WIRES.partition("### Frames")[2].partition("## native")[0])

    assert sent - {name.replace(".delta", ".done") for name in known} - set(known) == set()


def test_every_route_is_documented(tmp_path: Path) -> None:
    paths = build(Settings(data_dir=tmp_path, use_mock=True)).openapi()["paths"]
    routes = {
        f"{method.upper()} {re.sub(r'{[a-z]+_id}', '{id}', path).replace(':path', '')}"
        for path, methods in paths.items()
        for method in methods
    }

    assert {route for route in routes if f"`{route}`" not in WIRES} == set()

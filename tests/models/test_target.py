"""Functions are found by module and name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from talkwire.models._target import find, load


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, "utf-8")
    return name


def test_a_file_is_executed_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path, "beside_it.py", "WORD = 'hi'\n")
    named = write(
        tmp_path,
        "mine.py",
        "import beside_it\ndef answer(m): return beside_it.WORD\nother = answer\n",
    )

    first, second = load(f"{named}:answer", tmp_path), load(f"./{named}:other", tmp_path)

    assert first is second
    assert first([]) == "hi"


def test_what_is_no_function_is_found_too(tmp_path: Path) -> None:
    named = write(tmp_path, "values.py", "NUMBER = 7\n")

    assert find(f"{named}:NUMBER", tmp_path) == 7
    assert find(f"{named}:nobody", tmp_path) is None
    with pytest.raises(ValueError, match="no function 'NUMBER'"):
        load(f"{named}:NUMBER", tmp_path)


def test_a_module_is_found_in_the_folder_and_a_method_in_an_object(tmp_path: Path) -> None:
    write(
        tmp_path,
        "some_models.py",
        "class Model:\n    def answer(self, m): return 'hi'\nmine = Model()\n",
    )

    assert load("some_models:mine.answer", tmp_path)([]) == "hi"
    assert load("json:dumps", tmp_path)(1) == "1"


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("no_colon", "expected module:function"),
        (":answer", "expected module:function"),
        ("mine.py:not a name", "expected module:function"),
        ("none.py:answer", "there is no file"),
        ("no_such_package.models:answer", "there is no module 'no_such_package'"),
        ("json.nothing:answer", "there is no module 'json.nothing'"),
        ("1 2:answer", "neither a module's name"),
        ("json:nothing", "has no function 'nothing'"),
        ("json:__doc__", "has no function '__doc__'"),
    ],
)
def test_what_is_not_there_is_told(target: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        load(target, tmp_path)

    assert told in str(raised.value)


@pytest.mark.parametrize("code", ["1 / 0", "import no_such_module_of_theirs", "def ("])
def test_what_a_module_raises_is_raised_with_its_place(code: str, tmp_path: Path) -> None:
    named = write(tmp_path, "broken.py", code)

    for _ in range(2):
        with pytest.raises((ZeroDivisionError, ImportError, SyntaxError)) as raised:
            load(f"{named}:answer", tmp_path)
        assert "broken.py:answer" in raised.value.__notes__[0]

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from talkwire.canon.tools import ToolAnswer
from talkwire.tools.modules import Unusable, load
from tests.tools.calls import call

GOOD = """
from __future__ import annotations
from talkwire.tools import McpToolExecute, ToolInfo, tool
from pydantic import BaseModel

count = globals().get("count", 0) + 1

class Where(BaseModel):
    city: str

@tool
async def weather(where: Where) -> str:
    return where.city

same = weather

executor = McpToolExecute()
executor.register_tool_handler("old", lambda arguments: "old")
"""


@pytest.fixture(autouse=True)
def _undone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Modules and paths of one test are not those of the next."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("named", ["shop.tools", "shop/tools.py", "./shop/../shop/tools.py"])
async def test_tools_are_loaded_by_a_modules_name_or_path(tmp_path: Path, named: str) -> None:
    written(tmp_path, "shop/tools.py", GOOD)

    decorated, executor = load(named, tmp_path)

    assert [tool.name for tool in decorated.offered()] == ["weather"]
    assert [tool.name for tool in executor.offered()] == ["old"]
    assert await call(decorated, "weather", {"where": {"city": "Rome"}}) == ToolAnswer("Rome")
    assert await call(executor, "old", {}) == ToolAnswer("old")


def test_a_module_is_executed_once_whatever_it_is_called(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    path = written(
        tmp_path,
        "shop/tools.py",
        f"{GOOD}\nwith open({str(mark)!r}, 'a') as mark:\n    mark.write('x')\n",
    )

    for named in ("shop/tools.py", "shop.tools", str(path), "shop.tools"):
        assert len(load(named, tmp_path)) == 2

    assert mark.read_text() == "x"


def test_a_module_may_import_what_stands_beside_it(tmp_path: Path) -> None:
    written(tmp_path, "a/beside_it.py", "NAME = 'n'\n")
    written(
        tmp_path,
        "a/t.py",
        "import beside_it as b\nfrom talkwire.tools import tool\n@tool(name=b.NAME)\ndef f(): ...",
    )

    (source,) = load("a/t.py", tmp_path)
    assert source.offered()[0].name == "n"


HEAD = "from talkwire.tools import tool\n"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("x = (\n", 1, "'(' was never closed. Correct the line."),
        ("\n1/0\n", 2, "ZeroDivisionError: division by zero. Correct it, or take the setting out"),
        ("\n\nimport nowhere_at_all\n", 3, "Install what provides 'nowhere_at_all'"),
        ("raise SystemExit(2)\n", 1, "SystemExit: 2."),
        ("def f():\n    raise ValueError('x')\nf()\n", 2, "ValueError: x."),
        (f"{HEAD}\n@tool\ndef f(*a): ...\n", 3, "*a cannot be a tool's parameter"),
    ],
)
@pytest.mark.parametrize("named", ["broken_one.py", "broken_one"])
def test_an_error_in_a_module_is_told_with_its_line(
    tmp_path: Path, named: str, text: str, line: int, told: str
) -> None:
    path = written(tmp_path, "broken_one.py", text)

    for _ in range(2):
        with pytest.raises(Unusable) as error:
            load(named, tmp_path)
        assert f"tools.module {named!r}: {path}, line {line}: " in str(error.value)
        assert told in str(error.value)


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("nowhere.tools", "there is no module 'nowhere'"),
        ("nowhere", "there is no module 'nowhere'. Install the package"),
        ("empty.nothing", "there is no module 'empty.nothing'"),
        ("no/such.py", "there is no file"),
        ("two words", "neither a module's name"),
        ("", "neither a module's name"),
        ("empty", "has no tools: decorate a function with @tool"),
        ("text/file.txt", "its name ends in .py"),
    ],
)
def test_what_is_no_module_with_tools_is_told_with_what_to_do(
    tmp_path: Path, named: str, told: str
) -> None:
    written(tmp_path, "empty/__init__.py", "")
    written(tmp_path, "text/file.txt", "")

    with pytest.raises(Unusable, match=r"tools\.module") as error:
        load(named, tmp_path)

    assert told in str(error.value)


def test_two_tools_of_one_name_are_told_with_their_lines(tmp_path: Path) -> None:
    written(
        tmp_path,
        "twins.py",
        f"{HEAD}@tool(name='a')\ndef f(): ...\n@tool(name='a')\ndef g(): ...\n",
    )

    with pytest.raises(
        Unusable, match=r"two tools are called 'a': f \(.*line 2\) and g \(.*line 4\)"
    ):
        load("twins", tmp_path)


def test_what_is_installed_is_not_hidden_by_the_folder(tmp_path: Path) -> None:
    written(tmp_path, "json.py", "raise SystemExit")

    with pytest.raises(Unusable, match="has no tools"):
        load("json", tmp_path)

from __future__ import annotations

import asyncio
import copy
import json
import logging
import os
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from talkwire.canon.errors import Unavailable
from talkwire.scenarios import reloading as shelf
from talkwire.scenarios.catalogue import Catalogue
from tests.scenarios.broken import GOOD, SOP, written

_TIMES = count(1)


class Held(shelf.Library[tuple[str, ...]]):
    """A library of the scenarios' owners, which counts what was made and tells each look."""

    def __init__(self, path: Path) -> None:
        self.made = 0
        self.looks: asyncio.Queue[bool] = asyncio.Queue()
        super().__init__(path, self._owners)

    async def look(self) -> bool:
        changed = await super().look()
        self.looks.put_nowait(changed)
        return changed

    def _owners(self, catalogue: Catalogue) -> tuple[str, ...]:
        self.made += 1
        return tuple(each.extra.get("owner", "") for each in catalogue.scenarios)


def _tree(owner: str) -> dict[str, Any]:
    tree = copy.deepcopy(GOOD)
    tree["scenarios"][1]["owner"] = owner
    return tree


def _edited(path: Path, text: str) -> None:
    """Write a file with a time that no other write had."""
    path.write_text(text, encoding="utf-8")
    moment = 1_700_000_000 + next(_TIMES)
    os.utime(path, (moment, moment))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path)


def _put_in_place(path: Path, text: str) -> None:
    """Replace a file by one of another text, and of the same time."""
    before, other = path.stat(), path.with_name("new.json")
    other.write_text(text, encoding="utf-8")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The level and the event of each line of the log."""
    return [f"{each.levelname} {each.getMessage().split(':')[0]}" for each in caplog.records]


async def test_it_holds_what_was_made_of_the_catalogue(path: Path) -> None:
    library = Held(path)

    await library.open()

    assert (library.current, library.problem) == (("", "desk 7"), "")


async def test_nothing_is_made_again_while_nothing_changes(path: Path) -> None:
    library = Held(path)
    await library.open()

    assert await library.look() is False
    os.utime(path, (1, 1))
    assert await library.look() is False

    assert library.made == 1


async def test_an_edit_takes_effect_and_a_bad_one_does_not(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    library = Held(path)
    await library.open()

    _edited(path, json.dumps(_tree("desk 8")))
    assert await library.look() is True
    assert library.current == ("", "desk 8")

    _edited(path, json.dumps(_tree("desk 9"))[:-20])
    assert await library.look() is False
    assert library.current == ("", "desk 8")
    assert library.problem.startswith("catalogue.json:1:")
    assert await library.look() is False
    os.utime(path, (2, 2))
    await library.look()

    _edited(path, json.dumps(_tree("desk 9")))
    assert await library.look() is True
    assert (library.current, library.problem) == (("", "desk 9"), "")
    assert _told(caplog) == [
        "INFO catalogue.loaded",
        "INFO catalogue.loaded",
        "WARNING catalogue.bad",
        "INFO catalogue.loaded",
    ]


async def test_an_edit_that_is_taken_back_makes_nothing_anew(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    library = Held(path)
    await library.open()
    good = _text(path)

    _edited(path, "{")
    await library.look()
    _edited(path, good)

    assert await library.look() is False
    assert (library.made, library.problem) == (1, "")
    assert _told(caplog) == [
        "INFO catalogue.loaded",
        "WARNING catalogue.bad",
        "INFO catalogue.loaded",
    ]


async def test_an_edit_of_equal_size_and_time_is_seen(path: Path) -> None:
    library = Held(path)
    _edited(path, json.dumps(_tree("desk 1")))
    await library.open()

    _put_in_place(path, json.dumps(_tree("desk 2")))

    assert await library.look() is True


async def test_an_edit_of_a_procedure_is_an_edit(path: Path) -> None:
    library = Held(path)
    await library.open()

    _edited(path.parent / "sops" / "withdrawal.md", SOP + "\n## More\ntext\n")

    assert await library.look() is True


async def test_a_procedure_that_comes_later_makes_a_bad_catalogue_good(path: Path) -> None:
    tree = _tree("desk") | {"sops": "guides"}
    _edited(path, json.dumps(tree))
    library = Held(path)
    await library.open()
    assert "there is no such file in guides/" in library.problem
    await library.look()

    (path.parent / "guides").mkdir()
    (path.parent / "guides" / "withdrawal.md").write_text(SOP, encoding="utf-8")

    assert await library.look() is True
    assert library.problem == ""


async def test_a_deleted_file_leaves_the_last_good_one(path: Path) -> None:
    library = Held(path)
    await library.open()
    text = _text(path)

    os.unlink(path)
    await library.look()
    assert library.current == ("", "desk 7")
    assert "cannot be read" in library.problem

    _edited(path, text)
    await library.look()
    assert library.problem == ""


async def test_without_any_good_catalogue_there_is_none(path: Path) -> None:
    _edited(path, '{"scenarios": 1}')
    library = Held(path)

    with pytest.raises(Unavailable, match="was not read yet"):
        _ = library.current
    await library.open()
    with pytest.raises(Unavailable, match="scenarios: expected a list, got a number") as caught:
        _ = library.current
    assert caught.value.status == 503


async def test_a_long_list_of_problems_is_told_in_short(path: Path) -> None:
    _edited(path, json.dumps({"scenarios": [{}] * 30}))
    library = Held(path)
    await library.open()

    assert library.problem.splitlines()[-1] == "… and 85 more"
    assert len(library.problem.splitlines()) == 6


@pytest.mark.parametrize("error", [OSError("the disk is away"), RecursionError("too deep")])
async def test_what_nobody_foresaw_is_told_and_it_looks_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    library = Held(path)
    await library.open()

    def fails(_: Path) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(shelf, "attempt", fails)
        _edited(path, json.dumps(_tree("desk 8")))
        assert await library.look() is False
        assert library.current == ("", "desk 7")
        assert f"{error}" in library.problem

    assert await library.look() is True
    assert (library.current, library.problem) == (("", "desk 8"), "")


async def test_watching_sees_edits_until_it_is_cancelled(path: Path) -> None:
    library = Held(path)
    await library.open()
    watching = asyncio.create_task(library.watch(0.001))
    try:
        _edited(path, "{")
        async with asyncio.timeout(30):
            while not library.problem:
                await library.looks.get()
        _edited(path, json.dumps(_tree("desk 8")))
        async with asyncio.timeout(30):
            while library.current != ("", "desk 8"):
                await library.looks.get()
    finally:
        watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching

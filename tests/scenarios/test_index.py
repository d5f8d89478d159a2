from __future__ import annotations

import logging
import os
import random
import zipfile
import zlib
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from talkwire.scenarios.catalogue import Scenario
from talkwire.scenarios.index import indexed, load, name_of, save
from talkwire.scenarios.rank import rank
from talkwire.scenarios.retrieve import KINDS, Index
from tests.scenarios.shop import LOGIN, scenario, shop

QUERIES = ("提现到哪了", "forgot my pasword", "天气", "")


def _never(_: object) -> Index:
    raise AssertionError("it was built again")


def test_a_saved_index_answers_as_the_one_that_was_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = indexed(shop(), tmp_path)
    monkeypatch.setattr(Index, "of", _never)

    loaded = indexed(shop(), tmp_path)

    for query in QUERIES:
        one, other = built.look(query), loaded.look(query)
        for kind in KINDS:
            assert np.array_equal(one.best[kind], other.best[kind])
            assert np.array_equal(one.likelihood[kind], other.likelihood[kind])
        assert rank(query, built) == rank(query, loaded)


def test_without_a_cache_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    indexed(shop(), None)

    assert list(tmp_path.iterdir()) == []


def test_it_holds_arrays_and_lists_and_nothing_that_is_executed(tmp_path: Path) -> None:
    indexed(shop(), tmp_path)

    found = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert {file.suffix for file in found} == {".npy", ".npz", ".json"}
    for file in found:
        if file.suffix in (".npy", ".npz"):
            np.load(file, allow_pickle=False)


def test_another_catalogue_or_library_has_another_index(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {name_of(shop()), name_of(structs.replace(shop(), version="edited"))}
    monkeypatch.setattr(metadata, "version", lambda name: f"{name} of tomorrow")

    assert len(names | {name_of(shop())}) == 3


def test_a_damaged_index_is_built_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    indexed(shop(), tmp_path)
    folder = tmp_path / name_of(shop())
    (folder / "words.npz").write_bytes(b"nothing of use")

    with caplog.at_level(logging.WARNING):
        indexed(shop(), tmp_path)

    assert "index_damaged" in caplog.text
    assert load(shop(), folder) is not None


@pytest.mark.parametrize("file", ["words.json", "grams.npz", "ideas/vocab.index.json"])
def test_an_index_with_a_file_gone_is_none(tmp_path: Path, file: str) -> None:
    save(Index.of(shop()), tmp_path / "kept")
    (tmp_path / "kept" / file).unlink()

    assert load(shop(), tmp_path / "kept") is None


def test_an_index_with_a_file_that_was_cut_is_built_anew(tmp_path: Path) -> None:
    folder = tmp_path / name_of(shop())
    indexed(shop(), tmp_path)
    for name in [each.relative_to(folder) for each in folder.rglob("*") if each.is_file()]:
        size = (folder / name).stat().st_size
        os.truncate(folder / name, size // 2)

        indexed(shop(), tmp_path)

        assert (folder / name).stat().st_size == size, name


@pytest.mark.parametrize("damage", [zipfile.BadZipFile("bad"), zlib.error("bad")])
def test_an_archive_that_is_damaged_is_as_good_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Exception
) -> None:
    save(Index.of(shop()), tmp_path / "kept")

    def broken(*_: object, **__: object) -> None:
        raise damage

    monkeypatch.setattr(np, "load", broken)

    assert load(shop(), tmp_path / "kept") is None


def test_the_index_of_another_catalogue_is_none(tmp_path: Path) -> None:
    save(Index.of(shop()), tmp_path / "kept")

    assert load(shop(LOGIN), tmp_path / "kept") is None


def test_one_that_is_there_already_is_left_alone(tmp_path: Path) -> None:
    index = Index.of(shop())
    save(index, tmp_path / "kept")
    first = sorted(tmp_path.rglob("*"))

    save(index, tmp_path / "kept")

    assert sorted(tmp_path.rglob("*")) == first


def test_a_cache_that_cannot_be_written_is_told_and_no_matter(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")

    with caplog.at_level(logging.WARNING):
        index = indexed(shop(), tmp_path / "file")

    assert index.place(LOGIN.key) == 3
    assert "index_not_kept" in caplog.text


def test_only_the_newest_indexes_are_kept(tmp_path: Path) -> None:
    for version in range(5):
        indexed(structs.replace(shop(LOGIN), version=f"{version}"), tmp_path)

    kept = {folder.name for folder in tmp_path.iterdir()}
    assert len(kept) == 3
    assert name_of(structs.replace(shop(LOGIN), version="4")) in kept


def test_a_thousand_scenarios_are_answered_from_a_saved_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(3)
    catalogue = shop(*(_made_up(n, chance) for n in range(1_000)))
    indexed(catalogue, tmp_path)
    monkeypatch.setattr(Index, "of", _never)

    index = indexed(catalogue, tmp_path)

    asked = chance.sample(catalogue.scenarios, 20)
    first = [rank(each.examples[0], index).candidates[0].scenario for each in asked]
    assert first == asked


def _made_up(number: int, chance: random.Random) -> Scenario:
    syllables = ["ka", "lo", "mi", "tu", "re", "so", "ni", "pa", "ve", "zu"]
    words = ["".join(chance.choices(syllables, k=6)) for _ in range(3)]
    examples = tuple(f"my {word} does not work" for word in words)
    return scenario("made up", f"{number}", (words[0], words[1]), examples)

"""A file's values and where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from talkwire._settings.files import Place, YamlError, nearest_mark, read


def _read(tmp_path: Path, text: str | bytes, **variables: str) -> dict[str, object]:
    path = tmp_path / "c.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path, variables).values


def test_variables_are_filled_in_as_text(tmp_path: Path) -> None:
    text = "a: ${A}\nb: ['x${A}y', '${B:-none}']\nc: $${A}\nd: ${E:-}\n"

    assert _read(tmp_path, text, A="k: v") == {
        "a": "k: v",
        "b": ["xk: vy", "none"],
        "c": "${A}",
        "d": "",
    }


def test_keys_are_text_as_written(tmp_path: Path) -> None:
    assert _read(tmp_path, "on: 1\n2: 3\n") == {"on": 1, "2": 3}


def test_merged_keys_may_be_overridden(tmp_path: Path) -> None:
    text = "a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  p: 3\n"

    assert _read(tmp_path, text)["b"] == {"p": 3, "q": 2}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "\ufeff"])
def test_an_empty_file_says_nothing(tmp_path: Path, text: str) -> None:
    assert _read(tmp_path, text) == {}


def test_another_encoding_is_told(tmp_path: Path) -> None:
    with pytest.raises(YamlError, match="not UTF-8"):
        _read(tmp_path, "host: ä".encode("latin-1"))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(YamlError, match="Is a directory"):
        read(tmp_path, {})


def test_a_list_that_holds_itself_is_no_endless_walk(tmp_path: Path) -> None:
    with pytest.raises(YamlError, match="not valid YAML"):
        _read(tmp_path, "a: &a [*a]\n")


def test_the_nearest_known_place_stands_for_what_is_below() -> None:
    marks: dict[Place, tuple[int, int]] = {("a",): (2, 1), ("a", "b"): (3, 3)}

    assert nearest_mark(("a", "b", 0), marks) == (3, 3)
    assert nearest_mark(("a", "z"), marks) == (2, 1)
    assert nearest_mark(("z",), marks) == (1, 1)

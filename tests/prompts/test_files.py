from __future__ import annotations

import os
from pathlib import Path

import pytest

from talkwire.canon.records import PromptVersion
from talkwire.prompts.files import BUILTIN, Broken, Folder, load


def _file(folder: Path, text: str | bytes, name: str = "tone.md") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def _loaded(folder: Path, text: str | bytes) -> PromptVersion:
    template = load(_file(folder, text))
    assert isinstance(template, PromptVersion), template
    return template


def _broken(folder: Path, text: str | bytes) -> str:
    template = load(_file(folder, text))
    assert isinstance(template, Broken), template
    return template.message


def test_a_file_without_front_matter_is_all_text(tmp_path: Path) -> None:
    template = _loaded(tmp_path, "\nBe {{ mood }}.\n--- not front matter\n")

    assert (template.name, template.version) == ("tone", 0)
    assert template.text == "Be {{ mood }}.\n--- not front matter"
    assert template.variables == ("mood",)


def test_front_matter_is_read(tmp_path: Path) -> None:
    template = _loaded(
        tmp_path,
        "---\ndescription: 语气\nvariables: [mood, spare]\n"
        "model: m1\ntemperature: 1\n---\n\nBe {{mood}}",
    )

    assert template.text == "Be {{mood}}"
    assert template.variables == ("mood", "spare")
    assert (template.description, template.model, template.temperature) == ("语气", "m1", 1.0)


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    template = _loaded(tmp_path, b"\xef\xbb\xbf---\r\nmodel: m\r\n---\r\nHi\r\nyou\r\n")

    assert (template.model, template.text) == ("m", "Hi\nyou")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("---\nmodel: m\nno end", "tone.md:1: the front matter has no closing"),
        ("---\nmodel: m\ndescripton: x\n---\n", "tone.md:3: unknown key 'descripton'; did you"),
        ("---\nmodel: m\n\ntemperature: 3\n---\n", "tone.md:4: 'temperature' must be a number"),
        ("---\ntemperature: true\n---\n", "tone.md:2: 'temperature' must be a number"),
        ("---\nvariables: mood\n---\n", "tone.md:2: 'variables' must be a list"),
        ("---\nvariables: [a b]\n---\n", "tone.md:2: 'variables' must be a list"),
        ("---\nmodel: [\n---\n", "tone.md:2: front matter"),
        ("---\nmodel: 2026-99-99\n---\n", "tone.md:1: front matter"),
        ("---\n- a\n---\n", "tone.md:2: the front matter must be"),
        ("---\nmodel: !!python/object:os.system x\n---\n", "tone.md:2: front matter"),
        ("---\nvariables: [a]\n---\n{{ b }}", "'b' is used but not among the declared"),
        ("---\nmodel: m\n---\n\nx\n{{ b c }}", "tone.md:6: '{{' opens no placeholder"),
        ("a\n{{ b c }}", "tone.md:2: '{{' opens no placeholder"),
        (b"a\n\xff", "tone.md:2: not UTF-8"),
        ("x" * 80_000, "tone.md:1: over"),
    ],
)
def test_a_broken_file_is_told_with_its_line(text: str | bytes, told: str, tmp_path: Path) -> None:
    assert told in _broken(tmp_path, text)


def test_an_unreadable_file_is_broken_too(tmp_path: Path) -> None:
    assert load(tmp_path / "gone.md") == Broken(
        "gone", "gone.md: cannot be read (No such file or directory)"
    )


def test_a_folder_gives_the_files_whose_names_are_allowed(tmp_path: Path) -> None:
    for name in ("ok.md", "bad name.md", "note.txt", "x" * 65 + ".md", "a.b-c_1.md"):
        _file(tmp_path, "Hi", name)
    (tmp_path / "folder.md").mkdir()

    assert sorted(Folder(tmp_path).scan()) == ["a.b-c_1", "ok"]


def test_a_missing_folder_is_an_empty_one(tmp_path: Path) -> None:
    assert Folder(tmp_path / "none").scan() == {}


def test_a_changed_file_is_read_again_and_a_deleted_one_is_gone(tmp_path: Path) -> None:
    path = _file(tmp_path, "one")
    folder = Folder(tmp_path)
    first = folder.scan()["tone"]
    again = folder.scan()["tone"]
    _file(tmp_path, "two")
    os.utime(path, ns=(1, 1))
    second = folder.scan()["tone"]
    path.unlink()

    assert again is first
    assert isinstance(second, PromptVersion)
    assert second.text == "two"
    assert folder.scan() == {}


def test_all_built_in_templates_are_whole() -> None:
    found = Folder(BUILTIN).scan()

    assert {"default", "translate", "summarize", "support"} <= found.keys()
    assert [t for t in found.values() if isinstance(t, Broken)] == []
    default = found["default"]
    assert isinstance(default, PromptVersion)
    assert default.variables == ()

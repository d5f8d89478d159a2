from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from talkwire.canon.errors import Conflict, NotFound, Unprocessable
from talkwire.canon.records import PromptVersion
from talkwire.prompts.templates import Templates


class Shelf:
    """Stored versions in memory."""

    def __init__(self) -> None:
        self.held: dict[str, list[PromptVersion]] = {}
        self.asked = 0

    async def latest(self, name: str) -> PromptVersion | None:
        self.asked += 1
        return self.held.get(name, [None])[-1]

    async def versions(self, name: str) -> list[PromptVersion]:
        return list(self.held.get(name, []))

    async def get(self, name: str, version: int) -> PromptVersion | None:
        return next((v for v in self.held.get(name, []) if v.version == version), None)

    async def put(self, draft: PromptVersion) -> PromptVersion:
        kept = self.held.setdefault(draft.name, [])
        kept.append(msgspec.structs.replace(draft, version=len(kept) + 1))
        return kept[-1]

    async def delete(self, name: str) -> int:
        return len(self.held.pop(name, []))

    async def names(self) -> list[str]:
        return list(self.held)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def templates(shelf: Shelf, tmp_path: Path) -> Templates:
    return Templates(shelf, folder=tmp_path, recheck_s=0)


def _draft(text: str, **more: object) -> PromptVersion:
    return msgspec.structs.replace(PromptVersion("tone", 0, text), **more)


async def test_no_name_means_the_built_in_default(templates: Templates) -> None:
    rendered = await templates.render(None, {})

    assert "helpful" in rendered.text
    assert (await templates.render("default", {})) == rendered


async def test_a_folder_lies_over_the_built_in_files(templates: Templates, tmp_path: Path) -> None:
    (tmp_path / "default.md").write_text("Mine.", encoding="utf-8")

    assert (await templates.render(None, {})).text == "Mine."


async def test_stored_versions_lie_over_files_and_are_pinned(
    templates: Templates, tmp_path: Path
) -> None:
    (tmp_path / "tone.md").write_text("file {{ x }}", encoding="utf-8")
    for text in ("one {{ x }}", "two {{ x }}"):
        await templates.put(_draft(text))

    texts = [
        (await templates.render(name, {"x": 1})).text
        for name in ("tone", "tone@2", "tone@1", "tone@0")
    ]

    assert texts == ["two 1", "two 1", "one 1", "file 1"]
    assert [v.version for v in await templates.versions("tone")] == [2, 1, 0]


async def test_a_template_brings_its_model_and_temperature(templates: Templates) -> None:
    await templates.put(_draft("x", model="m", temperature=0.5))

    rendered = await templates.render("tone", {})

    assert (rendered.model, rendered.temperature) == ("m", 0.5)


@pytest.mark.parametrize(
    "name",
    ["tome", "tone@9", "tone@x", "tone@", "../tone", "a/b", "tone@1@1", "", "x" * 200, "tone@²"],
)
async def test_an_unknown_name_or_version_is_told_with_the_known_ones(
    name: str, templates: Templates
) -> None:
    await templates.put(_draft("x"))

    with pytest.raises(NotFound, match="default, summarize, support, tone, translate") as told:
        await templates.render(name, {})

    assert len(told.value.message) < 400
    if name == "tome":
        assert "did you mean 'tone'?" in told.value.message


async def test_missing_and_unknown_variables_are_named(templates: Templates) -> None:
    await templates.put(_draft("{{ mood }}"))

    with pytest.raises(Unprocessable) as missing:
        await templates.render("tone", {})
    with pytest.raises(Unprocessable) as unknown:
        await templates.render("tone", {"mood": "x", "mod": "y"})

    assert (missing.value.param, unknown.value.param) == ("mood", "mod")


async def test_a_broken_file_names_itself_and_harms_no_other(
    templates: Templates, tmp_path: Path
) -> None:
    (tmp_path / "bad.md").write_text("\n{{ a b }}", encoding="utf-8")
    (tmp_path / "good.md").write_text("fine", encoding="utf-8")

    with pytest.raises(Unprocessable, match=r"bad\.md:2") as told:
        await templates.render("bad", {})

    assert told.value.code == "prompt_broken"
    assert str(tmp_path) not in told.value.message
    assert (await templates.render("good", {})).text == "fine"
    listed = {v.name: v for v in await templates.list()}
    assert listed["bad"].description.startswith("broken: bad.md:2")


async def test_a_changed_file_is_used_at_the_next_turn(
    templates: Templates, tmp_path: Path
) -> None:
    path = tmp_path / "tone.md"
    path.write_text("one", encoding="utf-8")
    first = await templates.render("tone", {})
    path.write_text("another", encoding="utf-8")

    assert first.text == "one"
    assert (await templates.render("tone", {})).text == "another"


async def test_turns_close_together_ask_the_store_once(shelf: Shelf, tmp_path: Path) -> None:
    templates = Templates(shelf, folder=tmp_path, recheck_s=60)
    await templates.put(_draft("one"))
    for _ in range(5):
        await templates.render("tone", {})

    assert shelf.asked == 1


async def test_what_was_just_stored_or_deleted_holds_at_once(shelf: Shelf, tmp_path: Path) -> None:
    templates = Templates(shelf, folder=tmp_path, recheck_s=60)
    await templates.put(_draft("one"))
    await templates.render("tone", {})
    await templates.put(_draft("two"))
    second = await templates.render("tone", {})
    await templates.delete("tone")

    assert second.text == "two"
    with pytest.raises(NotFound):
        await templates.render("tone", {})


async def test_the_list_has_the_newest_of_each_by_name(templates: Templates) -> None:
    await templates.put(_draft("one", name="b"))
    await templates.put(_draft("two", name="b"))
    await templates.put(_draft("mine", name="default"))

    listed = [(v.name, v.version) for v in await templates.list()]

    builtin = [("summarize", 0), ("support", 0), ("translate", 0)]
    assert listed == [("b", 2), ("default", 1), *builtin]


async def test_variables_are_found_where_none_are_declared(templates: Templates) -> None:
    assert (await templates.put(_draft("{{ a }} {{ b }}"))).variables == ("a", "b")
    assert (await templates.put(_draft("{{ a }}", variables=("a", "c")))).variables == ("a", "c")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"name": "../x"}, "name"),
        ({"name": ""}, "name"),
        ({"name": ".."}, "name"),
        ({"name": "x@1"}, "name"),
        ({"text": "  "}, "text"),
        ({"text": "{{ a b }}"}, "text"),
        ({"text": "x" * 70_000}, "text"),
        ({"text": "\ud800"}, "text"),
        ({"text": "{{ a }}", "variables": ("b",)}, "variables"),
        ({"variables": ("a b",)}, "variables"),
        ({"temperature": 2.5}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"description": "x" * 3_000}, "description"),
    ],
)
async def test_a_draft_that_cannot_work_is_refused(
    change: dict[str, object], param: str, templates: Templates, shelf: Shelf
) -> None:
    with pytest.raises(Unprocessable) as told:
        await templates.put(msgspec.structs.replace(_draft("x"), **change))

    assert told.value.param == param
    assert shelf.held == {}


async def test_deleting_tells_how_many_versions_there_were(templates: Templates) -> None:
    await templates.put(_draft("one"))
    await templates.put(_draft("two"))

    assert await templates.delete("tone") == 2


async def test_a_file_is_not_deleted_but_what_lies_over_it_is(templates: Templates) -> None:
    await templates.put(_draft("mine", name="default"))

    assert await templates.delete("default") == 1
    with pytest.raises(Conflict):
        await templates.delete("default")
    assert "helpful" in (await templates.render("default", {})).text


@pytest.mark.parametrize("name", ["nothing", "../default", ""])
async def test_unknown_names_have_no_versions_and_cannot_be_deleted(
    name: str, templates: Templates
) -> None:
    with pytest.raises(NotFound):
        await templates.versions(name)
    with pytest.raises(NotFound):
        await templates.delete(name)

from __future__ import annotations

import msgspec
import pytest

from talkwire.scenarios.catalogue import Catalogue, Scenario, Slot, Step, Words


def test_words_are_said_in_the_language_asked_for() -> None:
    words = Words(zh="你好", en="hello")

    assert (words.of("zh"), words.of("en")) == ("你好", "hello")


def test_a_scenario_is_told_from_others_by_category_and_subcategory() -> None:
    one = Scenario("退款", "进度", Words("进度", "Status"), "Where it is")

    assert one.key == ("退款", "进度")
    assert one.key != msgspec.structs.replace(one, category="取款").key


def test_values_do_not_change() -> None:
    step = Step("a", "ask", Words("?", "?"), slot="id")

    with pytest.raises(AttributeError):
        setattr(step, "slot", "other")  # noqa: B010 - mypy knows that it must not work


def test_a_catalogue_survives_being_stored() -> None:
    words = Words("一", "one")
    scenario = Scenario(
        "c", "s", words, "d", steps=(Step("a", "answer", words, when={"x": ("known",)}),)
    )
    scenario = msgspec.structs.replace(scenario, slots={"x": Slot("x", words, pattern="[0-9]+")})
    catalogue = Catalogue((scenario,), {}, {}, words, "v")

    assert msgspec.json.decode(msgspec.json.encode(catalogue), type=Catalogue) == catalogue

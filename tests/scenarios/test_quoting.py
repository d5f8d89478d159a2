from __future__ import annotations

from msgspec import structs

from talkwire.scenarios.catalogue import Passage
from talkwire.scenarios.quoting import MOST_CHARS, MOST_PASSAGES, passages
from tests.scenarios.shop import LOGIN, STATUS, shop


def _found(query: str, *given: Passage) -> tuple[Passage, ...]:
    catalogue = shop()
    if given:
        catalogue = structs.replace(catalogue, passages={"status.md": given})
    return passages(query, STATUS, catalogue, lambda token: 1.0)


def test_the_passage_that_says_what_is_asked_comes_first() -> None:
    assert _found("能不能加急")[0].heading == "常见追问"
    assert _found("do I wait until Monday")[0].heading == "Times"


def test_a_heading_that_answers_the_question_beats_a_mention() -> None:
    assert _found("那要多久呢")[0].heading == "时效"
    assert _found("多少手续费")[0].file == "fees.md"


def test_passages_are_in_the_language_that_is_asked_for() -> None:
    found = passages("WD123", STATUS, shop(), lambda token: 1.0, "zh")

    assert {each.language for each in found} == {"zh"}


def test_passages_are_in_the_querys_language_where_there_are_any() -> None:
    assert {passage.language for passage in _found("how long")} == {"en"}
    assert {passage.language for passage in _found("多久")} == {"zh"}
    only = Passage("status.md", "时效", "两小时", "zh")
    assert _found("how long", only) == (only,)


def test_there_are_at_most_so_many() -> None:
    assert len(_found("提现")) == MOST_PASSAGES


def test_all_together_are_bounded() -> None:
    long = [Passage("status.md", f"{n}", "两小时。" * 400, "zh") for n in range(3)]

    assert len(_found("两小时", *long)) == 1


def test_a_passage_that_is_too_long_alone_is_cut() -> None:
    (found,) = _found("两小时", Passage("status.md", "时效", "两小时。" * 1_000, "zh"))

    assert len(found.text) == MOST_CHARS
    assert found.text.endswith("…")


def test_a_scenario_without_procedures_has_no_passages() -> None:
    assert passages("多久", LOGIN, shop(), lambda token: 1.0) == ()

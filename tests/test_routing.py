"""Which model answers, told without a server: the same as a server would decide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from talkwire.canon.turn import Message, TurnRequest, text_message
from talkwire.engine.ports import Choice
from talkwire.engine.weighing import Weights
from talkwire.models.configured import catalogue
from talkwire.routing import BadTable, NoSuchType, evaluate, explain, read, routing, weights
from talkwire.settings import Settings

CSV = Path(__file__).parent / "engine" / "routing.csv"
PROOF = "Prove step by step that the square root of 2 is irrational."
NOWHERE: dict[str, Any] = {"provider": "openai-chat", "base_url": "http://127.0.0.1:1/v1"}
SMALL = {"name": "small", "type": "local_small", "context_tokens": 8_000, **NOWHERE}
LARGE = {"name": "large", "price_in": 1, "price_out": 4, **NOWHERE}


def settings(*models: dict[str, Any], **weights: float) -> Settings:
    given = {"models": models or (SMALL, LARGE), "routing": {"weights": weights}}
    return Settings.model_validate(given)


@pytest.mark.parametrize("text", ["hello", PROOF, "翻译成英文：你好", "word " * 20_000])
@pytest.mark.parametrize("session_type", [None, "local_small", "cloud_large"])
def test_what_is_explained_is_what_a_server_decides(text: str, session_type: str | None) -> None:
    asks = settings(sticky=1.5)
    models = catalogue(asks, Choice)
    name = {"local_small": "small", "cloud_large": "large"}.get(session_type or "")
    said = [text_message("", "user", text)]
    if name is not None:
        said.insert(0, Message("", "assistant", model=name))
    decided = routing(asks, models).decide(TurnRequest("", "", model_type="auto"), said)

    found = explain(asks, text, session_type=session_type)

    assert found.model == decided.name == found.candidates[0].name
    assert [other.name for other in found.candidates[1:]] == [o.name for o in decided.others]
    assert [other.score for other in found.candidates[1:]] == [o.score for o in decided.others]


@pytest.mark.parametrize("text", ["hello", PROOF, "word " * 20_000])
def test_the_parts_of_a_score_add_up(text: str) -> None:
    found = explain(settings(), text, session_type="cloud_large")

    for each in found.candidates:
        own = sum(term.weight for term in each.own)
        assert each.score == pytest.approx(each.message + own, abs=0.001)
    sides = {each.model_type: each.message for each in found.candidates}
    pull = sum(term.weight for term in found.terms)
    assert sides == pytest.approx({"cloud_large": pull / 2, "local_small": -pull / 2})
    assert (found.need > 0.5) is (pull > 0)


def test_tools_count_where_some_are_configured() -> None:
    given = {"models": (SMALL, LARGE), "tools": {"builtin": {"clock": True}}}
    plain = explain(settings(), "hello")

    found = explain(Settings.model_validate(given), "hello")

    assert {each.what for each in found.terms} - {each.what for each in plain.terms} == {
        "tools are on offer"
    }
    assert found.need > plain.need
    assert found.candidates[0].score == pytest.approx(plain.candidates[0].score - 0.5)


def test_what_cannot_hold_the_message_says_so() -> None:
    *_, last = explain(settings(), "word " * 20_000).candidates

    assert (last.name, last.own[-1].what) == ("small", "holds 8000 tokens only")


def test_the_demo_alone_answers_whatever_it_is() -> None:
    found = explain(Settings(use_mock=True), PROOF)

    assert (found.model, found.model_type, len(found.candidates)) == ("scripted", "scripted", 1)


def test_a_conversation_with_a_kind_that_there_is_not_is_refused_with_those_there_are() -> None:
    with pytest.raises(NoSuchType) as raised:
        explain(settings(), "hi", session_type="tiny")

    assert raised.value.known == ["cloud_large", "local_small"]


def test_the_weights_are_those_of_the_settings() -> None:
    assert weights(Settings()) == Weights()
    assert weights(settings(sticky=0, now=2.5)) == Weights(sticky=0, now=2.5)
    assert explain(settings(bias=50), "hello").model == "large"


def test_nine_of_ten_labelled_messages_get_their_model() -> None:
    shares = evaluate(Settings(), read(CSV))

    whole = {each.split: each.right / each.count for each in shares if not each.by}
    assert whole.keys() == {"learnt", "held"}
    assert min(whole.values()) >= 0.9
    for split in whole:
        parts = [each for each in shares if each.split == split]
        counts = {by: sum(p.count for p in parts if p.by == by) for by in ("", "language", "kind")}
        assert len(set(counts.values())) == 1
    assert [each.by for each in shares if each.split == "held"][:2] == ["", "language"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no column split, language, kind, label, text"),
        (b"split,language,kind,label\n", "no column text"),
        (b"split,language,kind,label,text\n", "no messages"),
        (b"split,language,kind,label,text\na,en,x,tiny,hi\n", "line 2: .*local_small or cloud"),
        (b"split,language,kind,label,text\na,en,x,local_small,\n", "line 2: "),
        (b"split,language,kind,label,text\na,en\n", "line 2: "),
        (b"split,language,kind,label,text\n\xff\n", "no CSV in UTF-8"),
        (b'split,language,kind,label,text\na,en,x,local_small,"hi"x\n', "no CSV in UTF-8"),
    ],
)
def test_a_table_that_cannot_be_measured_is_told_with_its_place(
    tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)

    with pytest.raises(BadTable, match=rf"t\.csv: .*{told}"):
        read(path)


def test_a_table_of_a_spreadsheet_is_read_and_further_columns_are_passed_over(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "note,split,text,language,kind,label\n1,mine,你好,zh,a,local_small\n", "utf-8-sig"
    )

    (row,) = read(path)

    assert (row.split, row.text, row.label) == ("mine", "你好", "local_small")


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match="No such file"):
        read(tmp_path / "t.csv")

from __future__ import annotations

import pytest

from talkwire.canon.scenarios import Scene
from talkwire.canon.turn import Message, TurnRequest, text_message
from talkwire.scenarios.case import Case
from talkwire.scenarios.known import known
from tests.scenarios.catalogues import REFUND, WITHDRAWAL, catalogue


def case(text: str, facts: str = "", **before: str) -> Case:
    scene = Scene(*WITHDRAWAL.key, slots=before)
    said = [Message("a", "assistant", scene=scene), text_message("u", "user", text)]
    return Case.of(catalogue(), TurnRequest("s", "support", scenario="", facts=facts), said)


FACTS = '{"status":"processing","withdrawalNo":"WD1111"}'


@pytest.mark.parametrize("text", ["显示已到账", "it is paid", "已到账了吗"])
def test_the_clients_facts_count_before_a_choice_that_is_heard(text: str) -> None:
    assert known(case(text, FACTS), WITHDRAWAL, {}, "")["state"] == "processing"


def test_a_number_that_is_heard_counts_before_facts() -> None:
    assert known(case("WD2222", FACTS), WITHDRAWAL, {}, "")["withdrawal_id"] == "WD2222"


def test_what_is_heard_counts_before_what_a_model_reads_and_what_was_known() -> None:
    found = known(case("显示已到账", waited="long"), WITHDRAWAL, {"state": "processing"}, "")

    assert found == {"waited": "long", "state": "paid"}


def test_another_scenario_takes_what_it_knows_too_and_nothing_that_cannot_be() -> None:
    assert known(
        case("x", withdrawal_id="WD1234", waited="long"), REFUND, {"order_id": "no"}, ""
    ) == {"withdrawal_id": "WD1234"}

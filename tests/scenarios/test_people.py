from __future__ import annotations

import pytest

from talkwire.scenarios.people import asks_for_person


@pytest.mark.parametrize(
    "text",
    [
        "转人工",
        "轉人工",
        "人工客服在吗",
        "给我找个活人",
        "别再机器人了",
        "不想和机器人说话",
        "叫你们主管来",
        "我要跟真人说",
        "能不能打个电话给我",
        "有没有人啊",
        "转人功服务",
        "帮我接通客服专员",
        "I want to talk to a human",
        "get me an agent please",
        "Put me through to somebody in your team",
        "stop with the bots",
        "real person!!",
        "customer service",
        "can someone call me back",
        "let me speak with your manager",
    ],
)
def test_the_wish_for_a_person_is_known(text: str) -> None:
    assert asks_for_person(text)


@pytest.mark.parametrize(
    "text",
    [
        "提现到哪了",
        "人工审核要多久",
        "有人盗刷我的卡",
        "你们派人来拿还是我自己送",
        "让我妈来收快递",
        "收款人姓名写错了",
        "钱打给我哪张卡",
        "where is my refund",
        "someone else used my card",
        "payment callback is delivered several times",
        "can you call me a taxi",
        "my cash out has not arrived",
        "",
    ],
)
def test_other_wishes_are_none(text: str) -> None:
    assert not asks_for_person(text)


def test_a_long_text_is_read_from_its_beginning_and_in_time() -> None:
    assert asks_for_person("我要找人工。" + "啊" * 20_000)
    assert not asks_for_person("talk to " * 3_000)

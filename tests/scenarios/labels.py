"""Labelled texts for the small catalogue of `shop.py`."""

from __future__ import annotations

from talkwire.scenarios.labelled import Kind, Row, Split, Written
from tests.scenarios.shop import FEES, LOGIN, REFUND, STATUS

_TEXTS: dict[tuple[str, str], tuple[str, ...]] = {
    STATUS.key: (
        "取款还没有到账",
        "银行卡没收到转出来的钱",
        "the bank did not get my withdrawal",
        "钱取了怎么没到",
        "cash out not there yet",
        "提现处理到哪一步",
    ),
    FEES.key: (
        "取现扣多少",
        "手续费怎么算",
        "limit for withdrawals per day",
        "每天能提多少钱",
        "how expensive is cashing out",
        "提现额度多少",
    ),
    REFUND.key: (
        "把钱退给我",
        "退钱怎么弄",
        "refund me please",
        "不要了退款",
        "give me my money back",
        "申请把这单退了",
    ),
    LOGIN.key: (
        "登不上去",
        "密码想不起来",
        "cannot get into my account",
        "账户登录失败",
        "password is gone",
        "我登录不上账号",
    ),
}
_OUTSIDE = (
    "外面下雨吗",
    "唱首歌",
    "tell me a story",
    "hello there",
    "吃什么好",
    "who won the game",
)
_PEOPLE = (
    "我要真人",
    "人工服务",
    "an agent please",
    "human",
    "换个真人来",
    "let me talk to a person",
)


def row(
    number: int,
    text: str,
    key: tuple[str, str] = ("", ""),
    kind: Kind = "plain",
    *,
    split: Split | None = None,
    previous: str = "",
) -> Row:
    language: Written = "en" if text.isascii() else "zh"
    given = split or ("test" if number % 2 else "calibration")
    return Row(f"{number}", given, language, kind, previous, text, *key)


def labels() -> list[Row]:
    """Texts of every kind, in both splits."""
    rows: list[Row] = []
    for key, texts in _TEXTS.items():
        rows += [row(len(rows) + n, text, key) for n, text in enumerate(texts)]
    rows += [row(len(rows) + n, text, kind="out_of_scope") for n, text in enumerate(_OUTSIDE)]
    rows += [row(len(rows) + n, text, kind="person") for n, text in enumerate(_PEOPLE)]
    for key, texts in _TEXTS.items():
        for text in ("那要准备什么", "and what do I need for it"):
            rows.append(row(len(rows), text, key, "followup", previous=texts[0]))
    return rows

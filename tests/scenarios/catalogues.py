"""A small catalogue made by hand: a withdrawal with a flow, a refund that only informs."""

from __future__ import annotations

from typing import Any

from talkwire.scenarios.catalogue import Aside, Catalogue, Passage, Scenario, Slot, Step, Words


def both(zh: str, en: str) -> Words:
    return Words(zh, en)


ORDER = Slot("order_id", both("订单号", "order number"), pattern=r"(?<![A-Za-z0-9])SO\d{4,12}")
NUMBER = Slot(
    "withdrawal_id",
    both("提现单号", "withdrawal number"),
    pattern=r"(?<![A-Za-z0-9])WD\d{4,12}",
    context=("withdrawalNo",),
)
STATE = Slot(
    "state",
    both("状态", "state"),
    choices={"processing": ("处理中", "processing"), "paid": ("已到账", "到账", "paid")},
    context=("status",),
)
WAITED = Slot(
    "waited",
    both("等待时间", "waiting time"),
    choices={"short": ("今天", "today"), "long": ("三天", "over a week", "a week")},
)

WITHDRAWAL = Scenario(
    category="取款/提现",
    subcategory="1 提现状态查询 Flow",
    title=both("提现状态查询", "Withdrawal status"),
    description="查询提现进度 / Where a withdrawal is",
    examples=("提现到哪了", "where is my withdrawal"),
    steps=(
        Step("ask_id", "ask", both("请提供提现单号。", "Which withdrawal?"), "withdrawal_id"),
        Step("look", "check", both("正在查看 {withdrawal_id}。", "Looking at {withdrawal_id}.")),
        Step("done", "answer", both("已经到账。", "It is paid."), when={"state": ("paid",)}),
        Step(
            "open",
            "answer",
            both("两天内到账。", "It takes two days."),
            when={"state": ("unknown",)},
        ),
        Step(
            "ask_waited",
            "ask",
            both("等了多久？", "Since when?"),
            "waited",
            {"state": ("unknown",)},
        ),
        Step(
            "pass", "hand_over", both("转人工处理。", "I pass you on."), when={"waited": ("long",)}
        ),
    ),
    slots={slot.name: slot for slot in (NUMBER, STATE, WAITED)},
    required_slots=("withdrawal_id",),
    related_subcategories=("1 退款进度 Flow",),
    sop_references=("withdrawal.md",),
)
REFUND = Scenario(
    category="退款",
    subcategory="1 退款进度 Flow",
    title=both("退款进度", "Refund status"),
    description="退款到哪了 / Where a refund is",
    examples=("退款什么时候到", "where is my refund"),
    steps=(
        Step(
            "ask_order",
            "ask",
            both("可以提供订单号。", "You may give the order."),
            "order_id",
            {},
            True,
        ),
        Step("answer", "answer", both("退款三天内到账。", "Refunds take three days.")),
    ),
    slots={"order_id": ORDER, "withdrawal_id": NUMBER},
    related_subcategories=("1 提现状态查询 Flow",),
    sop_references=("refund.md",),
)
PASSAGES = {
    "withdrawal.md": (
        Passage("withdrawal.md", "时效", "一般两天到账，节假日顺延。", "zh"),
        Passage("withdrawal.md", "Times", "Two days as a rule, longer on holidays.", "en"),
    ),
    "refund.md": (Passage("refund.md", "时效", "原路退回，三天。", "zh"),),
}


def catalogue(**changed: Any) -> Catalogue:
    given: dict[str, Any] = {
        "scenarios": (WITHDRAWAL, REFUND),
        "passages": PASSAGES,
        "asides": {
            "person": Aside(
                ("转人工",), both("正在为您转接人工客服。", "I pass you on to a person.")
            ),
            "out_of_scope": Aside(("天气",), both("这不在服务范围内。", "That is not our matter.")),
        },
        "clarify": both("请问是哪一项？", "Which one do you mean?"),
        "version": "1",
    }
    return Catalogue(**{**given, **changed})

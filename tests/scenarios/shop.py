"""A catalogue small enough to be understood, for what searches and ranks."""

from __future__ import annotations

from talkwire.scenarios.catalogue import Aside, Catalogue, Passage, Scenario, Words


def scenario(
    category: str, name: str, title: tuple[str, str], examples: tuple[str, ...], *files: str
) -> Scenario:
    return Scenario(
        category=category,
        subcategory=name,
        title=Words(*title),
        description=f"{title[0]} / {title[1]}",
        examples=examples,
        sop_references=files,
    )


STATUS = scenario(
    "提现",
    "状态",
    ("提现状态查询", "Withdrawal status"),
    (
        "提现到哪了",
        "取的钱还没到卡里",
        "钱转出去三天了银行没收到",
        "where is my withdrawal",
        "my cash out has not arrived",
        "I took money out and the bank has nothing",
    ),
    "status.md",
    "fees.md",
)
FEES = scenario(
    "提现",
    "费用",
    ("提现手续费", "Withdrawal fees"),
    (
        "提现收多少手续费",
        "一天最多能取多少",
        "取钱要扣费吗",
        "what does a withdrawal cost",
        "is there a daily limit for cashing out",
        "fee for sending money to my bank",
    ),
    "fees.md",
)
REFUND = scenario(
    "退款",
    "申请",
    ("申请退款", "Ask for a refund"),
    (
        "我要退款",
        "东西不想要了把钱退我",
        "怎么申请退钱",
        "I want my money back",
        "please refund my order",
        "how do I ask for a refund",
    ),
)
LOGIN = scenario(
    "账户",
    "登录",
    ("无法登录", "Cannot log in"),
    (
        "登录不了",
        "忘记密码了",
        "账号进不去",
        "I cannot log in",
        "forgot my password",
        "locked out of my account",
    ),
)

PASSAGES = {
    "status.md": (
        Passage("status.md", "适用情形", "客户已经提交提现，想知道钱在哪里。", "zh"),
        Passage("status.md", "处理步骤", "先查提现单号，再看银行回单。", "zh"),
        Passage("status.md", "时效", "一般两小时到账，周末顺延到星期一。", "zh"),
        Passage("status.md", "常见追问", "问：能加急吗？答：不能插队。", "zh"),
        Passage("status.md", "Times", "Two hours as a rule; on weekends the next Monday.", "en"),
        Passage("status.md", "Follow-up", "Can it be faster? No, it keeps its place.", "en"),
    ),
    "fees.md": (Passage("fees.md", "费用", "每月三次免费，之后每笔两元。", "zh"),),
}
ASIDES = {
    "person": Aside(("转人工", "talk to a human", "叫个真人来"), Words("转接中", "One moment")),
    "out_of_scope": Aside(
        ("今天天气怎么样", "讲个笑话", "tell me a joke", "what is the weather like", "你好"),
        Words("帮不上忙", "I cannot help"),
    ),
}


def shop(*scenarios: Scenario) -> Catalogue:
    """The catalogue, or one of other scenarios."""
    return Catalogue(
        scenarios=scenarios or (STATUS, FEES, REFUND, LOGIN),
        passages=PASSAGES,
        asides={"person": ASIDES["person"], "out_of_scope": ASIDES["out_of_scope"]},
        clarify=Words("哪一个？", "Which one?"),
        version="shop",
    )

"""Knows when somebody asks for a person."""

from __future__ import annotations

import re

from talkwire.scenarios.words import normalised

_MOST_CHARS = 400

# 转人功: so it is typed, and heard.
_ZH = (
    r"(?:人[工功公供]|真人|真的人|活人|人类|客服|专员|专人|坐席|座席|接线员|主管|经理|领导|负责人"
    r"|工作人员)"
)
_ZH_MACHINE = r"(?:机器人|机器|自动回复|智能客服|复读机|ai)"
_EN = (
    r"(?:human(?: being)?|person|people|agent|rep|representative|operator|manager|supervisor|boss"
    r"|somebody|someone|anybody|anyone|specialist|advis[oe]r|staff|team|employee"
    r"|customer (?:care|service|support)|live (?:chat|support)|one of you)s?"
)
_EN_MACHINE = r"(?:bots?|robots?|chatbots?|machines?|automated|canned|scripts?|ai)"

_CHINESE = (
    # 真人呢: a short text that speaks of nothing else
    r"^.{0,6}(?:人工(?!审|复|核|费)|真人|活人).{0,6}$",
    r"^\W*客服(?:服务|在线|在吗|在不在|人工|呢|啊|[\W_])*$",
    r"^\W*(?:帮?我?给我)?转接?\W*$",
    # 转人工, 要个真人, 找你们主管, 叫个活人来
    r"(?:转|换|找|叫|接|来|要|给我|请|派|联系|呼叫|安排|喊|连)"
    rf"(?:一?[个位名下]|高级|真正的?|接|到|通|成|来|能|做主|的|你们|我){{0,5}}{_ZH}",
    r"(?:叫|派|来|找|换|安排|要|给我|让)(?:一?[个位])?(?:懂\w?的|能\w{0,4}的|会说话的)?人"
    r"(?:来(?!拿|取|收)|吧|跟|和|聊|说|处理|解决|接|帮|\W|$)",
    r"(?:你们|让)的?(?:主管|经理|领导|负责人)",
    # 有真人吗, 有人在吗
    r"(?:有没有|有)(?:一?[个位])?(?:在线的?)?(?:真人|活人|人工)|有没有人|有人在\W*$",
    r"有人(?:在|管|理|处理)?[吗嘛么没不]|有人能.{0,6}[吗嘛么]\W*$",
    # 跟人说
    rf"(?:跟|和|与|同|对)(?:一?[个位]|你们|真正的?)?(?:{_ZH}|人)(?:直接)?"
    r"(?:说|谈|聊|讲|沟通|对话|通话|交流)",
    # 别再机器人了
    rf"(?:别|不要|不想|不用|少|受够|烦|拒绝|不跟|不和|讨厌).{{0,8}}{_ZH_MACHINE}",
    rf"{_ZH_MACHINE}.{{0,10}}(?:没用|不行|听不懂|解决不了|走开|算了|烦|说不清|一边|够了)",
    # 打电话给我
    r"(?:打|回)一?个?电话(?:给我|过来|联系)|给我(?:回|打)一?个?电话|电话联系我|让.{0,8}打给我",
    rf"人工(?:服务|客服|处理|介入|接待|坐席|座席|帮|来|电话|通道)|(?:{_ZH})的?(?:电话|热线|号码)",
    r"在线(?:等|的)?(?:一?个)?真人",
)
_ENGLISH = (
    r"^\W*(?:a |real |live |human )*(?:agent|human|operator|rep|representative|person"
    r"|customer service|live chat|support)(?:\W+(?:please|pls|plz|now|agent|required))*\W*$",
    # talk to a human, put me through to somebody, escalate this to your manager
    r"\b(?:talk|speak|chat|connect|transfer|put|pass|switch|escalate|forward|hand)\w*\b"
    rf"(?:\W+\w+){{0,4}}?\W+(?:to|with|through|over|onto)\b(?:\W+\w+){{0,3}}?\W+{_EN}\b",
    # get me an agent, I need a real human, is there a live person
    r"\b(?:want|need|get|give|find|prefer|like|have|send|call|demand|is there|are there)\b"
    r"(?:\W+(?:me|us|a|an|the|any|some|your|to|see|with|only))*"
    r"(?:\W+(?:real|live|actual|human|proper|support|service|care|customer))*\W+"
    r"(?:humans?|real persons?|live person|agents?|rep|representative|operator|supervisor"
    r"|manager|live chat|person to|someone real)\b",
    r"\b(?:real|live|actual|human) (?:person|human|agent|being|operator|support|help|rep)\b",
    r"\b(?:anyone|anybody|someone|somebody) (?:real|human|there|home|alive|who can actually)",
    r"\b(?:get|find) (?:me )?(?:some|any)(?:one|body) who\b",
    r"\b(?:reach|get hold of|get to|discuss \w+ with) (?:an? |some|any)*"
    r"(?:\w+ )?(?:person|human|one|body|agent)\b",
    r"\bmember of (?:your )?(?:staff|team)\b|\bphone support\b|\bhuman (?:take|handle|look|on)\w*",
    r"\b(?:one of )?your (?:colleagues?|people|coworkers?)\b.{0,20}$",
    # no more robots
    r"\b(?:no|not|stop|enough|without|hate|sick|tired|done|fed up|instead of)\b"
    rf"(?:\W+\w+){{0,4}}?\W+{_EN_MACHINE}\b",
    rf"\b{_EN_MACHINE}\b.{{0,40}}\b(?:human|real|person|agent|somebody|someone)\b",
    r"\b(?:call|phone|ring) me(?: back\b|\W*$)|\b(?:a|want|need|request) call ?back\b",
)
_WISH = re.compile("|".join((*_CHINESE, *_ENGLISH)))


def asks_for_person(text: str) -> bool:
    """Whether the beginning of a text asks for a person in one of the usual ways."""
    return _WISH.search(normalised(text[:_MOST_CHARS])) is not None

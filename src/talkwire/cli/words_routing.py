"""What is said of routing, in English and Chinese; a part of `words.py`."""

from __future__ import annotations

import re

WORDS: dict[str, tuple[str, str]] = {
    "route_answers": (
        "{model} ({kind}) would answer.",
        "将由 {model}（{kind}）回答。",
    ),
    "route_need": (
        "How much the message needs the large model: {need:.0%}",
        "该消息需要大模型的程度：{need:.0%}",
    ),
    "route_sum": ("in all", "合计"),
    "route_model": ("model", "模型"),
    "route_type": ("type", "类型"),
    "route_score": ("score", "得分"),
    "route_message": ("message", "消息"),
    "route_own": ("its own", "自身"),
    "route_half": (
        "The message counts half for the large models and half against the local ones; the highest"
        " score answers. State and load are those of a server that has just started.",
        "消息的合计值一半计入大模型、一半从本地模型中扣除；得分最高者回答。健康与负载按刚启动的服务器计。",
    ),
    "route_no_type": (
        "No configured model has the type {name!r}. These are: {names}",
        "没有类型为 {name!r} 的模型。现有类型：{names}",
    ),
    "route_no_table": (
        "There is no {path} here. Name a table of labelled messages, with the columns {columns}:"
        "  talkwire route evaluate FILE.csv",
        "此处没有 {path}。请指定带标签的消息表，列为 {columns}：talkwire route evaluate FILE.csv",
    ),
    "route_bad_table": ("This cannot be measured: {reason}", "无法评估：{reason}"),
    "route_split": ("split", "划分"),
    "route_group": ("messages of", "分组"),
    "route_count": ("messages", "消息数"),
    "route_right": ("right", "正确"),
    "route_share": ("share", "准确率"),
    "route_all": ("all", "全部"),
    "route_language": ("language {name}", "语言 {name}"),
    "route_kind": ("kind {name}", "种类 {name}"),
    "route_written": ("The figures are in {path}.", "数据已写入 {path}。"),
    "route_no_marks": (
        "{path} is not here, or has no lines {begin} and {end} to write between.",
        "{path} 不存在，或缺少用于写入的标记行 {begin} 和 {end}。",
    ),
}

TERMS: dict[str, str] = {
    "to begin with": "起始值",
    "about {} tokens long": "长约 {} 个词元",
    "has blocks of code": "含有代码块",
    "speaks of code": "谈到代码",
    "asks to make something": "要求创作或编写",
    "asks for reasoning": "需要推理",
    "has mathematics in it": "含有数学",
    "sets conditions": "附有条件",
    "is of a field where errors are dear": "属于容不得差错的领域",
    "has several numbers in it": "含有多个数字",
    "says much in little": "言简而内容多",
    "has many lines": "行数多",
    "is small talk": "闲聊",
    "asks for something simple": "要求简单",
    "asks about what is now": "询问当下的信息",
    "has answered in this conversation": "此前在本会话中回答过",
    "has {} requests running": "正在处理 {} 个请求",
    "takes {} s to its first token": "首个词元需 {} 秒",
    "fails at {}": "失败率 {}",
    "costs {} a million tokens": "每百万词元 {}",
    "{} of the budget is spent": "预算已用 {}",
    "holds {} tokens only": "上下文只有 {} 个词元",
    "tools are on offer": "可以调用工具",
}
"""What is weighed, as the engine calls it, in Chinese."""


def term(what: str, language: str) -> str:
    """What is weighed, in the language; as it is where there is no word for it."""
    if language == "zh":
        for english, chinese in TERMS.items():
            form = re.escape(english).replace(r"\{\}", "(.+)")
            if found := re.fullmatch(form, what):
                return chinese.format(*found.groups())
    return what

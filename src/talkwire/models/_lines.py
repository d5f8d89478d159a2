"""What the scripted demo says, in English and in Chinese."""

from __future__ import annotations

import re

from msgspec import Struct

_CJK = re.compile(r"[\u3400-\u9fff]")


class Lines(Struct, frozen=True):
    """The demo's lines in one language."""

    hello: str
    help: str
    other: str
    joke: str
    markdown: str
    thought: str
    thought_of: str
    failing: str
    remembered: str
    used: str
    filling: str
    gap: str = ", "
    stop: str = "."


def lines(asked: str) -> Lines:
    """The lines in the language of the question."""
    return CHINESE if _CJK.search(asked) else ENGLISH


ENGLISH = Lines(
    hello=(
        "Hello! I am Talkwire's scripted demo: no model, no network, no opinions. Everything "
        "around me is real, though - sessions, streams, resume, abort. Say `help` for my tricks."
    ),
    help=(
        "I am a scripted demo, not a language model. What I can do:\n\n"
        "- `count to 20` - one number after another\n"
        "- `echo anything` - says it back\n"
        "- `200 words` - a long answer\n"
        "- `slow count to 20` - `slow` in front makes anything ten times slower\n"
        "- `think`, `markdown`, `joke`, `remember`, `fail`\n"
        '- `use calculator {"expression": "6*7"}` - calls a tool, where there are any\n\n'
        "Cut the connection while I speak, then come back: nothing is lost.\n\n"
        "For a real model set `OPENAI_API_KEY` (and `OPENAI_BASE_URL` for any compatible "
        "server), start Ollama on this host, or write `models:` into `config.yaml`."
    ),
    other=(
        "You said: {asked}\n\nI would love to have a thought about that, but I am only a scripted "
        "demo. Set `OPENAI_API_KEY` to talk to a real model, or say `help` for my tricks."
    ),
    joke=(
        'A stream walks into a bar. The bartender asks: "What will it be?" The stream says: '
        '"I would like a" - and is cut off. It comes back and says: " glass of water." '
        "(A scripted joke. Set `OPENAI_API_KEY` for better ones.)"
    ),
    markdown=(
        "# A heading\n\nSome **bold**, some *italic*, some `code`.\n\n1. one\n2. two\n\n"
        "| wire | bytes |\n| --- | --- |\n| native | all of them |\n\n"
        '```python\nprint("scripted demo")\n```\n'
    ),
    thought="Let me see. I have no weights, so this will not take long. ",
    thought_of="I have thought about it: I am a scripted demo, and content with that.",
    failing="I begin to answer, and then, in the middle of the ",
    remembered="I was given {n} messages of this conversation. (A scripted demo can count.)",
    used="The tool says: {result}",
    filling="This is a long answer by a scripted demo that has nothing to say and says it well. ",
)

CHINESE = Lines(
    hello=(
        "你好！我是 Talkwire 的脚本演示：没有模型，没有网络，也没有观点。不过我周围的一切都是真的："
        "会话、流式输出、断线续传、中止。输入“帮助”看看我会什么。"
    ),
    help=(
        "我是脚本演示，不是语言模型。我会这些：\n\n"
        "- `数到 20`：一个数一个数地数\n"
        "- `复述 任何话`：原样说一遍\n"
        "- `200 字`：一段长回答\n"
        "- `慢 数到 20`：前面加“慢”，慢十倍\n"
        "- `思考`、`格式`、`笑话`、`历史`、`失败`\n"
        '- `使用 calculator {"expression": "6*7"}`：调用工具（若有）\n\n'
        "在我说话时断开连接，再回来：一个字也不会丢。\n\n"
        "要使用真正的模型，请设置 `OPENAI_API_KEY`（兼容的服务器再设置 `OPENAI_BASE_URL`），"
        "或在本机启动 Ollama，或在 `config.yaml` 里写 `models:`。"
    ),
    other=(
        "你说：{asked}\n\n我很想对此有些想法，可惜我只是脚本演示。设置 `OPENAI_API_KEY` "
        "就能和真正的模型对话；输入“帮助”看看我会什么。"
    ),
    joke=(
        "一条数据流走进酒吧，酒保问：“喝点什么？”它说：“我想要一杯”——断了。"
        "它重新连上，接着说：“水。”（脚本笑话。设置 `OPENAI_API_KEY` 会有更好的。）"
    ),
    markdown=(
        "# 标题\n\n**粗体**、*斜体*、`代码`。\n\n1. 一\n2. 二\n\n"
        "| 协议 | 字节 |\n| --- | --- |\n| native | 全部 |\n\n"
        '```python\nprint("脚本演示")\n```\n'
    ),
    thought="让我想想。我没有参数，所以不会太久。",
    thought_of="想好了：我是脚本演示，而且很满意。",
    failing="我开始回答，然后，就在这句话的",
    remembered="我收到了这段对话的 {n} 条消息。（脚本演示也会数数。）",
    used="工具说：{result}",
    filling="这是脚本演示的一段长回答，没有内容，但说得很认真。",
    gap="，",
    stop="。",
)

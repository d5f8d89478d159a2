"""A model in this process: letters that follow letters, as in a short text about a river.

It is trained when it is imported, has read a page and understands nothing, but it streams, speaks
English and Chinese, and says the same to the same question. Put yours in its place: any function
that takes messages and gives text, whole or in pieces, will do.
"""

from __future__ import annotations

import random
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

ENGLISH = """
The river begins as a small stream between two stones. Nobody hears it in the morning, but the
water is on its way. A stream does not wait until it is a river. It says what it has, one drop
after another, and the valley listens. When a branch falls across the water, the stream stops for a
moment and then it finds another way. When the rain is heavy, the water is quick and brown. When
the summer is long, the water is slow and clear, and the children build bridges of sand. The old
bridge has seen many summers. It carries the farmer in the morning and the baker at night, and it
never asks where they are going. Under the bridge the water says the same words to every stone. The
stones do not answer, but they are round, and that is an answer too. Further down the river meets
another river. They do not talk about who was first. They share the bed and the boats, and from
there on the water is wide. A boat that comes late is still a boat. The harbour keeps a light in
the window, and the light is small, but it is there. In the end the river gives everything to the
sea, and the sea gives it to the sky, and the sky gives it back in the morning, one drop after
another. Whoever sits on the bank for a while learns to wait without being bored. Whoever builds a
boat learns that water has a mind of its own. And whoever asks the river a question gets the same
answer every day, which is a kind of truth.
"""

CHINESE = """
小溪从两块石头之间流出来。早上没有人听见它，可是水已经上路了。小溪不会等到变成大河才开始说话。它有什么就说什么，
一滴接着一滴，山谷就在旁边听着。树枝落在水上，小溪停一停，然后找到另一条路。雨下得大的时候，水又急又浑。
夏天很长的时候，水又慢又清，孩子们在岸边用沙子造桥。老桥见过许多夏天。它早上送农夫过河，晚上送面包师过河，
从来不问他们要去哪里。桥下的水对每块石头说同样的话。石头不回答，可是石头变圆了，这也是一种回答。
再往下走，小河遇见另一条河。它们不争谁先谁后，一起流过田野，从那里开始水就宽了。来得晚的船也是船。
港口的窗前点着一盏灯，灯很小，可是一直亮着。最后，河把一切都给了大海，大海又给了天空，天空在早上把水还回来，
一滴接着一滴。在岸边坐一会儿的人，学会了等待。造船的人，知道水有自己的想法。问河一个问题的人，每天得到同样的回答。
"""

_ENDS = ".?!。？！"


class Letters:
    """Which letter follows which few, and how often."""

    def __init__(self, text: str, order: int) -> None:
        self.text = text
        self.order = order
        self.follows: defaultdict[str, Counter[str]] = defaultdict(Counter)
        ring = text + text[: order + 1]  # the end is followed by the beginning
        for length in range(1, order + 1):
            for at in range(len(text)):
                self.follows[ring[at : at + length]][ring[at + length]] += 1
        self.begins = [0, *(at + 1 for at, letter in enumerate(text[:-2]) if letter in _ENDS)]

    def write(self, asked: str, dice: random.Random, boldness: float) -> Iterator[str]:
        """Three sentences, letter by letter; the first begins as one about what is asked."""
        at = self._beginning(asked, dice)
        written = self.text[at : at + self.order].lstrip()
        yield from written
        sentences = 3
        while sentences:
            letter = self._next(written[-self.order :], dice, boldness)
            written += letter
            yield letter
            sentences -= letter in _ENDS

    def _beginning(self, asked: str, dice: random.Random) -> int:
        words = [word for word in asked.lower().split() if len(word) > 3] or list(asked)
        about = [
            begin
            for begin, end in zip(self.begins, [*self.begins[1:], len(self.text)], strict=True)
            if any(word.strip("?!.,？！。，") in self.text[begin:end].lower() for word in words)
        ]
        return dice.choice(about or self.begins)

    def _next(self, before: str, dice: random.Random, boldness: float) -> str:
        while not (found := self.follows.get(before)):
            before = before[1:]
        if not boldness:
            return found.most_common(1)[0][0]
        weights = [count ** (1 / boldness) for count in found.values()]
        return dice.choices(list(found), weights)[0]


_ENGLISH = Letters(" ".join(ENGLISH.split()) + " ", order=6)
_CHINESE = Letters("".join(CHINESE.split()), order=2)


def answer(
    messages: list[dict[str, Any]],
    *,
    temperature: float = 1.0,
    max_output_tokens: int | None = None,
    **_: Any,
) -> Iterator[str]:
    """Three sentences, in pieces as they are written; the same ones for the same messages."""
    asked = next((str(m["content"]) for m in reversed(messages) if m["role"] == "user"), "")
    told = "\n".join(str(message["content"]) for message in messages)
    letters = _CHINESE if any("\u3400" <= letter <= "\u9fff" for letter in asked) else _ENGLISH
    dice = random.Random(zlib.crc32(told.encode()))  # noqa: S311 - a seed, and no secret
    most = max_output_tokens * 4 if max_output_tokens else 2_000
    piece = ""
    for count, letter in enumerate(letters.write(asked, dice, temperature)):
        piece += letter
        if letter.isspace() or letter > "\u2e80" or count + 1 >= most:
            yield piece
            piece = ""
        if count + 1 >= most:
            return
    if piece:
        yield piece


def whole(messages: list[dict[str, Any]], **settings: Any) -> str:
    """The same answer at once, for servers that are to say it word by word themselves."""
    return "".join(answer(messages, **settings))

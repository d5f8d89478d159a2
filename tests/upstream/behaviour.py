"""How the fake provider answers, chosen by the name of the model: words joined by `-`.

`n200-i20` is 200 tokens, one each 20 ms; token k is always the text `w{k} `. Other words:
`d50` first token after 50 ms · `stall3` silence after token 3 · `cut3` FIN after token 3 ·
`rst3` RST · `chunk3` FIN inside a chunk · `at700` cut at body byte 700 (with `cut0`, `rst0`) ·
`error3` an error frame · `failed3` response.failed · `status503` · `retry2` Retry-After ·
`html` `empty` `json` `garbage` `broken2` · `crlf` `cr` `comments` `bytes` (a byte a write) ·
`hugeline` `headers` `redirect` `gzip` · `noend` no terminator · `nodone` no [DONE] ·
`nofinish` no finish_reason · `nousage` · `cumulative` usage so far in each chunk, none at the end ·
`zero` usage of 0 and 0 · `size8` eight tokens a chunk, each four letters ·
`nooptions` rejects stream_options · `tool` a call first ·
`think` reasoning first · `close` no keep-alive · `raw` no Content-Length, no chunks · `silent`
accepts and says nothing · `key` tells the key in its error · `length` cut by the token limit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_WORD = re.compile(r"([a-z]+)(\d*)")
_WORDS = (
    "n i d stall cut rst chunk at error failed status retry html empty json garbage broken crlf cr "
    "comments bytes hugeline headers redirect gzip noend nodone nofinish nousage nooptions tool "
    "think close raw silent key length cumulative zero size"
)
WORDS = frozenset(_WORDS.split())


@dataclass(frozen=True)
class Behaviour:
    """The words of a model's name and their numbers."""

    words: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def __contains__(self, word: str) -> bool:
        return word in self.words

    def get(self, word: str, default: int) -> int:
        """A word's number."""
        return self.words.get(word, default)


def behaviour(model: str) -> Behaviour:
    """Reads a model's name; names that say nothing are three tokens."""
    words: dict[str, int] = {}
    for word in model.split("-"):
        match = _WORD.fullmatch(word)
        if match is None or match[1] not in WORDS:
            return Behaviour(MappingProxyType({"n": 3}))
        words[match[1]] = int(match[2] or 0)
    return Behaviour(MappingProxyType({"n": 3} | words))


def token(k: int) -> str:
    """The text of token k, counted from 0."""
    return f"w{k} "


def whole_text(n: int) -> str:
    """What n tokens say."""
    return "".join(token(k) for k in range(n))

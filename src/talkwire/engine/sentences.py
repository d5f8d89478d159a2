"""Text to sentences that can be spoken, as it is being written; English and Chinese.

It looks at one character after the other and never back at how they came, so that any cut of the
text gives the same sentences. What the eye needs and the ear does not is left out: marks of
Markdown, blocks of code, the paths of addresses.
"""

from __future__ import annotations

import re

SOFT, HARD = 240, 480
"""A sentence is cut at its next pause past SOFT, anywhere at HARD. A wide character counts 3."""

_WIDE_ENDS = "。！？；"
_ENDS = ".!?…" + _WIDE_ENDS
_CLOSING = "\"'”’»)]}）」』】》*_~"
_PAUSES = ",;:，、：—"
_WIDE = "\u2e80"  # characters from here on are Chinese, Japanese, Korean and their marks
_SHORT = """
mr mrs ms dr prof rev gen col sgt capt hon st jr sr vs e.g i.e cf al fig figs eq sec ch vol ed eds
pp dept univ inc ltd co corp approx est min max tel ext jan feb mar apr jun jul aug sep sept oct nov
dec
"""
_ABBREVIATIONS = frozenset(_SHORT.split())
_WITH_NUMBERS = frozenset({"no", "nr", "p", "art"})
_LAST_WORD = re.compile(r"([\w.]*)\.[\s\"'”’»)\]*_~]*$")
_NUMBERED = re.compile(r"\s*\d{1,3}\.\s*")

_BEGINS = re.compile(r"\s*(?:>\s*)*(?:#{1,6}\s+|[-*+•]\s+(?:\[[ xX]\]\s+)?)?")
_RULE = re.compile(r"\s*(?:[-*_=]\s*){3,}\s*")
_TABLE_RULE = re.compile(r"\s*\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?)?\s*")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_ADDRESS = re.compile(r"https?://(?:www\.)?([^\s/?#<>()\"'，。！？；、]+)[^\s<>()\"'，。！？；、]*")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_MARKS = re.compile(r"`+|\*\*|__|~~|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\ufeff]")


class Sentences:
    """One answer's sentences. The spaces behind one are its own: joined they are what is said."""

    __slots__ = (
        "_chars",
        "_first",
        "_in_code",
        "_in_fence",
        "_in_link",
        "_in_row",
        "_seen",
        "_weight",
    )

    def __init__(self) -> None:
        self._in_fence = ""
        self._begin(first=True)

    def feed(self, text: str) -> list[str]:
        """The sentences that are known to be whole with this piece; one waits for what follows."""
        found: list[str] = []
        for char in text:
            if said := self._next(char):
                found.append(said)
        return found

    def end(self) -> list[str]:
        """What is left, where nothing follows. Another text may then begin."""
        said = "" if self._in_fence else self._cut()
        self._in_fence = ""
        self._begin(first=True)
        return [said] if said else []

    def _begin(self, *, first: bool) -> None:
        self._chars: list[str] = []
        self._weight = 0
        self._seen = ""  # how far an end is: "wide" or "end" mark, then "space"
        self._first = first  # in its line
        self._in_code = False
        self._in_link = False
        self._in_row = False  # of a table

    def _next(self, char: str) -> str:
        if char == "\n":
            return self._line()
        if self._in_fence:
            if len(self._chars) < 8:
                self._chars.append(char)
            return ""
        said = ""
        if self._ends_before(char):
            said = self._cut()
            self._begin(first=False)
        self._add(char)
        if not said and self._too_long(char):
            said = self._cut()
            self._begin(first=False)
        return said

    def _line(self) -> str:
        line = "".join(self._chars).lstrip()
        said, fence = "", line[:3]
        if self._in_fence:
            if line.rstrip().startswith(self._in_fence):
                self._in_fence = ""
        elif self._first and fence in ("```", "~~~") and "`" not in line[3:]:
            self._in_fence = fence
        else:
            self._chars.append("\n")
            said = self._cut()
        self._begin(first=True)
        return said

    def _ends_before(self, char: str) -> bool:
        """Whether a sentence has ended and this is the next one's first character."""
        if not self._seen or self._in_code or self._in_link or self._in_row:
            return False
        if char in _ENDS or char in _CLOSING:
            return self._seen == "space" and char not in _ENDS and self._closed(char)
        if self._seen == "wide":
            return True
        if char.isspace():
            return False
        if self._seen == "space":
            return not char.islower() and self._closed(char)
        return char >= _WIDE and self._chars[-1] in "!?"

    def _closed(self, char: str) -> bool:
        """Whether the mark is an end indeed, and none of an abbreviation or a number."""
        text = "".join(self._chars)
        match = _LAST_WORD.search(text)
        if match is None:
            return True
        word = match[1].lower().strip(".")
        if word in _WITH_NUMBERS and char.isdigit():
            return False
        initial = len(match[1]) == 1 and word.isalpha() and word != "i"
        if word in _ABBREVIATIONS or initial or re.fullmatch(r"(?:\w\.)+\w", match[1]):
            return False
        return not (self._first and _NUMBERED.fullmatch(text))

    def _add(self, char: str) -> None:
        if char == "|" and self._first and not self._chars:
            self._in_row = True
        self._chars.append(char)
        self._weight += 3 if char >= _WIDE else 1
        if char == "`":
            self._in_code = not self._in_code
        elif char == "[":
            self._in_link = True
        elif char == "]":
            self._in_link = False
        if char in _ENDS:
            self._seen = "wide" if char in _WIDE_ENDS or self._seen == "wide" else "end"
        elif char in _CLOSING and self._seen in ("wide", "end"):
            pass
        elif char.isspace():
            self._seen = "space" if self._seen else ""
        else:
            self._seen = ""

    def _too_long(self, char: str) -> bool:
        if self._weight < SOFT:
            return False
        quiet = not (self._in_code or self._in_link)
        return self._weight >= HARD or (quiet and (char.isspace() or char in _PAUSES))

    def _cut(self) -> str:
        """The sentence as it is said; nothing where nothing in it can be."""
        said = speakable("".join(self._chars), first=self._first)
        return said if any(map(str.isalnum, said)) else ""


def speakable(text: str, *, first: bool = True) -> str:
    """What is said of a piece of one line; `first`: the line begins with it."""
    if first:
        if _RULE.fullmatch(text) or _TABLE_RULE.fullmatch(text):
            return ""
        if text.lstrip().startswith("|"):
            cells = [cell.strip() for cell in text.strip().strip("|").split("|")]
            text = ", ".join(filter(None, cells)) + "\n"
        begins = _BEGINS.match(text)
        text = text[begins.end() :] if begins else text
    text = _LINK.sub(r"\1", text)
    text = _ADDRESS.sub(_host, text)
    text = _TAG.sub(" ", text)
    text = _MARKS.sub("", text)
    return _CONTROL.sub(" ", text)


def _host(match: re.Match[str]) -> str:
    """The address's host, and the marks behind the address, which are the sentence's."""
    whole = match[0]
    marks = whole[len(whole.rstrip(".,;:!?*_~`")) :]
    return match[1].rstrip(".,;:!?*_~`") + marks

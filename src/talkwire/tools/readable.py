"""A page of HTML as text that can be read: headings, lists and links stay, code and styles go.

Bounded in time for any input: it is fed in pieces, and what has been read when time is up is what
there is.
"""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

_PIECE_CHARS = 16_384
_MOST_S = 2.0
_MOST_LINK_CHARS = 500

_DROPPED = frozenset(
    {"script", "style", "noscript", "template", "svg", "math", "iframe", "object", "canvas"}
)
_VOID = frozenset({"area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr"})
_PARAGRAPHS = frozenset({"p", "pre", "ul", "ol", "table", "blockquote", "section", "article"})
_LINES = frozenset(
    {"div", "tr", "dt", "dd", "main", "header", "footer", "nav", "aside", "figure", "form"}
    | {"address", "fieldset", "option", "details", "summary", "figcaption", "caption", "body"}
)
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_SPACE = re.compile(r"\s+")


class Readable(Struct, frozen=True):
    """The title, and the text below it. `cut`: time was up before its end."""

    title: str
    text: str
    cut: bool = False


def readable(html: str, url: str) -> Readable:
    """Read a page that came from `url`, to which its links are relative."""
    reader = _Reader(url)
    until = time.monotonic() + _MOST_S
    read = 0
    while read < len(html) and time.monotonic() < until:
        reader.feed(html[read : read + _PIECE_CHARS])
        read += _PIECE_CHARS
    # What looks like the beginning of a character's name is text after all. But the parser is not
    # closed: a tag that never ends is no text, and looking for its end again takes long.
    reader.feed("\n")
    cut = read < len(html)
    return Readable(_flat("".join(reader.title)), _tidy("".join(reader.out)), cut)


class _Reader(HTMLParser):
    """Writes text to `out` while it reads."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.title: list[str] = []
        self._url = url
        self._dropped, self._deep = "", 0
        self._titled = False
        self._kept_as_is = 0
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open what the tag opens."""
        if self._dropped:
            self._deep += tag == self._dropped
            return
        given = dict(attrs)
        if tag in _DROPPED or ("hidden" in given and tag not in _VOID):
            self._dropped, self._deep = tag, 1
        elif tag == "title":
            self._titled = not self.title
        elif tag == "a":
            self._links.append((given.get("href") or "", len(self.out)))
        elif tag == "img" and (said := _flat(given.get("alt") or "")):
            self.out.append(f"[image: {said}]")
        else:
            self._begin(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close what the tag closes."""
        if self._dropped:
            self._deep -= tag == self._dropped
            if not self._deep:
                self._dropped = ""
        elif tag == "title":
            self._titled = False
        elif tag == "a" and self._links:
            self._link(*self._links.pop())
        elif tag in _PARAGRAPHS or tag in _HEADINGS:
            self._kept_as_is -= tag == "pre" and self._kept_as_is > 0
            self.out.append("\n\n")
        elif tag in _LINES or tag == "li":
            self._line()

    def handle_data(self, data: str) -> None:
        """Take text, unless it is dropped."""
        if self._dropped:
            return
        if self._titled:
            self.title.append(data)
        elif self._kept_as_is:
            self.out.append(data)
        elif (text := _SPACE.sub(" ", data)) != " " or (self.out and self.out[-1][-1:] > " "):
            self.out.append(text)

    def _begin(self, tag: str) -> None:
        if tag in _HEADINGS:
            self.out.append(f"\n\n{_HEADINGS[tag]}")
        elif tag in _PARAGRAPHS:
            self._kept_as_is += tag == "pre"
            self.out.append("\n\n")
        elif tag == "li":
            self._line()
            self.out.append("- ")
        elif tag in ("td", "th"):
            self.out.append(" | ")
        elif tag in _LINES:
            self._line()
        elif tag in ("br", "hr"):
            self.out.append("\n")

    def _line(self) -> None:
        """Go to the beginning of a line, unless that is where we are."""
        if self.out and not self.out[-1].endswith("\n"):
            self.out.append("\n")

    def _link(self, href: str, since: int) -> None:
        """Write what stands since then as a link, if it leads to another page."""
        text = "".join(self.out[since:])
        to = _absolute(self._url, href)
        if to and (said := text.strip()) and "\n" not in said:
            self.out[since:] = [f"[{said}]({to})"]


def _absolute(base: str, href: str) -> str:
    """Where a link leads; nothing for places in the page itself, scripts and what is no URL."""
    href = href.strip()
    if not href or href.startswith("#") or len(href) > _MOST_LINK_CHARS:
        return ""
    try:
        url = urljoin(base, href)
        return url if urlsplit(url).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _flat(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


def _tidy(text: str) -> str:
    """No spaces around lines but those of indented code, and one empty line at most."""
    lines = [line.rstrip() for line in text.splitlines()]
    lines = [line[1:] if re.match(r" \S", line) else line for line in lines]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

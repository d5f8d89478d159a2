"""Standard operating procedures: Markdown files beside a catalogue, and the passages they make."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath, PureWindowsPath

from talkwire.canon.scenarios import Language
from talkwire.scenarios.catalogue import Passage
from talkwire.scenarios.files import text_of
from talkwire.scenarios.problems import Problems

MOST_BYTES = 256 * 1024
PASSAGE_CHARS = 1_200
_MOST_LISTED = 10_000
_CHINESE_SHARE = 0.2

_HEADING = re.compile(r" {0,3}(#{1,2})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile(r"[A-Za-z]")
# Where a text may be parted, the best first; each keeps the mark at the end of the part before.
_ENDS = tuple(
    re.compile(end) for end in (r"\n\s*\n", r"\n", r"(?<=[。！？；])|(?<=[.!?;])\s+", r"")
)


class Folder:
    """A folder of procedures, each read once. `digest` covers all that were read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: dict[str, tuple[Passage, ...]] = {}
        self._hash = hashlib.sha256()
        self._names: list[str] | None = None

    @property
    def read(self) -> dict[str, tuple[Passage, ...]]:
        """The passages by file, as far as files were good."""
        return {name: found for name, found in self._read.items() if found}

    def digest(self) -> bytes:
        """Tells these contents from others."""
        return self._hash.digest()

    def take(self, name: str, problems: Problems) -> None:
        """Read a file, if it was not yet; what is wrong with it is told once. Blocks."""
        if name in self._read:
            return
        self._read[name] = ()
        if not is_plain(name):
            problems.add("is not the plain name of a file in the folder of procedures")
            return
        path = self._path / name
        try:
            there = path.exists()
        except OSError as error:  # its name is too long, or the folder is closed to us
            problems.add(f"cannot be read ({error.strerror})")
            return
        if not there:
            problems.unknown(f"there is no such file in {self._path.name}/", name, self._listed())
            return
        text = text_of(path, MOST_BYTES, problems)
        if text is None:
            return
        self._hash.update(f"{name}\0{len(text)}\0{text}".encode())
        self._read[name] = passages(name, text)
        if not self._read[name]:
            problems.add("has no text but headings")

    def _listed(self) -> list[str]:
        if self._names is None:
            try:
                found = islice(self._path.iterdir(), _MOST_LISTED)
                self._names = sorted(each.name for each in found)
            except OSError:
                self._names = []
        return self._names


def is_plain(name: str) -> bool:
    """Whether this is the name of a file and no path, on any system."""
    plain = PurePosixPath(name).name == name == PureWindowsPath(name).name
    return plain and name not in ("", ".", "..") and name.isprintable()


def passages(file: str, text: str) -> tuple[Passage, ...]:
    """The sections under headings of level 1 and 2, in order, without those that are empty. The
    title of the file is the heading of what stands right below it. A section of more than 1,200
    characters becomes several of the same heading.
    """
    return tuple(
        Passage(file, heading, part, _language(f"{heading}\n{part}"))
        for heading, body in _sections(text)
        for part in _parted(body, 0)
    )


def _sections(text: str) -> Iterator[tuple[str, str]]:
    heading, lines, fence = "", list[str](), ""
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if mark := _FENCE.match(line):
            if not fence:
                fence = mark[1]
            elif mark[1].startswith(fence):
                fence = ""
        found = None if fence else _HEADING.fullmatch(line)
        if found is None:
            lines.append(line)
            continue
        yield heading, "\n".join(lines).strip()
        heading, lines = found[2].strip(), []
    yield heading, "\n".join(lines).strip()


def _parted(text: str, level: int) -> Iterator[str]:
    """Parts of at most so many characters, at paragraph ends, else at line ends, else at the ends
    of sentences, else anywhere.
    """
    if len(text) <= PASSAGE_CHARS:
        if text:
            yield text
        return
    part = ""
    for piece in _pieces(text, level):
        if len(part) + len(piece.rstrip()) <= PASSAGE_CHARS:
            part += piece
            continue
        if part.strip():
            yield part.strip()
        part = piece
        if len(piece.rstrip()) > PASSAGE_CHARS:
            *whole, part = _parted(piece.rstrip(), level + 1)
            yield from whole
            part += piece[len(piece.rstrip()) :]
    if part.strip():
        yield part.strip()


def _pieces(text: str, level: int) -> Iterator[str]:
    """The text in pieces that end at one kind of end; all of them make the text again."""
    end = _ENDS[level]
    if not end.pattern:
        yield from (text[at : at + PASSAGE_CHARS] for at in range(0, len(text), PASSAGE_CHARS))
        return
    begin = 0
    for found in end.finditer(text):
        if found.end() > begin:
            yield text[begin : found.end()]
            begin = found.end()
    if begin < len(text):
        yield text[begin:]


def _language(text: str) -> Language:
    """Chinese from a fifth of its letters on: Chinese text is full of foreign names."""
    chinese, latin = len(_CJK.findall(text)), len(_LATIN.findall(text))
    return "zh" if chinese and chinese >= _CHINESE_SHARE * (chinese + latin) else "en"

"""System-prompt templates: built-in files, overlaid by a folder's, overlaid by stored versions.

Version 0 of a template is its file, a folder's one before the built-in one; stored versions
count from 1, the newest is in force. What others change is seen within `recheck_s`.
"""

from __future__ import annotations

import asyncio
import builtins
import difflib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from talkwire.canon.errors import Conflict, NotFound, Unprocessable
from talkwire.canon.records import PromptVersion, RenderedPrompt
from talkwire.canon.turn import Scalar
from talkwire.prompts.files import BUILTIN, NAME, Broken, Folder, Template
from talkwire.prompts.text import VARIABLE, TemplateError, fill, placeholders

DEFAULT = "default"
_MOST_NAMED = 20
_MOST_REMEMBERED = 1_000


class Versions(Protocol):
    """Where versions are stored; numbers count from 1."""

    async def latest(self, name: str) -> PromptVersion | None: ...
    async def versions(self, name: str) -> list[PromptVersion]: ...
    async def get(self, name: str, version: int) -> PromptVersion | None: ...
    async def put(self, draft: PromptVersion) -> PromptVersion: ...
    async def delete(self, name: str) -> int: ...
    async def names(self) -> list[str]: ...


class Templates:
    """All templates; `folder` is the configured one, if any."""

    def __init__(
        self, store: Versions, *, folder: Path | None = None, recheck_s: float = 1.0
    ) -> None:
        self._store = store
        self._folders = [Folder(BUILTIN), *([Folder(folder)] if folder else [])]
        self._recheck_s = recheck_s
        self._files: dict[str, Template] = {}
        self._files_until = 0.0
        self._latest: dict[str, tuple[float, PromptVersion | None]] = {}
        self._changes = 0  # an answer from before a change must not be remembered after it

    async def render(self, name: str | None, variables: Mapping[str, Scalar]) -> RenderedPrompt:
        """Fill a template in; `name` may pin a version as `name@3`; None is `default`.

        :raises NotFound: no such template or version; the message names the known ones.
        :raises Unprocessable: a variable is missing or unknown, or the file is broken.
        """
        found = await self._find(DEFAULT if name is None else name)
        text = fill(found.text, variables, known=found.variables)
        return RenderedPrompt(text, model=found.model, temperature=found.temperature)

    async def list(self) -> builtins.list[PromptVersion]:
        """The newest version of each template, by name; a broken file tells what is wrong."""
        files = await self._scanned()
        listed: dict[str, PromptVersion] = {}
        for name in sorted({*files, *await self._store.names()}):
            stored = await self._newest(name)
            if stored is not None:
                listed[name] = stored
            elif name in files:
                listed[name] = _shown(files[name])
        return [listed[name] for name in sorted(listed)]

    async def versions(self, name: str) -> builtins.list[PromptVersion]:
        """All versions of one template, newest first, its file last. :raises NotFound: none."""
        files = await self._scanned()
        stored = await self._store.versions(name) if NAME.fullmatch(name) else []
        newest_first = sorted(stored, key=lambda v: v.version, reverse=True)
        if name in files:
            newest_first.append(_shown(files[name]))
        if not newest_first:
            raise await self._unknown(name)
        return newest_first

    async def put(self, draft: PromptVersion) -> PromptVersion:
        """Store a new version (the draft's number is ignored). :raises Unprocessable."""
        stored = await self._store.put(_accepted(draft))
        self._forget(draft.name)
        return stored

    async def delete(self, name: str) -> int:
        """Delete the stored versions; how many there were.

        :raises Conflict: a file, and nothing is stored over it. :raises NotFound: unknown.
        """
        count = await self._store.delete(name) if NAME.fullmatch(name) else 0
        self._forget(name)
        if count:
            return count
        if name in await self._scanned():
            raise Conflict(f"the prompt {name!r} is built in and cannot be deleted")
        raise await self._unknown(name)

    async def _find(self, wanted: str) -> PromptVersion:
        name, pinned, number = wanted.partition("@")
        if not NAME.fullmatch(name) or (pinned and not _is_number(number)):
            raise await self._unknown(wanted)
        version = int(number) if pinned else None
        if version != 0:
            stored = await (
                self._newest(name) if version is None else self._store.get(name, version)
            )
            if stored is not None:
                return stored
        file = (await self._scanned()).get(name) if not version else None
        if file is None:
            raise await self._unknown(wanted)
        if isinstance(file, Broken):
            raise Unprocessable(
                f"the prompt cannot be used: {file.message}", code="prompt_broken", param=name
            )
        return file

    def _forget(self, name: str) -> None:
        self._changes += 1
        self._latest.pop(name, None)

    async def _newest(self, name: str) -> PromptVersion | None:
        now = time.monotonic()
        until, found = self._latest.get(name, (0.0, None))
        if until <= now:
            changes = self._changes
            found = await self._store.latest(name)
            if len(self._latest) >= _MOST_REMEMBERED:
                self._latest.clear()
            if changes == self._changes:
                self._latest[name] = (now + self._recheck_s, found)
        return found

    async def _scanned(self) -> dict[str, Template]:
        now = time.monotonic()
        if self._files_until <= now:
            self._files = await asyncio.to_thread(self._scan)
            self._files_until = now + self._recheck_s
        return self._files

    def _scan(self) -> dict[str, Template]:
        merged: dict[str, Template] = {}
        for folder in self._folders:
            merged.update(folder.scan())
        return merged

    async def _unknown(self, wanted: str) -> NotFound:
        known = sorted({*await self._scanned(), *await self._store.names()})
        name = wanted.partition("@")[0]
        near = difflib.get_close_matches(wanted[:64], known, 1, cutoff=0.5)
        told = f"unknown prompt {wanted[:80]!r}"
        if name in known:
            told = f"the prompt {name!r} has no version {wanted.partition('@')[2][:20]!r}"
        elif near:
            told += f"; did you mean {near[0]!r}?"
        more = ", …" if len(known) > _MOST_NAMED else ""
        return NotFound(f"{told} (known: {', '.join(known[:_MOST_NAMED])}{more})")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def _shown(file: Template) -> PromptVersion:
    if isinstance(file, Broken):
        return PromptVersion(file.name, 0, "", description=f"broken: {file.message}")
    return file


def _accepted(draft: PromptVersion) -> PromptVersion:
    """The draft with its variables found. :raises Unprocessable: `param` names the field."""
    if not NAME.fullmatch(draft.name):
        raise Unprocessable("a prompt's name must match [A-Za-z0-9._-]{1,64}", param="name")
    if not draft.text.strip():
        raise Unprocessable("a prompt's text must not be empty", param="text")
    if not all(_is_utf8(text) for text in (draft.text, draft.description, draft.model or "")):
        raise Unprocessable("the text is not valid Unicode", param="text")
    try:
        used = placeholders(draft.text)
    except TemplateError as error:
        raise Unprocessable(f"line {error.line}: {error.message}", param="text") from None
    declared = draft.variables or used
    wrong = [v for v in declared if not VARIABLE.fullmatch(v)]
    missing = [v for v in used if v not in declared]
    if wrong or missing or len(declared) > 200:
        told = f"{(wrong or missing or ['too many'])[0][:64]!r}"
        raise Unprocessable(
            f"'variables' must name every placeholder and nothing else wrong: {told}",
            param="variables",
        )
    if draft.temperature is not None and not 0 <= draft.temperature <= 2:
        raise Unprocessable("'temperature' must be from 0 to 2", param="temperature")
    if len(draft.description) > 2_000 or len(draft.model or "") > 200:
        raise Unprocessable("'description' or 'model' is too long", param="description")
    return PromptVersion(
        name=draft.name,
        version=0,
        text=draft.text,
        description=draft.description,
        variables=tuple(declared),
        model=draft.model,
        temperature=draft.temperature,
    )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

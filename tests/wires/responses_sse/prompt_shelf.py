"""Prompts in memory."""

from __future__ import annotations

import builtins
from collections.abc import Mapping

import msgspec

from talkwire.canon.errors import Conflict, NotFound
from talkwire.canon.records import PromptVersion, RenderedPrompt
from talkwire.canon.turn import Scalar


class Shelf:
    """Fits the engine's port; `default` is built in."""

    def __init__(self) -> None:
        self.kept = {"default": [PromptVersion("default", 0, "Be kind.")]}

    async def render(self, name: str | None, variables: Mapping[str, Scalar]) -> RenderedPrompt:
        return RenderedPrompt("Be kind.")

    async def list(self) -> builtins.list[PromptVersion]:
        return [versions[0] for versions in self.kept.values()]

    async def versions(self, name: str) -> builtins.list[PromptVersion]:
        if name not in self.kept:
            raise NotFound("There is no such prompt; known: default.")
        return self.kept[name]

    async def put(self, draft: PromptVersion) -> PromptVersion:
        versions = self.kept.setdefault(draft.name, [])
        stored = msgspec.structs.replace(draft, version=versions[0].version + 1 if versions else 1)
        versions.insert(0, stored)
        return stored

    async def delete(self, name: str) -> int:
        versions = await self.versions(name)
        if versions[0].version == 0:
            raise Conflict("This prompt is built in.")
        del self.kept[name]
        return len(versions)

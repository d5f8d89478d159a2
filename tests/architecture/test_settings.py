"""A setting that nothing reads is a promise that nothing keeps."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Protocol, get_args

from pydantic import BaseModel

from talkwire.settings import Settings

# Settings that do what they do while they are read.
DONE_BY_CHECKING: set[str] = set()


class Module(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def tree(self) -> ast.Module: ...


def _leaves(kind: object) -> Iterator[str]:
    """The names at the ends of the tree below an annotation."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            below = list(_leaves(field.annotation))
            yield from below or [name]
    else:
        for inner in get_args(kind):
            yield from _leaves(inner)


def test_every_setting_is_read_by_a_part_of_the_server(modules: Sequence[Module]) -> None:
    read = {
        node.attr
        for module in modules
        if module.name != "settings.py"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }

    assert set(_leaves(Settings)) - read == DONE_BY_CHECKING

"""Model servers on this machine, found by a short look at the ports that they usually have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import httpx2

from talkwire.settings import language

PLACES: tuple[tuple[str, int], ...] = (
    ("Ollama", 11434),
    ("llama.cpp", 8080),
    ("vLLM", 8000),
    ("LM Studio", 1234),
)
_OWNERS = {
    "library": "Ollama",
    "llamacpp": "llama.cpp",
    "vllm": "vLLM",
    "organization_owner": "LM Studio",
}
_SHORT = httpx2.Timeout(1.0, connect=0.3)
_MOST_NAMED = 3
_HINT = (
    "{url} answers ({models}) and is not configured. To use it, write below `models:` in"
    " config.yaml:  - {{name: {name}, provider: openai-chat, base_url: {url},"
    " upstream_model: {model}, type: local_small}}",
    "{url} 有应答（{models}），但尚未配置。要使用它，请在 config.yaml 的 `models:` 下写："
    "  - {{name: {name}, provider: openai-chat, base_url: {url},"
    " upstream_model: {model}, type: local_small}}",
)


class Found(NamedTuple):
    """A server that speaks OpenAI's API: what it seems to be, where, and its models."""

    kind: str
    base_url: str
    models: tuple[str, ...]

    def hint(self) -> str:
        """How to configure it, in the language of the terminal."""
        shown = ", ".join(self.models[:_MOST_NAMED]) + ("…" if len(self.models) > 3 else "")
        first = self.models[0] if self.models else "NAME"
        name = self.kind.lower().replace(" ", "-")
        sentence = _HINT[language() == "zh"]
        return sentence.format(url=self.base_url, models=shown or "-", name=name, model=first)


def look(places: Sequence[tuple[str, int]] | None = None) -> Iterator[Found]:
    """The servers that answer on this machine, but for Talkwire itself. About a second at most for
    each port, and next to nothing where nobody listens.
    """
    for kind, port in PLACES if places is None else places:
        there = f"http://127.0.0.1:{port}"
        listed = _json(f"{there}/v1/models")
        entries = listed.get("data") if isinstance(listed, dict) else None
        if not isinstance(entries, list) or _is_ours(there):
            continue
        models = [each for each in entries if isinstance(each, dict) and "id" in each]
        owner = str(models[0].get("owned_by")) if models else ""
        names = tuple(_plain(str(each["id"])) for each in models)
        yield Found(_OWNERS.get(owner, kind), f"{there}/v1", names)


def _is_ours(there: str) -> bool:
    said = _json(f"{there}/")
    return isinstance(said, dict) and said.get("name") == "talkwire"


def _json(url: str) -> Any:
    """What the server says in JSON; None for anything else."""
    try:
        answer = httpx2.get(url, timeout=_SHORT, trust_env=False)
        return answer.json() if answer.is_success else None
    except (httpx2.HTTPError, ValueError):
        return None


def _plain(name: str) -> str:
    """A model's name, as far as it can be shown to anybody."""
    return "".join(letter for letter in name if letter.isprintable())[:100]

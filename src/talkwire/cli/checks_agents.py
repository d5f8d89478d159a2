"""Whether agents could work: the library for those in this process, and the AgentOS of others."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import httpx2

from talkwire.cli.checks import QUICK, Check, bare
from talkwire.cli.words import say
from talkwire.settings import AgnoSettings, Settings


def agents(settings: Settings) -> Iterator[Check]:
    """A line for the agents that are configured, and one for the AgentOS; none for none."""
    if settings.agents:
        yield _here([agent.id for agent in settings.agents])
    if settings.agno.api_url is not None:
        yield _elsewhere(settings.agno, settings.agno.api_url)


def _here(names: list[str]) -> Check:
    """Agno is looked for, and not imported."""
    if importlib.util.find_spec("agno") is None:
        return Check("agents", "broken", say("no_agno"))
    try:
        told = f"Agno {version('agno')}"
    except PackageNotFoundError:
        told = "Agno"
    return Check("agents", "ok", f"{', '.join(names)} ({told})")


def _elsewhere(asked: AgnoSettings, url: str) -> Check:
    """Ask for the list of agents: proves address and key, and costs nothing."""
    key, where = asked.api_key, bare(url)
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    try:
        answer = httpx2.get(f"{url}/agents", headers=headers, timeout=QUICK, trust_env=False)
        listed = answer.json() if answer.is_success else None
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        return Check("AgentOS", "broken", f"{where} does not answer ({type(error).__name__})")
    if answer.status_code in (401, 403):
        hint = "the key is not accepted" if key else "a key is wanted (agno.api_key)"
        return Check("AgentOS", "broken", f"{where}: {hint}")
    if not isinstance(listed, list):
        return Check("AgentOS", "broken", f"{where} answers, but is no AgentOS")
    return Check("AgentOS", "ok", f"{where} answers, {len(listed)} agents")

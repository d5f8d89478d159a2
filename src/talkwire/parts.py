"""The parts of a server, made of settings and put together. Making them opens nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from talkwire import access, hearing
from talkwire.agents import Roster, roster
from talkwire.canon.budgets import Budget
from talkwire.desk import Desk, desk, embeddings
from talkwire.engine.approvals import Approvals
from talkwire.engine.budgets import Budgets
from talkwire.engine.calls import Calls
from talkwire.engine.elsewhere import Elsewhere
from talkwire.engine.forgetting import Forgetting
from talkwire.engine.listening import Listening
from talkwire.engine.live import LiveTurn
from talkwire.engine.long_results import LongResults
from talkwire.engine.perform import Performer, WindowShare
from talkwire.engine.policy import Policy
from talkwire.engine.ports import Choice, Models, Speech, Tools
from talkwire.engine.route import Router
from talkwire.engine.runner import Limits, Runner
from talkwire.engine.scenes import Scenes
from talkwire.engine.speaking import Speaker
from talkwire.engine.storage_ports import Journal
from talkwire.engine.turns import Turns
from talkwire.journals.memory import MemoryJournal
from talkwire.journals.sql import SqlJournal
from talkwire.models.configured import catalogue
from talkwire.models.embeddings import Embeddings
from talkwire.observing import Observing, observing
from talkwire.prompts.templates import Templates
from talkwire.routing import routing
from talkwire.settings import Settings
from talkwire.speech import speech as voice
from talkwire.storage import Storage, storage
from talkwire.stores.conversations import SqlConversations
from talkwire.stores.counters import RedisCounters
from talkwire.stores.outcomes import write_outcome
from talkwire.stores.prompts import SqlPrompts
from talkwire.stores.results import SqlResults
from talkwire.stores.usage import SqlUsage
from talkwire.telemetry.observe import TurnLog
from talkwire.toolbox import fault, toolbox
from talkwire.web.rates import MemoryCounters

if TYPE_CHECKING:
    from talkwire.tools.union import Joined

_PATIENCE_S = 30.0  # how long a journal waits for a server that is away


@dataclass(frozen=True)
class Parts:
    """All that is made once for a server."""

    settings: Settings
    storage: Storage
    who: access.Access
    journal: Journal
    models: Models
    speech: Speech | None
    prompts: Templates
    tools: Joined | None
    desk: Desk | None
    embeddings: Embeddings | None
    results: SqlResults
    turns: Turns
    forgetting: Forgetting
    budgets: Budgets
    agents: Roster
    listening: Listening
    observing: Observing


def parts(
    settings: Settings,
    models: Models | None,
    speech: Speech | None,
    scenarios: Desk | None = None,
) -> Parts:
    """As the settings ask for them; what is given is used instead of the configured."""
    models = models or catalogue(settings, Choice)
    speech = speech or voice(settings)
    store = storage(settings)
    who = _who(settings, store)
    journal = _journal(settings, store)
    prompts = Templates(SqlPrompts(store.database), folder=settings.prompts_dir)
    vectors = None if scenarios is not None else embeddings(settings)
    scenarios = scenarios or desk(settings, vectors)
    tools = toolbox(settings)
    agents = roster(settings, models, tools)
    router = Router(models, prompts, scenarios, routing(settings, models), agents)
    results = SqlResults(store.database)
    calls = _calls(settings, tools, results)
    scenes = _scenes(settings, scenarios)
    budgets = _budgets(settings, store)
    told = observing(settings, models, tools, agents)
    turns = Turns(
        router,
        Runner(
            Performer(
                store.records,
                _speaker(settings, speech),
                WindowShare(settings.sessions.window_messages, settings.sessions.window_share),
                calls=calls,
                scenes=scenes,
                router=router,
                backlog_events=settings.turns.max_backlog_events,
            ),
            router,
            journal=journal,
            records=store.records,
            limits=_limits(settings),
            budgets=budgets,
        ),
        records=store.records,
        journal=journal,
        nodes=store.nodes,
        elsewhere=Elsewhere(store.records, journal, store.signals),
        policy=_policy(settings),
        observer=_turn_log(settings),
        on_end=_on_end(who, told),
        budgets=budgets,
    )
    store.database.crowd = lambda: turns.running
    forgetting = _forgetting(store, turns)
    made = (settings, store, who, journal, models, speech, prompts, tools, scenarios, vectors)
    listening = hearing.listening(settings)
    return Parts(*made, results, turns, forgetting, budgets, agents, listening, told)


def _who(settings: Settings, store: Storage) -> access.Access:
    near = MemoryCounters()
    counters = near if store.link is None else RedisCounters(store.link, near)
    who = access.access(settings, store.database, counters)
    if who.keyring is not None:
        store.signals.hear("keys", who.keyring.drop)
    return who


def _on_end(who: access.Access, told: Observing) -> Callable[[LiveTurn], None]:
    def ended(live: LiveTurn) -> None:
        used = live.state.total_usage()
        who.admission.rates.charge(live.owner, used.input_tokens + used.output_tokens)
        told.turn_ended(live)

    return ended


def _turn_log(settings: Settings) -> TurnLog:
    asked = settings.log
    return TurnLog(brief=asked.level in ("warning", "error"), content=asked.content)


def _forgetting(store: Storage, turns: Turns) -> Forgetting:
    deletion = SqlConversations(store.database)
    return Forgetting(turns, deletion, signals=store.signals, histories=store.histories)


def _scenes(settings: Settings, desk: Desk | None) -> Scenes | None:
    decide_timeout_s = settings.scenarios.decide_timeout_s
    return None if desk is None else Scenes(desk, decide_timeout_s=decide_timeout_s)


def _speaker(settings: Settings, speech: Speech | None) -> Speaker:
    return Speaker(
        speech,
        mode=settings.voice.mode or "after",
        max_chars=settings.voice.max_chars,
        backlog_events=settings.turns.max_backlog_events,
    )


def _calls(settings: Settings, tools: Tools | None, results: SqlResults) -> Calls | None:
    if tools is None:
        return None
    asked = settings.tools
    long = LongResults(results, over=asked.summarize_over, timeout_s=asked.summarize_timeout_s)
    return Calls(tools, long, approvals=Approvals(ttl_s=asked.approval_ttl_s, faults=fault))


def _budgets(settings: Settings, store: Storage) -> Budgets:
    users = {
        each.user: Budget(
            day=each.day,
            month=each.month,
            total=each.total,
            cost_day=each.cost_day,
            cost_month=each.cost_month,
            cost_total=each.cost_total,
        )
        for each in settings.budgets
    }
    return Budgets(SqlUsage(store.database), users)


def _limits(settings: Settings) -> Limits:
    return Limits(
        max_turn_s=settings.turns.max_turn_s,
        max_tool_rounds=settings.tools.max_rounds,
        on_lost=settings.turns.on_lost,
    )


def _policy(settings: Settings) -> Policy:
    asked = settings.turns
    return Policy(
        on_busy=asked.on_busy,
        max_waiting=asked.max_waiting,
        on_disconnect=asked.on_disconnect,
        disconnect_grace_s=asked.disconnect_grace_s,
        session_ttl_s=settings.sessions.ttl_s,
        max_running=asked.max_running,
        keep_ended=asked.keep_ended,
    )


def _journal(settings: Settings, store: Storage) -> Journal:
    stored = SqlJournal(
        store.database,
        write_outcome,
        patience_s=_PATIENCE_S if settings.database.is_postgres else 0.0,
        on_stored=lambda turn_ids: store.signals.send("stored", turn_ids),
        write_ahead=settings.testing.write_ahead,
    )
    return stored if settings.durability == "journal" else MemoryJournal(stored.finish, stored.read)

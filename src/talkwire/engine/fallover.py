"""What becomes of an answer whose model failed: another one takes it over, or the turn fails.

Before the first token any model may begin the answer. After it, another one carries the text on
only where that is exact, or where half-written answers are to be continued at any rate: no piece
of text is ever said twice.
"""

from __future__ import annotations

from msgspec import structs

from talkwire.canon.errors import ModelError, UpstreamRejected
from talkwire.canon.events import AnyEvent
from talkwire.canon.turn import OnLost
from talkwire.engine.counting import settled
from talkwire.engine.live import LiveTurn
from talkwire.engine.route import Routed, Router, chosen


class Fallover:
    """`on_lost`: what is done with half-written answers, of processes and of models alike."""

    def __init__(self, router: Router, on_lost: OnLost) -> None:
        self._router = router
        self._on_lost = on_lost

    def take_over(self, error: ModelError, live: LiveTurn, routed: Routed) -> bool:
        """Let another model take the answer over, if there is one that can: the turn's route is
        then told anew, and what the one that failed has used is counted.
        """
        if isinstance(error, UpstreamRejected):
            return False  # what one model finds wrong with a request is wrong for the next one too
        state = live.state
        half = bool(state.texts or state.thoughts)
        for other in self._router.instead(routed, state):
            if half and not self._carries_on(other):
                continue
            reason = f"{routed.plan.model} failed: {error.code}"
            route = structs.replace(chosen(other.plan), reasons=(reason,), scenario=state.scene)
            events: list[AnyEvent] = [*settled(live), route]
            live.append(events)
            return True
        return False

    def _carries_on(self, other: Routed) -> bool:
        if self._on_lost == "auto":
            return other.plan.continuation == "prefill"
        return self._on_lost == "continue"

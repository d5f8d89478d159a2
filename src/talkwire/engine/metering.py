"""Counts what a turn uses while it runs, where a budget bounds it.

An answer may use what is left when its model is asked. It is counted as it comes, and cut where
that is used up: at the token where a provider sends them one by one, else where the estimate says.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from msgspec import Struct, structs

from talkwire.canon.budgets import Payer, Period, Sum, end
from talkwire.canon.deltas import CallPiece, Delta, Hear, Words
from talkwire.canon.errors import BudgetExceeded
from talkwire.canon.fold import TurnState
from talkwire.canon.turn import ModelRequest, Plan
from talkwire.engine.tally import (
    ASCII,
    SHORT,
    TOKEN,
    asked_tokens,
    at_most,
    head_of_pieces,
    head_of_weight,
    tokens_of,
    weight_of,
)

_PER = 1_000_000  # prices are for so many tokens
_OF = {
    "day": ("for the day", "今日"),
    "month": ("for the month", "本月"),
    "total": ("in all", ""),
}
_WHOSE = {"key": ("this key", "此密钥"), "user": ("this user", "此用户")}


class Left(Struct, frozen=True):
    """What is left of a limit, of tokens and of money; infinite where that is not limited."""

    payer: Payer
    period: Period
    tokens: float = math.inf
    cost: float = math.inf

    @property
    def nothing(self) -> bool:
        """It is used up."""
        return self.tokens <= 0 or self.cost <= 0


class Account(Protocol):
    """A budget, and what is spent of it."""

    def left(self) -> Collection[Left]:
        """What is left of each of its limits, less what is under way in this process."""
        ...

    def use(self, tokens: int, cost: float) -> None:
        """The turns under way have used so much more, or less, than was known of them."""
        ...

    def charge(self, used: Sum) -> None:
        """Add what a turn has used that has ended."""
        ...

    @property
    def spent(self) -> float:
        """The share that is spent of the limit that is nearest to its end, 0 … 1."""
        ...

    @property
    def under_way(self) -> set[Meter]:
        """The turns that use it just now."""
        ...


class Meter:
    """What one turn uses: a sum that is kept, here and in each of its accounts, so that nobody has
    to add up what all turns use. It belongs to those accounts until it is closed. `ending`: its
    end is being stored, and the ledger may have it before this is closed.
    """

    __slots__ = ("_accounts", "_cost", "_seen", "_state", "_tokens", "ending")

    def __init__(self, accounts: Sequence[Account], state: TurnState) -> None:
        self.ending = False
        self._accounts = accounts
        self._state = state
        self._seen = 0  # so many of the turn's usages are in the sum
        self._tokens = 0
        self._cost = 0.0
        for account in accounts:
            account.under_way.add(self)
        self.look()

    def look(self) -> None:
        """Add what was told of the turn's usage since it was last looked at."""
        usage = self._state.usage
        if len(usage) == self._seen:
            return
        for counted in usage[self._seen :]:
            self.use(counted.input_tokens + counted.output_tokens, counted.cost or 0.0)
        self._seen = len(usage)

    def use(self, tokens: int, cost: float) -> None:
        """It has used so much more, or less."""
        self._tokens += tokens
        self._cost += cost
        for account in self._accounts:
            account.use(tokens, cost)

    def begin(self, request: ModelRequest, plan: Plan) -> Stream:
        """Count an answer that is about to be asked for. End it.

        :raises BudgetExceeded: the question alone is more than what is left.
        """
        self.look()
        stream = Stream(asked_tokens(request), plan, self.use)
        limits = [left for account in self._accounts for left in account.left()]
        tightest = min(limits, key=stream.room, default=None)
        if tightest is not None and (room := stream.room(tightest)) < math.inf:
            if room < 1:
                raise exceeded(tightest)
            stream.most, stream.limit = math.floor(room), tightest
        stream.count()
        return stream

    @property
    def using(self) -> Sum:
        """What it has used so far."""
        self.look()
        return Sum(self._tokens, self._cost)

    @property
    def spent(self) -> float:
        """The share that is spent of the fullest budget, 0 … 1."""
        return max((account.spent for account in self._accounts), default=0.0)

    def close(self, *, stored: bool) -> None:
        """The turn has ended, or is `stored` by another process later."""
        self.use(-self._tokens, -self._cost)
        for account in self._accounts:
            account.under_way.discard(self)
            if stored:
                account.charge(used_of(self._state))


class Stream:
    """One answer: `given` tokens are the question, `most` it may say. `use` is told what it uses
    from the first `count` on, less or more. End it.
    """

    __slots__ = (
        "_context",
        "_price_in",
        "_price_out",
        "_told",
        "_use",
        "given",
        "limit",
        "most",
        "pieces",
        "weight",
    )

    def __init__(self, given: int, plan: Plan, use: Callable[[int, float], None]) -> None:
        self.given = given
        self.most = 0
        self.limit: Left | None = None  # the one that `most` comes from; None: nothing bounds it
        self.pieces = 0
        self.weight = 0
        known = plan.price_in is not None and plan.price_out is not None
        self._price_in = (plan.price_in or 0.0) / _PER if known else 0.0
        self._price_out = (plan.price_out or 0.0) / _PER if known else 0.0
        self._context = plan.context_tokens
        self._use: Callable[[int, float], None] | None = use  # None: it has ended
        self._told = Sum()

    def room(self, left: Left) -> float:
        """How many tokens may be said until the limit is reached."""
        cost = left.cost - self.given * self._price_in
        by_cost = cost / self._price_out if self._price_out else math.copysign(math.inf, cost)
        return min(left.tokens - self.given, by_cost)

    def capped(self, request: ModelRequest) -> ModelRequest:
        """The request with a bound on what its model may say, unseen thoughts too."""
        if self.limit is None:
            return request
        return at_most(request, self.most, room=self._context - self.given)

    def bounded(self, hear: Hear) -> Hear:
        """Hears the same until it is too much; then what still fits.

        What comes out raises `BudgetExceeded` in whoever reads the model, which closes it.
        """
        limit = self.limit
        if limit is None:
            return hear
        most, most_weight = self.most, self.most * TOKEN

        def metered(deltas: Sequence[Delta]) -> Awaitable[object] | None:
            pieces, weight = self.pieces, self.weight
            for delta in deltas:
                if isinstance(delta, Words):
                    text = delta.text
                    pieces += delta.pieces
                elif isinstance(delta, CallPiece):
                    text = delta.name + delta.arguments
                    pieces += 1
                else:
                    continue
                weight += ASCII * len(text) if text.isascii() else weight_of(text)
            # The number of tokens is one of the two: where neither is too much, it is not.
            if (pieces <= most and weight <= most_weight) or tokens_of(pieces, weight) <= most:
                self.pieces, self.weight = pieces, weight
                self.count()
                return hear(deltas)
            if kept := list(self._fitting(deltas)):
                self.count()
                hear(kept)
            raise exceeded(limit, half=True)

        return metered

    @property
    def tokens(self) -> int:
        """What was said so far."""
        return tokens_of(self.pieces, self.weight)

    @property
    def cost(self) -> float:
        """What it costs so far, where that is known."""
        return self.given * self._price_in + self.tokens * self._price_out

    def end(self) -> None:
        """Its usage is counted with the turn's from now on."""
        self._tell(Sum())
        self._use = None

    def count(self) -> None:
        """Its model is asked, or has said more."""
        self._tell(Sum(self.given + self.tokens, self.cost))

    def _tell(self, used: Sum) -> None:
        if self._use is not None and used != self._told:
            self._use(used.tokens - self._told.tokens, used.cost - self._told.cost)
            self._told = used

    def _fitting(self, deltas: Iterable[Delta]) -> Iterable[Delta]:
        """Those that fit, and the beginning of the one that does not. A call is whole, or not."""
        for delta in deltas:
            if not isinstance(delta, Words):
                continue
            text, pieces = delta.text, delta.pieces
            weight = self.weight + weight_of(text)
            fits = tokens_of(self.pieces + pieces, weight) <= self.most
            if not fits:
                room = self.most - self.pieces
                if weight <= SHORT * (self.pieces + pieces):  # pieces are tokens
                    text, pieces = head_of_pieces(text, room, pieces), room
                else:
                    text = head_of_weight(text, self.most * TOKEN - self.weight)
                    pieces = min(pieces, room)
            self.pieces += pieces
            self.weight += weight_of(text)
            if text:
                yield structs.replace(delta, text=text, pieces=pieces)
            if not fits:
                return


def used_of(state: TurnState) -> Sum:
    """What is counted of a turn."""
    used = Sum()
    for counted in state.usage:
        used = used.plus(Sum(counted.input_tokens + counted.output_tokens, counted.cost or 0.0))
    return used


def exceeded(limit: Left, *, half: bool = False, now: int | None = None) -> BudgetExceeded:
    """The error for a limit that is reached: at a time before a turn starts, or in one, where
    `half` of an answer may be there. Times are Unix milliseconds.
    """
    (of, zh_of), (whose, zh_whose) = _OF[limit.period], _WHOSE[limit.payer.kind]
    english = f"The budget of {whose} {of} is used up."
    chinese = f"{zh_whose}{zh_of}的额度已用完。"
    again = None if now is None else end(limit.period, now)
    if half:
        english += " The answer ends here; what was said is kept."
        chinese += "回答到此为止，已保留已有内容。"
    if again is None or now is None:
        return BudgetExceeded(f"{english} / {chinese}")
    when = f"{datetime.fromtimestamp(again // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
    message = f"{english} The next one begins at {when}. / {chinese}下一周期始于 {when}。"
    return BudgetExceeded(message, retry_after_s=(again - now) / 1000)

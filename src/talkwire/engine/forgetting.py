"""How a session is forgotten: its turns stopped, its rows deleted, its traces let go everywhere.

The database alone decides. It refuses to delete while a turn has not ended, so no turn is ever left
without its session, and a start that races with a deletion comes before it (and is stopped and
deleted) or after it (and begins anew). What processes keep of turns that have ended are copies:
word of a deletion lets them go at once, and where the word gets lost a copy is shown no more all
the same, since `Turns` asks storage for the turn before it shows one. That is a look-up by key for
each resume of an ended turn, and none for one that runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from talkwire.canon.errors import Busy, NotFound, TalkwireError
from talkwire.engine.following import DELETED_BY
from talkwire.engine.storage_ports import Deletion, Histories, Signals
from talkwire.engine.turns import Turns

_TIMES = 3  # a turn may begin between the stop and the deletion
_AT_ONCE = 100  # sessions of one transaction, which others wait for
_BUSY_AT_ONCE = 8  # sessions whose turns are stopped side by side


class Forgetting:
    """`histories` keeps copies beside the database; None where nothing does."""

    def __init__(
        self,
        turns: Turns,
        deletion: Deletion,
        *,
        signals: Signals,
        histories: Histories | None = None,
    ) -> None:
        self._turns = turns
        self._deletion = deletion
        self._signals = signals
        self._histories = histories
        signals.hear("deleted", turns.deleted)

    async def forget(self, owner: str, session_id: str) -> None:
        """Stop the session's turns on whatever node they run, and delete all of it but what it has
        used. Readers of its turns see them end.

        :raises NotFound: nothing is stored of it, or it is another's.
        :raises Busy: a turn would not end in time, or others began again and again; what ran was
            stopped, nothing was deleted.
        :raises Fenced, Unavailable: this node was taken over, or storage is away.
        """
        try:
            turn_ids = await self._delete(owner, session_id)
            self._turns.deleted(turn_ids)
            self._signals.send("deleted", turn_ids)
        finally:  # also when it was deleted before, by somebody who died here
            if self._histories is not None:
                await self._histories.forget(owner, session_id)

    async def forget_many(
        self, owner: str, session_ids: Sequence[str]
    ) -> dict[str, TalkwireError | None]:
        """As `forget`, of many in a few transactions; why each is still there, None if it is gone.

        :raises Fenced, Unavailable: see `forget`; some may be gone.
        """
        told: dict[str, TalkwireError | None] = {}
        names = list(dict.fromkeys(session_ids))
        for at in range(0, len(names), _AT_ONCE):
            some = names[at : at + _AT_ONCE]
            done = await self._deletion.delete_many(owner, some)
            self._turns.deleted(done.turn_ids)
            if done.turn_ids:
                self._signals.send("deleted", done.turn_ids)
            await self._let_go(owner, some)
            missing = NotFound("There is no such session.", param="session_id")
            told |= {each: None if each in done.gone else missing for each in some}
            told |= await self._one_by_one(owner, sorted(done.busy))
        return told

    async def _let_go(self, owner: str, session_ids: Sequence[str]) -> None:
        if self._histories is not None:
            histories = self._histories
            await asyncio.gather(*(histories.forget(owner, each) for each in session_ids))

    async def _one_by_one(
        self, owner: str, session_ids: Sequence[str]
    ) -> dict[str, TalkwireError | None]:
        """Sessions in which something runs."""
        room = asyncio.Semaphore(_BUSY_AT_ONCE)

        async def one(session_id: str) -> TalkwireError | None:
            async with room:
                try:
                    await self.forget(owner, session_id)
                except (Busy, NotFound) as error:
                    return error
            return None

        told = await asyncio.gather(*map(one, session_ids))
        return dict(zip(session_ids, told, strict=True))

    async def _delete(self, owner: str, session_id: str) -> Sequence[str]:
        times = 0
        while True:
            await self._stop(owner, session_id)
            times += 1
            try:
                return await self._deletion.delete(owner, session_id)
            except Busy:
                if times == _TIMES:
                    raise

    async def _stop(self, owner: str, session_id: str) -> None:
        """All at once, the newest first: none that waits begins when the one before it stops."""
        turn_ids = await self._turns.under_way(owner, session_id)
        aborts = [self._turns.abort(owner, each, by=DELETED_BY) for each in reversed(turn_ids)]
        for done in await asyncio.gather(*aborts, return_exceptions=True):
            # Not found: somebody else has deleted the session meanwhile.
            if isinstance(done, BaseException) and not isinstance(done, NotFound):
                raise done

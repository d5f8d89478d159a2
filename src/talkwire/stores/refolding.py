"""Messages that were stored before there was a search, or by a node of such a version: folded bit
by bit, beside all else, since a schema's upgrade that read them all would hold everybody up.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, bindparam, select, text, update

from talkwire.canon.turn import Message
from talkwire.stores.database import Database
from talkwire.stores.folding import folded
from talkwire.stores.prepared import Prepared
from talkwire.stores.schema import UNFOLDED, messages

_message = msgspec.json.Decoder(Message)
_unfolded = Prepared(
    select(messages.c.id, messages.c.payload).where(UNFOLDED).limit(bindparam("most"))
)
_fold = Prepared(
    update(messages).where(messages.c.id == bindparam("id_")).values(folded=bindparam("folded_"))
)
_TRY = text("SELECT pg_try_advisory_xact_lock(725011983, 3)")


class Refolding:
    """`slice_rows` bounds one transaction, which holds SQLite's writer for a few milliseconds, and
    `slices` one pass. On PostgreSQL one node does it, beside its writer.
    """

    def __init__(self, database: Database, *, slice_rows: int = 200, slices: int = 20) -> None:
        self._database = database
        self._slice_rows = slice_rows
        self._slices = slices

    async def catch_up(self) -> int:
        """Fold some of what is left; how many messages. Call it again and again.

        :raises Fenced, StorageUnavailable: what was folded before stays so.
        """
        total = 0
        for _ in range(self._slices):
            done = await self._database.apart(self._some)
            total += done
            if done < self._slice_rows:
                break
        return total

    def _some(self, connection: Connection) -> int:
        if self._database.partitioned and not connection.execute(_TRY).scalar_one():
            return 0
        rows = _unfolded.all(connection, most=self._slice_rows)
        for message_id, payload in rows:
            words = folded(_message.decode(payload))
            _fold.run(connection, id_=message_id, folded_=words)
        return len(rows)

"""Long results of tools, whole: fits the engine's port `Results`.

They are kept as long as the events of ended turns, and then swept away by `cleaning`.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from talkwire.canon.errors import NotFound
from talkwire.canon.records import ToolResult
from talkwire.stores.database import Database
from talkwire.stores.prepared import Prepared
from talkwire.stores.schema import tool_results


class _Text(Struct, frozen=True):
    """What is in the column `result`. PostgreSQL takes no NUL in a text, and JSON has none."""

    text: str
    truncated: bool


_encode = msgspec.json.Encoder().encode
_text = msgspec.json.Decoder(_Text)
_KEY = ("owner", "call_id")


def _put(dialect: Any) -> Prepared:
    given = dialect.insert(tool_results).values(
        {column.name: bindparam(column.name) for column in tool_results.columns}
    )
    others = [column.name for column in tool_results.columns if column.name not in _KEY]
    return Prepared(
        given.on_conflict_do_update(
            index_elements=list(_KEY), set_={name: given.excluded[name] for name in others}
        )
    )


_puts = {"sqlite": _put(sqlite), "postgresql": _put(postgresql)}
_one = Prepared(
    select(
        tool_results.c.session_id,
        tool_results.c.turn_id,
        tool_results.c.name,
        tool_results.c.result,
        tool_results.c.at,
    ).where(
        (tool_results.c.owner == bindparam("owner_"))
        & (tool_results.c.call_id == bindparam("call_"))
    )
)


class SqlResults:
    """The results in the database, each its owner's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, owner: str, result: ToolResult) -> None:
        """Store a result; returns once it is held. A later one of the same call id replaces it.

        :raises Fenced, StorageUnavailable: it was not stored.
        """
        body = _encode(_Text(result.text, result.truncated)).decode()

        def put(connection: Connection) -> None:
            _puts[connection.dialect.name].run(
                connection,
                owner=owner,
                call_id=result.call_id,
                session_id=result.session_id,
                turn_id=result.turn_id,
                name=result.name,
                result=body,
                at=result.at,
            )

        await self._database.write(put)

    async def result(self, owner: str, call_id: str) -> ToolResult:
        """:raises NotFound: unknown, another's, or deleted with age."""
        # No id of a call is asked for that a database could not even be told.
        row = None
        if "\0" not in call_id:
            row = await self._database.read(lambda c: _one.first(c, owner_=owner, call_=call_id))
        if row is None:
            raise NotFound("There is no result of this call.")
        session_id, turn_id, name, body, at = row
        kept = _text.decode(body)
        return ToolResult(call_id, session_id, turn_id, name, kept.text, kept.truncated, at)

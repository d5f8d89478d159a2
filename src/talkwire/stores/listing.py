"""Lists of sessions, by their newest activity and by what is found in them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, exists, select, tuple_

from talkwire.canon.sessions import Session, SessionsAsked
from talkwire.stores.folding import fold
from talkwire.stores.schema import messages, sessions
from talkwire.stores.session_rows import SESSION, WITH_LAST, of, session

_PLACE = (sessions.c.updated_at, sessions.c.id, sessions.c.owner)


def page(connection: Connection, asked: SessionsAsked, now: int) -> list[Session]:
    """The sessions behind `asked.after` that have not expired. One range of an index is read, as
    far as the page goes; a search reads on until it has found enough.
    """
    wanted = of(asked.whose) & (sessions.c.expires_at > now)
    if asked.archived is not None:
        wanted &= sessions.c.archived == asked.archived
    if asked.after is not None:
        wanted &= tuple_(*_PLACE) < tuple_(*asked.after)
    if asked.text:
        wanted &= _has(fold(asked.text))
    found = (
        select(*SESSION)
        .select_from(WITH_LAST)
        .where(wanted)
        .order_by(*(column.desc() for column in _PLACE))
        .limit(asked.limit)
    )
    return [session(row) for row in connection.execute(found)]


def _has(text: str) -> ColumnElement[bool]:
    """The text is in the title or in a message of whichever branch; its signs are meant as such."""
    said = messages.alias("said")
    of_session = (said.c.owner == sessions.c.owner) & (said.c.session_id == sessions.c.id)
    in_text = of_session & said.c.folded.contains(text, autoescape=True)
    in_title = sessions.c.title_folded.contains(text, autoescape=True)
    return in_title | exists().where(in_text)

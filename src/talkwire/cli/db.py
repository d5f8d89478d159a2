"""`talkwire db`: the database's schema. PostgreSQL's is brought up to date by hand, since other
servers may be running on it; SQLite's is brought up to date at start.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from talkwire.canon.errors import TalkwireError
from talkwire.cli.serve import REFUSED, Hindrance, check_folder, settings_of
from talkwire.cli.words import say
from talkwire.settings import Settings

_FAILED = 1


def upgrade(config: Path | None, data_dir: Path | None) -> int:
    """Bring the schema up to date. The exit status: 1 when the database cannot be used."""
    from talkwire.storage import upgrade as work

    def told(settings: Settings) -> int:
        before, after = work(settings)
        word = "db_current" if before == after else "db_upgraded"
        print(say(word, revision=after, before=before or "-"))
        return 0

    return _run(told, config, data_dir)


def current(config: Path | None, data_dir: Path | None) -> int:
    """Tell the revision. The exit status: 1 when it is not the one that is needed."""
    from talkwire.storage import revision as work

    def told(settings: Settings) -> int:
        found, needed = work(settings)
        if found == needed:
            print(say("db_current", revision=found))
            return 0
        word = "db_behind" if found is None or found < needed else "db_ahead"
        print(say(word, revision=found or "-", needed=needed))
        return _FAILED

    return _run(told, config, data_dir)


def _run(work: Callable[[Settings], int], config: Path | None, data_dir: Path | None) -> int:
    loaded = settings_of(config, {"data_dir": data_dir})
    if loaded is None:
        return REFUSED
    try:
        if not loaded.settings.database.is_postgres:
            check_folder(loaded.settings.sqlite_path.parent)
        return work(loaded.settings)
    except Hindrance as hindrance:
        print(hindrance, file=sys.stderr)
        return REFUSED
    except TalkwireError as error:
        print(say("no_storage", reason=error.message), file=sys.stderr)
        return _FAILED

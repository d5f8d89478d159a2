"""The end of a connection: it has one reason, the first."""

from __future__ import annotations

from talkwire.tools.mcp_link import Ended


async def test_the_first_reason_stays_and_the_last_words_follow() -> None:
    ended = Ended()
    stirred: list[bool] = []
    ended.stir = lambda: stirred.append(ended.happened.is_set())
    ended.last_words += b"one\ntwo\n\nthree\x1b\nfour\xff\n"

    ended.end("It crashed.")
    ended.end("It is gone.")

    assert ended.told("Whatever.") == "It crashed. It said: two / three / four\ufffd"
    assert stirred == [True, True]


async def test_an_end_of_our_own_making_is_no_reason() -> None:
    ended = Ended()

    ended.close()
    ended.end("It exited with status 0.")

    assert ended.happened.is_set()
    assert ended.told("It did not answer.") == "It did not answer."

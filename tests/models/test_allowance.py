"""Asking again is a share of asking."""

from __future__ import annotations

from talkwire.models.allowance import Allowance


def test_a_reserve_is_spent_and_then_a_share_of_what_is_asked() -> None:
    allowance = Allowance(share=0.25, reserve=3, a_second=0, clock=lambda: 0.0)
    assert [allowance.spend() for _ in range(4)] == [True, True, True, False]

    for _ in range(8):
        allowance.earn()

    assert [allowance.spend() for _ in range(3)] == [True, True, False]


def test_a_quiet_server_may_ask_again_after_a_while() -> None:
    now = [0.0]
    allowance = Allowance(share=0, reserve=1, a_second=0.5, clock=lambda: now[0])
    assert allowance.spend()
    assert not allowance.spend()

    now[0] = 2.0
    assert allowance.spend()

    now[0] = 1000.0
    assert [allowance.spend() for _ in range(2)] == [True, False], "no more than the reserve"

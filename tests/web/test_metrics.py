"""Who may see the figures, and in which form they come."""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from talkwire.canon.errors import Forbidden, Unauthorized
from talkwire.web.metrics import router
from talkwire.web.principals import LOCAL, PRINCIPAL, Principal
from tests.web.wire import scope


async def ask(principal: Principal | None, accept: str = "") -> Response:
    async def render(wanted: str) -> tuple[bytes, str]:
        return f"figures as {wanted}".encode(), "text/x"

    (route,) = router(render).routes
    assert isinstance(route, APIRoute)
    given = scope("/metrics")
    given["headers"] = [(b"accept", accept.encode())]
    given.pop(PRINCIPAL)
    if principal is not None:
        given[PRINCIPAL] = principal
    answer: Response = await route.endpoint(Request(given))
    return answer


@pytest.mark.parametrize(
    "principal",
    [LOCAL, Principal("ops", admin=True), Principal("prom", scopes=frozenset({"metrics"}))],
)
async def test_figures_are_for_admins_and_for_who_may_measure(principal: Principal) -> None:
    answer = await ask(principal, "text/y")

    assert (answer.body, answer.headers["content-type"]) == (b"figures as text/y", "text/x")
    assert answer.headers["cache-control"] == "no-store"


async def test_others_are_refused() -> None:
    with pytest.raises(Forbidden, match="metrics"):
        await ask(Principal("ann"))
    with pytest.raises(Unauthorized):
        await ask(None)

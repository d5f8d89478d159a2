"""Generated requests over the server's own document: no 5xx, no answer that it does not tell of.

`make fuzz` asks far more.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.e2e.fuzzing import begun, fuzz
from tests.e2e.servers import Server

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with all wires."""
    server = begun(tmp_path_factory.mktemp("asked"))
    yield server
    server.stop()


def test_no_generated_request_finds_what_the_document_does_not_tell(asked: Server) -> None:
    report = fuzz(asked, examples=5, phases=("fuzzing", "stateful"))

    assert report.failures == (), report.output
    assert report.cases >= 250, report.output
    assert {status for status in report.statuses if status >= 500 or status == 0} == set()
    good = sum(count for status, count in report.statuses.items() if 200 <= status < 300)
    assert good >= report.cases // 3, f"mostly refused: {report.statuses}"


def test_a_document_that_tells_something_else_is_found_out(asked: Server) -> None:
    document = httpx2.get(f"{asked.url}/openapi.json").json()
    alive = document["paths"]["/healthz"]["get"]["responses"]["200"]["content"]
    alive["application/json"]["schema"]["properties"]["status"] = {"const": "well"}

    report = fuzz(
        asked, examples=1, phases=("fuzzing",), only="^/healthz$", document=document, given={}
    )

    assert report.failures

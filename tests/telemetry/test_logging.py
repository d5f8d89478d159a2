"""Log lines: one form each, no secrets, no errors of their own."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from talkwire.telemetry.logging import Format, configure, flush, scrub
from talkwire.telemetry.placing import LogFiles

CANARY = "canary0123456789"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    configure(stream=io.StringIO())  # closes files
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_what_is_bound() -> None:
    configure(stream=(stream := io.StringIO()))
    structlog.contextvars.bind_contextvars(request_id="r1", turn_id="t_1")

    structlog.get_logger("talkwire.x").info("turn.accepted", wire="native", n=1)
    logging.getLogger("uvicorn.error").warning("said %s", "this")

    first, second = _lines(stream)
    assert first["event"] == "turn.accepted"
    assert (first["request_id"], first["turn_id"], first["n"]) == ("r1", "t_1", 1)
    assert (first["level"], first["logger"]) == ("info", "talkwire.x")
    assert second["event"] == "said this"
    assert second["logger"] == "uvicorn.error"


def test_levels_are_kept() -> None:
    configure("warning", stream=(stream := io.StringIO()))

    structlog.get_logger("a").info("quiet")
    structlog.get_logger("a").warning("loud")

    assert [line["event"] for line in _lines(stream)] == ["loud"]


def test_a_console_is_for_people() -> None:
    configure(form="console", stream=(stream := io.StringIO()))

    structlog.get_logger("a").info("turn.ended", status="completed")

    assert "turn.ended" in stream.getvalue()
    assert "status=completed" in stream.getvalue()


def test_a_console_line_tells_what_happened_first_and_its_ids_last() -> None:
    configure(form="console", stream=(stream := io.StringIO()))
    structlog.contextvars.bind_contextvars(request_id="r1", session_id="s_1", turn_id="t_1")

    structlog.get_logger("talkwire.turns").info("turn.ended", status="failed", ttft_ms=None)

    line = stream.getvalue()
    assert line.index("turn.ended") < line.index("status=failed") < line.index("turn_id=t_1")
    assert line.rstrip().endswith("session_id=s_1")
    assert not any(word in line for word in ("request_id", "ttft_ms", "talkwire.turns"))


@pytest.mark.parametrize("name", ["uvicorn.error", "alembic.runtime.plugins", "httpx2"])
def test_what_libraries_do_step_by_step_is_not_told(name: str) -> None:
    configure(stream=(stream := io.StringIO()))

    logging.getLogger(name).info("setup plugin")
    logging.getLogger(name).error("it broke")

    assert [line["event"] for line in _lines(stream)] == ["it broke"]


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"sk-{CANARY}",
        f"postgresql://user:{CANARY}@host/db",
        f"api_key={CANARY}",
        f"'x-api-key': '{CANARY}'",
        f"GET /chat/stream?input={CANARY} HTTP/1.1",
        f"password: {CANARY}",
    ],
)
def test_secrets_and_queries_are_hidden_in_text(text: str) -> None:
    assert CANARY not in scrub(text)


@pytest.mark.parametrize(
    "text", ["the key tw_3f9a0c_" + "0f" * 32, "the token eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl0f0f"]
)
def test_our_own_keys_and_tokens_are_hidden_in_text(text: str) -> None:
    assert "0f0f" not in scrub(text)


@pytest.mark.parametrize("key", ["api_key", "authorization", "openai_api_key", "X-API-Key"])
def test_secrets_are_hidden_by_key_at_any_depth(key: str) -> None:
    configure(stream=(stream := io.StringIO()))

    structlog.get_logger("a").info("x", **{key: CANARY}, deep={"a": [{key: CANARY}]})

    assert CANARY not in stream.getvalue()


def test_secrets_are_hidden_in_tracebacks() -> None:
    configure(stream=(stream := io.StringIO()))

    try:
        raise ValueError(f"Bearer {CANARY}")
    except ValueError:
        structlog.get_logger("a").exception("failed")

    assert "ValueError" in stream.getvalue()
    assert CANARY not in stream.getvalue()


def test_secrets_that_are_known_are_hidden_whatever_they_look_like() -> None:
    configure(stream=(stream := io.StringIO()), secrets=[CANARY])

    try:
        raise ValueError(f"the vault refused {CANARY}")
    except ValueError:
        structlog.get_logger("a").exception("failed", deep={"a": [CANARY]}, what=object)
    logging.getLogger("b").error("not %s", CANARY)

    assert "the vault refused ***" in stream.getvalue()
    assert CANARY not in stream.getvalue()


def test_token_counts_are_no_secrets() -> None:
    configure(stream=(stream := io.StringIO()))

    structlog.get_logger("a").info("x", input_tokens=5, output_tokens=7)

    assert _lines(stream)[0]["input_tokens"] == 5


def test_a_full_disk_is_no_error_of_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    with open("/dev/full", "w", buffering=1) as full:
        configure(stream=full)
        structlog.get_logger("a").info("lost")
        logging.getLogger("b").error("lost")
        with pytest.raises(OSError, match="No space"):
            full.close()

    assert capsys.readouterr().err == ""


def test_arguments_that_do_not_fit_their_text_are_no_error_of_the_request(tmp_path: Path) -> None:
    configure(stream=(stream := io.StringIO()), form="json", files=LogFiles(tmp_path))

    logging.getLogger("b").error("%d", "x")
    logging.getLogger("b").error("%(a)s", {"b": 1})
    logging.getLogger("b").error("after")
    flush()

    assert [line["event"] for line in _lines(stream)] == ["after"]
    assert '"after"' in (tmp_path / "talkwire.log").read_text().splitlines()[-1]


def test_a_cut_stream_is_no_news() -> None:
    configure(stream=(stream := io.StringIO()))

    logging.getLogger("uvicorn.error").error("ASGI callable returned without completing response.")

    assert stream.getvalue() == ""


def test_a_retry_is_told_once_by_its_turn() -> None:
    configure(stream=(stream := io.StringIO()))

    logging.getLogger("stamina").warning("stamina.retry_scheduled")

    assert stream.getvalue() == ""


@pytest.mark.parametrize("form", ["console", "json"])
def test_files_have_json_with_the_whole_time_whatever_the_terminal_shows(
    form: Format, tmp_path: Path
) -> None:
    configure(form=form, stream=(stream := io.StringIO()), files=LogFiles(tmp_path))
    structlog.contextvars.bind_contextvars(request_id="r1", turn_id="t_1")

    structlog.get_logger("talkwire.x").warning("turn.ended", status="failed", api_key=CANARY)
    logging.getLogger("uvicorn.error").error("said %s", f"Bearer {CANARY}")
    flush()

    first, second = map(json.loads, (tmp_path / "talkwire.log").read_text().splitlines())
    assert (first["event"], first["request_id"], first["status"]) == ("turn.ended", "r1", "failed")
    assert (first["logger"], second["request_id"]) == ("talkwire.x", "r1")
    assert datetime.fromisoformat(first["timestamp"]).tzinfo == UTC
    assert "said" in stream.getvalue()
    assert (tmp_path / "error.log").read_text() == (tmp_path / "talkwire.log").read_text()
    assert CANARY not in (tmp_path / "talkwire.log").read_text() + stream.getvalue()

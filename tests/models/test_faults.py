"""What statuses and error bodies mean, and what of them may be told."""

from __future__ import annotations

import email.utils
import json
import time

import pytest

from talkwire.canon.errors import UpstreamNotFound
from talkwire.models._faults import (
    NoSuchPath,
    of_document,
    of_frame,
    of_status,
    retry_after_s,
    scrubbed,
)

KEY = "sk-canary-4f1d9c2e7b"


def told(status: int, body: object) -> str:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return of_status(status, {}, raw, server="x:1", key=KEY).message


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "bad temperature"}},
        {"error": "bad temperature"},
        {"message": "bad temperature"},
        {"detail": "bad temperature"},
        [{"error": {"message": "bad temperature"}}],
    ],
)
def test_a_rejection_tells_the_upstreams_own_sentence(body: object) -> None:
    assert told(400, body) == "x:1 rejected the request (HTTP 400): bad temperature"


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"{", b'{"error":{"message":[1]}}'])
def test_a_body_that_is_no_error_is_not_told(body: bytes) -> None:
    assert told(422, body) == "x:1 rejected the request (HTTP 422)."


@pytest.mark.parametrize(
    "text",
    [f"key {KEY} is bad", "Bearer abc.def is bad", "sk-other-12345678", "api_key=abcdef0123456789",
     "x" * 40],
)  # fmt: skip
def test_what_looks_like_a_key_is_scrubbed(text: str) -> None:
    cleaned = scrubbed(text, KEY)

    assert "***" in cleaned
    assert not any(secret in cleaned for secret in (KEY, "abc.def", "12345678", "0123456789"))


@pytest.mark.parametrize(
    "shown",
    [f"{KEY[:12]}****{KEY[-8:]}", f"{KEY[:5]}...{KEY[-4:]}", f"…{KEY[-8:]}", f"***{KEY[-4:]}"],
)
def test_a_key_that_is_masked_is_scrubbed_too(shown: str) -> None:
    assert scrubbed(f"Incorrect API key provided: {shown}, sorry", KEY) == (
        "Incorrect API key provided: ***, sorry"
    )


def test_a_sentence_is_one_short_line() -> None:
    assert len(scrubbed("word " * 200, "")) == 300
    assert scrubbed("a\n\x1b[31mb\u202ec", "") == "a [31mbc"


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 307])
def test_other_bodies_are_never_told(status: int) -> None:
    assert "secret" not in told(status, {"error": {"message": "secret"}})


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "The model `x` does not exist", "code": "model_not_found"}},
        {"error": "model 'x' not found, try pulling it first"},
    ],
)
def test_an_unknown_model_is_not_an_unknown_path(body: object) -> None:
    fault = of_status(404, {}, json.dumps(body).encode(), server="x", key="")

    assert type(fault) is UpstreamNotFound


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"404 page not found"),
        (404, b'{"detail":"Not Found"}'),
        (404, b'{"error":{"message":"Invalid URL (POST /v1/responses)"}}'),
        (405, b'{"detail":"Method Not Allowed"}'),
    ],
)
def test_an_unknown_path_is_told_apart(status: int, body: bytes) -> None:
    assert isinstance(of_status(status, {}, body, server="x", key=""), NoSuchPath)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


def test_retry_after_may_be_a_date() -> None:
    date = email.utils.formatdate(time.time() + 10, usegmt=True)

    assert 8 < (retry_after_s({"retry-after": date}) or 0) <= 10


def test_an_error_document_with_status_200_is_that_error() -> None:
    fault = of_document("application/json", b'{"error":{"code":"overloaded"}}', server="x")

    assert (fault.code, fault.retryable) == ("upstream_error", True)


def test_an_error_code_is_told_only_if_it_is_one() -> None:
    assert of_frame({"code": "bad_thing"}).message == "The model reported an error (bad_thing)."
    assert of_frame({"code": "http_502"}).message == "The model reported an error (http_502)."
    for code in (f"no {KEY}", KEY, "Zq3f9a0c7b1d2e4f", "sk-canary"):
        assert of_frame({"code": code}).message == "The model reported an error."
    assert not of_frame({"code": "bad_thing"}).retryable


def test_where_a_callers_server_is_stays_untold() -> None:
    words = "POST /my-path/v1/x at https://api.example/my-path?sig=abc: no"
    body = json.dumps({"error": words}).encode()
    hidden = ("api.example", "/my-path", "sig=abc")
    message = of_status(400, {}, body, server="it", key="", hidden=hidden).message

    assert message == "it rejected the request (HTTP 400): POST ***/v1/x at *** no"

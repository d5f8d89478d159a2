from __future__ import annotations

import re
import time

import pytest

from talkwire.scenarios.patterns import MOST_CHARS, unfit


@pytest.mark.parametrize(
    "pattern",
    [
        r"WD\d{4,}",
        r"(?<![A-Za-z0-9])WD[-_]?\d{4,24}(?![A-Za-z0-9])",
        r"(?:订单号?|order(?: number| no)?)[\s:#]{0,4}([A-Z]{0,4}-?\d{4,24})",
        r"\d+(?:,\d{3})*(?:\.\d{1,2})?",
        r"(?:[ -]?\d{4}){3,4}",
        r"[\w.+-]+@[A-Za-z0-9-]+\.[A-Za-z0-9.-]+",
        r"\d{4}-\d\d-\d\d|\d{1,2}月\d{1,2}[日号]?",
        r"(?i)abc(?-i:DEF)(?#said)",
        r"[]a]+\]\x41\u4e2d",
        r"(?P<id>[0-9]+)",
        r"^\W{0,3}\d{4}\W{0,3}$",
        r"(?>a+)b++c",
        r"x{}y{,z",
    ],
)
def test_a_plain_pattern_is_fit(pattern: str) -> None:
    assert unfit(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "is no regular expression"),
        ("[a", "is no regular expression"),
        ("a{9999999999}", "is no regular expression"),
        ("x" * (MOST_CHARS + 1), "is longer than"),
        ("", "can match nothing at all"),
        (r"\d*", "can match nothing at all"),
        ("a|", "can match nothing at all"),
        ("(?:ab?)?", "can match nothing at all"),
        (r"(?=a)", "can match nothing at all"),
        (r"\bx{,}", "can match nothing at all"),
        (r"WD(\d*)", "a group that can be empty"),
        (r"WD(?P<n>\d*)", "a group that can be empty"),
        ("(a+)+", "repeats what can match in several ways"),
        ("(a+)+?b", "repeats what can match in several ways"),
        ("(?:a*)*b", "repeats what can match in several ways"),
        ("(a|a)*b", "repeats what can match in several ways"),
        ("(a|ab)+c", "repeats what can match in several ways"),
        ("(a?){30}b", "repeats what can match in several ways"),
        (r"(?:\w+\s?)*x", "repeats what can match in several ways"),
        ("(?:a{1,100}){1,100}x", "repeats what can match in several ways"),
        ("((a{1,9}){1,9}){1,9}x", "repeats what can match in several ways"),
        (r"\d+\d+x", "two endless repeats"),
        (r"\d+-?\d+x", "two endless repeats"),
        (".*foo.*bar", "two endless repeats"),
        ("订+订+x", "two endless repeats"),
        (r"\d{1,999}\d{1,999}x", "two endless repeats"),
        ("a{0,40}" * 4 + "x", "too many ways"),
        (r"(?=\w*x)a+", "looks ahead without end"),
        (r"(a)\1", "must not refer back"),
        (r"(?P<n>a)(?P=n)", "must not refer back"),
        (r"(a)?(?(1)b|c)", "must not refer back"),
        ("(?x) a b", "must not be verbose"),
    ],
)
def test_a_pattern_that_could_harm_is_refused_with_the_reason(pattern: str, reason: str) -> None:
    assert reason in unfit(pattern)


@pytest.mark.parametrize("pattern", [r"\d+-\d+x", r"a?\w{2,}Z", r"[ab]+.\d+Z", r".{0,3}x+b{0,3}Z"])
def test_what_is_fit_ends_soon_on_a_text_made_to_hold_it_up(pattern: str) -> None:
    assert unfit(pattern) == ""
    for text in ("1" * 2_000, "ab" * 1_000, "x" * 2_000):
        before = time.process_time()
        re.search(pattern, text)
        assert time.process_time() - before < 5


def test_a_pattern_that_is_nested_too_deeply_is_refused() -> None:
    assert unfit("(" * 300 + "a" + ")" * 300) == "is nested too deeply"

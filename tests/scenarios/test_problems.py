from __future__ import annotations

from talkwire.scenarios.problems import CatalogueError, Problems, hint, near, shown


def _lines(problems: Problems) -> tuple[str, ...]:
    error = problems.error()
    return () if error is None else error.problems


def test_nothing_found_is_no_error() -> None:
    assert Problems("file").error() is None


def test_each_line_begins_with_its_place() -> None:
    problems = Problems("file")

    problems.under("entry", "", "steps[1]").under("text").add("is empty")
    problems.at_line(3, 7).add("is not JSON")

    assert _lines(problems) == ("file: entry: steps[1]: text: is empty", "file:3:7: is not JSON")


def test_the_same_line_twice_is_one_problem() -> None:
    problems = Problems("file")

    for _ in range(2):
        problems.under("a").add("is empty")

    assert (_lines(problems), problems.count) == (("file: a: is empty",), 1)


def test_an_error_lists_fifty_and_says_how_many_more_there_are() -> None:
    error = CatalogueError([f"line {number}" for number in range(52)])

    assert str(error).splitlines()[49:] == ["line 49", "… and 2 more"]
    assert error.first(1) == "line 0\n… and 51 more"
    assert CatalogueError(["one"]).first(5) == "one"


def test_a_flood_of_problems_is_counted_and_not_kept() -> None:
    problems = Problems("file")

    for number in range(5_000):
        problems.unknown(f"unknown {number}", "x", [])

    error = problems.error()
    assert error is not None
    assert (len(error.problems), error.count) == (1_000, 5_000)
    assert str(error).endswith("… and 4950 more")


def test_an_unknown_name_tells_the_nearest_or_all_there_are() -> None:
    assert hint("State", ["stage", "state"]) == "; did you mean 'state'?"
    assert hint("x", ["first", "second"]) == "; known: first, second"
    assert hint("x", []) == "; there are none"
    assert hint("???", [str(number) for number in range(30)]).endswith("11 and 18 more")


def test_a_name_is_near_without_regard_to_case() -> None:
    assert near("SCENARIO", ["scenarios"]) == "scenarios"
    assert near("clarify", ["scenarios"]) == ""


def test_a_long_text_is_cut_where_it_is_shown() -> None:
    assert shown("x" * 500) == repr("x" * 79 + "…")

"""The shapes of a catalogue's entries as they are written, and what is wrong with one in words.

A shape tells types, lengths and what is missing; what names refer to is seen in `entries.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from talkwire.scenarios.catalogue import Do, Words
from talkwire.scenarios.files import kind, spelled
from talkwire.scenarios.problems import Problems, hint, near, shown

SHAPE = TypeVar("SHAPE", bound=BaseModel)

_EXPECTED = {
    "string": "text",
    "list": "a list",
    "dict": "an object",
    "model": "an object",
    "bool": "true or false",
    "int": "a whole number",
}
_LIKE_A_KEY = 0.75


def _text(given: object, *, most: int) -> Words:
    """One text that stands for both languages, or an object of `zh` and `en`."""
    languages = given.keys() & {"zh", "en"} if isinstance(given, dict) else ()
    if isinstance(given, str):
        texts = {"text": given}
    elif isinstance(given, dict) and languages:
        texts = {name: given[name] for name in sorted(languages, reverse=True)}
    else:
        told = "another object" if isinstance(given, dict) else kind(given)
        raise _wrong(f"expected text, or an object of zh and en, got {told}")
    for name, text in texts.items():
        where = "" if name == "text" else f"{name}: "
        if not isinstance(text, str):
            raise _wrong(f"{where}expected text, got {kind(text)}")
        if not text.strip():
            raise _wrong(f"{where}is empty")
        if len(text) > most:
            raise _wrong(f"{where}is longer than {most} characters")
    chosen = [text.strip() for text in texts.values()]
    return Words(zh=chosen[0], en=chosen[-1])


def _wrong(told: str) -> PydanticCustomError:
    return PydanticCustomError("text", "{told}", {"told": told})


def _some(given: object) -> object:
    """One value is a list of one."""
    return [given] if isinstance(given, str) else given


_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_Example = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
_Label = Annotated[Words, PlainValidator(partial(_text, most=200))]
_Text = Annotated[Words, PlainValidator(partial(_text, most=4_000))]
_Values = Annotated[list[_Name], Field(min_length=1, max_length=100), BeforeValidator(_some)]
_Names = Annotated[list[_Name], Field(max_length=100)]
_Words = Annotated[list[_Name], Field(max_length=500)]
_Examples = Annotated[list[_Example], Field(max_length=1_000)]


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="allow", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, given: object) -> object:
        """Programs that write JSON like to write null for what is not there."""
        if not isinstance(given, dict) or None not in given.values():
            return given
        fields = cls.model_fields
        return {
            key: value for key, value in given.items() if value is not None or key not in fields
        }


class SlotShape(_Shape):
    """A slot: `choices` are words by value."""

    label: _Label | None = None
    choices: Annotated[dict[str, _Words], Field(max_length=200)] | None = None
    pattern: str | None = None
    context: _Names = []


class StepShape(_Shape):
    """A step of a flow."""

    id: _Name
    do: Do
    text: _Text
    slot: Annotated[str, StringConstraints(max_length=200)] = ""
    when: Annotated[dict[str, _Values], Field(max_length=20)] = {}
    optional: bool = False


class ScenarioShape(_Shape):
    """An entry; slots come each by itself."""

    category: _Name
    subcategory: _Name
    title: _Label | None = None
    description: _Text
    examples: _Examples = []
    steps: Annotated[list[StepShape], Field(max_length=200)] = []
    slots: Annotated[dict[str, Any], Field(max_length=200)] = {}
    required_slots: _Names = []
    related_subcategories: _Names = []
    sop_references: _Names = []


class AsideShape(_Shape):
    """What no scenario is about."""

    examples: _Examples | None = None
    text: _Text | None = None


class CatalogueShape(_Shape):
    """The file beside its scenarios, which come each by itself. A `version` in words is the
    author's own.
    """

    version: int | str = 1
    clarify: _Text | None = None
    slots: Annotated[dict[str, Any], Field(max_length=1_000)] = {}
    asides: dict[str, Any] = {}
    sops: str = "sops"


def shaped(
    shape: type[SHAPE],
    given: object,
    problems: Problems,
    place: Callable[[tuple[int | str, ...]], tuple[str, ...]] | None = None,
) -> SHAPE | None:
    """The entry in its shape; None after its problems were told. `place` spells where."""
    try:
        return shape.model_validate(given)
    except ValidationError as error:
        for found in error.errors(include_url=False):
            where = (place or _place)(found["loc"])
            problems.under(*where).add(_told(found))
        return None


def stray(given: BaseModel, problems: Problems) -> None:
    """Tell the keys that are known to nobody and look like one that is: it was meant."""
    for key in given.model_extra or ():
        if meant := near(key, type(given).model_fields, likeness=_LIKE_A_KEY):
            problems.add(f"unknown key {shown(key)}; did you mean {shown(meant)}?")


def _place(place: tuple[int | str, ...]) -> tuple[str, ...]:
    return (spelled(place),)


def _told(found: ErrorDetails) -> str:
    """What is wrong, in words; the given value where that helps."""
    code, given = found["type"], found["input"]
    context: Mapping[str, Any] = found.get("ctx", {})
    match code:
        case "missing":
            return "is missing"
        case "string_too_short" | "too_short":
            return "is empty"
        case "string_too_long":
            return f"is longer than {context['max_length']} characters"
        case "too_long":
            return f"has more than {context['max_length']} entries"
        case "literal_error":
            return f"{_value(given)} is unknown{hint(str(given), _literals(context))}"
        case "text":
            return found["msg"]
    expected = _EXPECTED.get(code.partition("_")[0], "another value")
    return f"expected {expected}, got {kind(given)}"


def _value(given: object) -> str:
    return shown(given) if isinstance(given, str) else kind(given)


def _literals(context: Mapping[str, Any]) -> list[str]:
    """The names in `'a', 'b' or 'c'`."""
    return [name for name in str(context.get("expected", "")).split("'")[1::2] if name]

"""The JSON Schema of a function's parameters, and its arguments checked against them."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind

from talkwire.canon.tools import CallContext
from talkwire.tools.docstrings import Described
from talkwire.tools.running import Refusal

_MOST_FAULTS = 10


class _Plain(GenerateJsonSchema):
    """Without the titles, which repeat the names, and without warnings for odd defaults."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        pass


class Signature:
    """The parameters of a function, but for those in `ours` and those of type `CallContext`.

    :raises TypeError: it takes what JSON cannot bring; the message says where and what to do.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        described: Described,
        *,
        ours: frozenset[str] = frozenset(),
        local_names: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = getattr(function, "__name__", type(function).__name__)
        self.where = _where(function)
        # Each with the name of its field; a context has none.
        self._parameters: list[tuple[inspect.Parameter, str]] = []
        hints = self._hints(function, local_names)
        fields: dict[str, Any] = {}
        for parameter in inspect.signature(function).parameters.values():
            if parameter.name in ours:
                continue
            hint = hints.get(parameter.name, Any)
            field = ""
            if not is_context(hint):
                # The fields have names of their own: a parameter may be called `schema` or `_x`.
                field = f"p{len(fields)}"
                fields[field] = self._field(parameter, hint, described)
            self._parameters.append((parameter, field))
        self._model, self.schema = self._build(fields)

    def bind(
        self, arguments: dict[str, Any], context: CallContext
    ) -> tuple[list[Any], dict[str, Any]]:
        """The arguments as the function takes them: by position, and by name.

        :raises Refusal: they do not fit; says of each why, in words for the model.
        """
        try:
            model = self._model.model_validate(arguments)
        except ValidationError as error:
            raise Refusal(faults(error)) from error
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for parameter, field in self._parameters:
            value = getattr(model, field) if field else context
            if parameter.kind is parameter.POSITIONAL_ONLY:
                positional.append(value)
            elif (
                not field
                or field in model.model_fields_set
                or isinstance(parameter.default, FieldInfo)
            ):
                named[parameter.name] = value
        return positional, named

    def _hints(
        self, function: Callable[..., Any], local_names: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        target = function if inspect.isroutine(function) else type(function).__call__
        try:
            return typing.get_type_hints(
                inspect.unwrap(target), localns=dict(local_names or {}), include_extras=True
            )
        except (NameError, TypeError, SyntaxError) as error:
            raise TypeError(f"{self.where}: an annotation cannot be read: {error}.") from error

    def _field(self, parameter: inspect.Parameter, hint: Any, described: Described) -> Any:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(
                f"{self.where}: *{parameter.name} cannot be a tool's parameter, since a model "
                "has to know its name; use a list, or a dict, as one parameter."
            )
        said = _said(hint) or described.parameters.get(parameter.name)
        default = ... if parameter.default is parameter.empty else parameter.default
        return Annotated[hint, Field(alias=parameter.name, description=said)], default

    def _build(self, fields: dict[str, Any]) -> tuple[type[BaseModel], dict[str, Any]]:
        try:
            model = create_model(
                self.name,
                __config__=ConfigDict(
                    extra="forbid", arbitrary_types_allowed=False, protected_namespaces=()
                ),
                **fields,
            )
            schema = model.model_json_schema(by_alias=True, schema_generator=_Plain)
        except (PydanticUserError, PydanticUndefinedAnnotation) as error:
            first = str(error).partition("\n")[0]
            raise TypeError(
                f"{self.where}: a parameter has a type that JSON cannot bring: {first}"
            ) from error
        schema.pop("title", None)
        schema.setdefault("properties", {})
        return model, schema


def is_context(hint: Any) -> bool:
    """Whether a parameter of this type is filled in by us."""
    return hint is CallContext or CallContext in typing.get_args(hint)


def _said(hint: Any) -> str | None:
    """The description within `Annotated`, as plain text or as a field's."""
    for extra in getattr(hint, "__metadata__", ()):
        if isinstance(extra, str):
            return extra
        if isinstance(extra, FieldInfo) and extra.description:
            return extra.description
    return None


def faults(error: ValidationError) -> str:
    """What does not fit, in words for the model."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    told = [
        f"{'.'.join(map(str, each['loc']))[:100] or 'arguments'}: {each['msg'][:500]}"
        for each in found[:_MOST_FAULTS]
    ]
    return f"The arguments do not fit. {'; '.join(told)}."


def _where(function: Callable[..., Any]) -> str:
    """`name (file, line n)`, as far as it is known."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{name} ({code.co_filename}, line {code.co_firstlineno})" if code else name

"""The kinds of values that settings have, and the names that some are chosen from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from talkwire._settings.texts import home, http, listed, networks, number

WireName = Literal[
    "responses-sse", "agent-chat", "tool-chat", "support", "routed-chat", "native", "mcp"
]
AlgorithmName = Literal[
    "HS256",
    "HS384",
    "HS512",
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
]
WIRES: tuple[WireName, ...] = get_args(WireName)

Number = BeforeValidator(number)
Port = Annotated[int, Number, Field(ge=0, le=65_535)]
Words = Annotated[tuple[str, ...], BeforeValidator(listed)]
Networks = Annotated[Words, AfterValidator(networks)]
Wires = Annotated[tuple[WireName, ...], BeforeValidator(listed)]
Algorithms = Annotated[tuple[AlgorithmName, ...], BeforeValidator(listed)]
Folder = Annotated[Path, BeforeValidator(home)]
Url = Annotated[str, BeforeValidator(http)]
Seconds = Annotated[float, Number, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Number, Field(ge=1)]
Price = Annotated[float, Number, Field(ge=0, allow_inf_nan=False)]


class Group(BaseModel):
    """A group of settings: frozen, unknown keys are errors, input is never shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

"""What understands speech, and what an upload of it may be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from talkwire._settings.kinds import Count, Group, Seconds, Url


class HearingSettings(Group):
    """Speech to text. `auto` is `openai` where a `base_url` or OPENAI_API_KEY is given, else
    `sphinx` where it is installed, else `none`.

    `at_once` uploads are decoded at a time, and as many are understood by `sphinx`; others wait
    for `queue_s`. An upload has `upload_s` to come; `waiting_bytes` is what all of them together
    may hold in memory.
    """

    provider: Literal["auto", "openai", "sphinx", "none"] = "auto"
    base_url: Url | None = None
    api_key: SecretStr | None = None
    model: str = "whisper-1"
    response_format: Literal["verbose_json", "json"] = "verbose_json"
    connect_timeout_s: Seconds = 10
    timeout_s: Seconds = 120
    max_attempts: Annotated[int, Field(ge=1, le=5)] = 2
    max_bytes: Annotated[int, Field(ge=1, le=268_435_456)] = 26_214_400
    max_s: Annotated[float, Field(gt=0, le=3_600)] = 600
    at_once: Count = 2
    queue_s: Seconds = 20
    upload_s: Seconds = 120
    waiting_bytes: Count = 268_435_456
    decode_timeout_s: Annotated[float, Field(ge=1, le=600)] = 30
    decode_memory_bytes: Annotated[int, Field(ge=536_870_912)] = 1_073_741_824

"""How answers are spoken."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic import model_validator as whole

from talkwire._settings.hearing import HearingSettings
from talkwire._settings.kinds import Count, Group, Seconds, Url
from talkwire._settings.texts import mapped

Provider = Literal["auto", "clone", "openai", "espeak", "none"]


class OpenAISpeechSettings(Group):
    """An OpenAI-compatible speech service; `base_url` and `api_key` None are those of the models.
    `voice` speaks for clients that ask for the voice `default`.
    """

    base_url: Url | None = None
    api_key: SecretStr | None = None
    model: str = Field(default="gpt-4o-mini-tts", min_length=1)
    voice: str = Field(default="alloy", min_length=1)


class EspeakSettings(Group):
    """The program espeak-ng: its voices by the ids that clients use, words a minute, and how many
    of it may run at once.
    """

    voices: Annotated[dict[str, str], BeforeValidator(mapped)] = Field(default_factory=dict)
    rate: Annotated[int, Field(ge=80, le=450)] = 175
    processes: Count = 4


class AheadSettings(Group):
    """How far the voice may be ahead: so many sentences beyond the one that is told, of each of
    which so many seconds of sound may wait for their turn.
    """

    sentences: Annotated[int, Field(ge=0, le=16)] = 2
    seconds: Seconds = 30


class VoiceSettings(Group):
    """Which voice speaks answers, when, and as what, and what understands speech. `retention_s`
    None is that of events.
    """

    provider: Provider = "auto"
    mode: Literal["after", "live"] | None = None
    format: Literal["mp3", "wav", "opus"] = "mp3"
    clone_base_url: Url | None = None
    clone_api_key: SecretStr | None = None
    use_mock: bool = False
    openai: OpenAISpeechSettings = OpenAISpeechSettings()
    espeak: EspeakSettings = EspeakSettings()
    ahead: AheadSettings = AheadSettings()
    connect_timeout_s: Seconds = 10
    idle_timeout_s: Seconds = 30
    max_bytes: Count = 10_485_760
    max_chars: Count = 20_000
    retention_s: Seconds | None = None
    hearing: HearingSettings = HearingSettings()

    @whole(mode="after")
    def _has_what_it_names(self) -> VoiceSettings:
        if self.provider == "clone" and self.clone_base_url is None:
            raise ValueError("provider: clone needs clone_base_url (VOICE_CLONE_BASE_URL)")
        return self

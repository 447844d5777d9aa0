"""What each Live model is and takes, on each backend: a table as of 23 November 2026, each row with its source.

Google's pages, as they stood then: DEPRECATIONS ai.google.dev/gemini-api/docs/deprecations, THREE_EIGHT
ai.google.dev/gemini-api/docs/models/gemini-3.8-live with its guide for those who come from 2.5, THINKING
ai.google.dev/gemini-api/docs/live-api/thinking, VOICES_PAGE and LANGUAGES_PAGE: cloud.google.com, Live API,
"configure language and voice".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Backend = Literal["developer", "vertex"]
State = Literal["current", "legacy", "retired", "special"]

DEFAULT_MODEL = "gemini-3.8-live"

# VOICES_PAGE; the list grows.
VOICES = (
    *("Zephyr", "Puck", "Charon", "Kore", "Fenrir", "Leda", "Orus", "Aoede", "Callirrhoe", "Autonoe"),
    *("Enceladus", "Iapetus", "Umbriel", "Algieba", "Despina", "Erinome", "Algenib", "Rasalgethi", "Laomedeia"),
    *("Achernar", "Alnilam", "Schedar", "Gacrux", "Pulcherrima", "Achird", "Zubenelgenubi", "Vindemiatrix"),
    *("Sadachbia", "Sadaltager", "Sulafat"),
)
# LANGUAGES_PAGE. The Developer API speaks some 70 languages and publishes no list of codes.
VERTEX_LANGUAGES = (
    *("ar-EG", "bn-BD", "de-DE", "en-IN", "en-US", "es-US", "fr-FR", "hi-IN", "id-ID", "it-IT", "ja-JP", "ko-KR"),
    *("mr-IN", "nl-NL", "pl-PL", "pt-BR", "ro-RO", "ru-RU", "ta-IN", "te-IN", "th-TH", "tr-TR", "uk-UA", "vi-VN"),
)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a model takes on one backend.

    `thinking`: no settings; a level or a budget; or one of the two, compulsory, where `level` is named unless the flow
    names one itself. `proactive`: no setting, on or off, or always on (`false` is refused). `affective`: on or off,
    removed (always on, any value is refused), or no setting. `tools`: how functions are called if nothing else is
    asked for; `only` where nothing else can be. `content`: when history is taken as clientContent without a close by
    1007; `first`: before anything else. `languages`: empty where the backend lists none.
    """

    thinking: Literal["none", "level", "budget", "required"] = "none"
    level: str = ""
    proactive: Literal["never", "optional", "always"] = "never"
    affective: Literal["optional", "removed", "unsupported"] = "unsupported"
    tools: Literal["blocking", "only blocking", "non-blocking", "only non-blocking"] = "blocking"
    content: Literal["first", "always"] = "first"
    voices: tuple[str, ...] = VOICES
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveModel:
    """`note` says what a legacy, retired or special model is, `use` what to take in its stead. Dates are ISO 8601,
    empty where Google names none."""

    name: str
    on: Mapping[Backend, Abilities] = field(default_factory=dict)
    state: State = "current"
    note: str = ""
    released: str = ""
    shutdown: str = ""
    use: str = DEFAULT_MODEL

    @property
    def backends(self) -> tuple[Backend, ...]:
        return tuple(self.on)


# THREE_EIGHT: clientContent all session long, with the roles user and model.
_THREE_EIGHT = Abilities(proactive="always", affective="removed", tools="non-blocking", content="always")
# The lowest latency that still thinks.
_THINKER = replace(_THREE_EIGHT, thinking="required", level="LOW", tools="only non-blocking")
# ai.google.dev, Live API capabilities: clientContent for initial history alone (livekit/agents#5251).
_THREE_ONE = Abilities("level", tools="only blocking")
# 2.5 takes clientContent in mid-session by the documents, and closes by 1007 in the field (pipecat#4403).
_TWO_FIVE = Abilities("budget", proactive="optional", affective="optional", languages=VERTEX_LANGUAGES)
# Proactivity and affective dialog of 2.5 stand in v1alpha alone, and the gateway speaks v1beta (live.endpoint).
_TWO_FIVE_PREVIEW = Abilities("budget")
_PREVIEW = "is a deprecated preview"

_TABLE = (
    # THREE_EIGHT; on Vertex AI under the same name.
    LiveModel(
        "gemini-3.8-live",
        {"developer": _THREE_EIGHT, "vertex": replace(_THREE_EIGHT, languages=VERTEX_LANGUAGES)},
        released="2026-09-15",
    ),
    # THREE_EIGHT, THINKING; not seen on Vertex AI.
    LiveModel("gemini-3.8-live-extended-thinking", {"developer": _THINKER}, released="2026-09-15"),
    # cloud.google.com, Live API, supported models: Vertex AI's 2.5, generally available.
    LiveModel("gemini-live-2.5-flash-native-audio", {"vertex": _TWO_FIVE}),
    # DEPRECATIONS, models/gemini-3.1-flash-live-preview.
    LiveModel("gemini-3.1-flash-live-preview", {"developer": _THREE_ONE}, "legacy", "is a legacy preview"),
    # DEPRECATIONS: the preview and its alias.
    LiveModel("gemini-2.5-flash-native-audio-preview-12-2025", {"developer": _TWO_FIVE_PREVIEW}, "legacy", _PREVIEW),
    LiveModel("gemini-2.5-flash-native-audio-latest", {"developer": _TWO_FIVE_PREVIEW}, "legacy", _PREVIEW),
    # DEPRECATIONS: the first two with their date, the third without.
    LiveModel("gemini-2.0-flash-live-001", state="retired", note="was shut down on 2025-12-09", shutdown="2025-12-09"),
    LiveModel(
        "gemini-live-2.5-flash-preview", state="retired", note="was shut down on 2025-12-09", shutdown="2025-12-09"
    ),
    LiveModel("gemini-2.5-flash-preview-native-audio-dialog", state="retired", note="was shut down"),
    # ai.google.dev/gemini-api/docs/models and cloud.google.com, Live API: they can't hold a conversation.
    LiveModel(
        "gemini-3.5-live-translate-preview",
        {"developer": Abilities(), "vertex": Abilities()},
        "special",
        "only translates speech",
    ),
    LiveModel("gemini-3.5-transcribe-live", {"developer": Abilities()}, "special", "only transcribes speech"),
    LiveModel("gemini-3.5-transcribe-live-preview", {"vertex": Abilities()}, "special", "only transcribes speech"),
)
MODELS: Mapping[str, LiveModel] = {model.name: model for model in _TABLE}


def taker(takes: Callable[[Abilities], bool]) -> str:
    """The first current model that takes something on one of its backends. Raises LookupError where none does."""
    for model in _TABLE:
        if model.state == "current" and any(takes(abilities) for abilities in model.on.values()):
            return model.name
    raise LookupError("no current model takes this")

"""What a client's setup asks for, or the real server's refusal of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gateway.live.messages import LiveProtocolError
from gateway.live.models import MODELS, Backend

Sensitivity = Literal["high", "low"]

INVALID = "Request contains an invalid argument."
ONSET_MS = 80  # where prefixPaddingMs says nothing; Google publishes no default
SILENCE_MS: Mapping[Sensitivity, int] = {"high": 500, "low": 800}  # where silenceDurationMs says nothing; likewise
MAX_MS = 60_000  # of either: longer than any pause on a phone

_PROJECT_PARTS = 8  # projects/P/locations/L/publishers/google/models/M
_HANDLINGS = ("ACTIVITY_HANDLING_UNSPECIFIED", "START_OF_ACTIVITY_INTERRUPTS", "NO_INTERRUPTION")
_COVERAGES = (
    *("TURN_COVERAGE_UNSPECIFIED", "TURN_INCLUDES_ONLY_ACTIVITY", "TURN_INCLUDES_ALL_INPUT"),
    "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",
)
_THINKER = "gemini-3.8-live-extended-thinking"


@dataclass(frozen=True, slots=True)
class Detection:
    """Voice activity detection. `manual`: the client marks activity itself."""

    manual: bool = False
    start: Sensitivity = "high"
    end: Sensitivity = "high"
    onset_ms: int = ONSET_MS
    silence_ms: int = SILENCE_MS["high"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """A setup that was accepted. `handle`: the session to resume, empty for a new one."""

    backend: Backend
    model: str
    voice: str = ""
    language: str = ""
    detection: Detection = Detection()
    interruptible: bool = True
    hear: bool = False  # inputAudioTranscription
    say: bool = False  # outputAudioTranscription
    resumable: bool = False
    transparent: bool = False
    handle: str = ""
    signals: bool = False  # explicitVadSignal


def accept(setup: Mapping[str, Any], backend: Backend, version: str) -> Wishes:
    """The setup (camelCase) as wishes. Raises LiveProtocolError with the real server's close code and words."""
    model = _model(setup, backend, version)
    generation = _object(setup, "generationConfig")
    _check_abilities(model, generation, _object(setup, "proactivity"))
    speech = _object(generation, "speechConfig")
    realtime = _object(setup, "realtimeInputConfig")
    _one_of(realtime, "turnCoverage", _COVERAGES)
    resumption = _object(setup, "sessionResumption")
    _check_backend(setup, resumption, backend)
    return Wishes(
        backend=backend,
        model=model,
        voice=_text(_object(_object(speech, "voiceConfig"), "prebuiltVoiceConfig"), "voiceName"),
        language=_text(speech, "languageCode"),
        detection=_detection(_object(realtime, "automaticActivityDetection"), backend),
        interruptible=_one_of(realtime, "activityHandling", _HANDLINGS) != "NO_INTERRUPTION",
        hear=setup.get("inputAudioTranscription") is not None,
        say=setup.get("outputAudioTranscription") is not None,
        resumable=setup.get("sessionResumption") is not None,
        transparent=_flag(resumption, "transparent"),
        handle=_handle(resumption),
        signals=_flag(setup, "explicitVadSignal"),
    )


def instructions(setup: Mapping[str, Any]) -> str:
    """The system instruction's text, of a setup that was accepted; empty where there is none."""
    parts = _object(setup, "systemInstruction").get("parts")
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []
    return "\n".join(text for text in texts if isinstance(text, str))


def _model(setup: Mapping[str, Any], backend: Backend, version: str) -> str:
    path = _text(setup, "model")
    parts = path.split("/")
    known = MODELS.get(parts[-1])
    if known is None or backend not in known.backends or not _is_path(parts, backend):
        words = f"is not found for API version {version}, or is not supported for bidiGenerateContent"
        raise LiveProtocolError(f"{path or 'models/'} {words}", 1008)
    return known.name


def _is_path(parts: Sequence[str], backend: Backend) -> bool:
    if backend == "developer":
        return len(parts) == 2 and parts[0] == "models"
    whole = len(parts) == _PROJECT_PARTS and parts[0] == "projects" and parts[2] == "locations"
    return (whole or len(parts) == 4) and parts[-4:-1] == ["publishers", "google", "models"]


def _check_abilities(model: str, generation: Mapping[str, Any], proactivity: Mapping[str, Any]) -> None:
    """What this model refuses; source: ai.google.dev, models/gemini-3.8-live and its migration guide."""
    modalities = generation.get("responseModalities") or ["AUDIO"]
    if not isinstance(modalities, list) or any(kind != "AUDIO" for kind in modalities):
        raise LiveProtocolError(INVALID)
    thinking = _object(generation, "thinkingConfig")
    if model == "gemini-3.8-live" and generation.get("thinkingConfig") is not None:
        raise LiveProtocolError("Thinking config is not supported for this model.")
    if model == _THINKER:
        _check_thinker(thinking)
    if model.startswith("gemini-3") and generation.get("enableAffectiveDialog") is not None:
        raise LiveProtocolError(INVALID)
    if model.startswith("gemini-3.8") and proactivity.get("proactiveAudio") is False:
        raise LiveProtocolError(INVALID)


def _check_thinker(thinking: Mapping[str, Any]) -> None:
    named = [key for key in ("thinkingLevel", "thinkingBudget") if thinking.get(key) is not None]
    if len(named) != 1:
        raise LiveProtocolError("Exactly one of thinking_level and thinking_budget must be set for this model.")


def _check_backend(setup: Mapping[str, Any], resumption: Mapping[str, Any], backend: Backend) -> None:
    if backend == "developer" and ("transparent" in resumption or setup.get("explicitVadSignal") is not None):
        raise LiveProtocolError(INVALID)


def _detection(wanted: Mapping[str, Any], backend: Backend) -> Detection:
    default: Sensitivity = "high" if backend == "developer" else "low"
    start = _sensitivity(wanted, "startOfSpeechSensitivity", "START_SENSITIVITY", default)
    end = _sensitivity(wanted, "endOfSpeechSensitivity", "END_SENSITIVITY", default)
    return Detection(
        manual=_flag(wanted, "disabled"),
        start=start,
        end=end,
        onset_ms=_milliseconds(wanted, "prefixPaddingMs", ONSET_MS),
        silence_ms=_milliseconds(wanted, "silenceDurationMs", SILENCE_MS[end]),
    )


def _sensitivity(wanted: Mapping[str, Any], key: str, prefix: str, default: Sensitivity) -> Sensitivity:
    values: dict[str, Sensitivity] = {
        f"{prefix}_UNSPECIFIED": default,
        f"{prefix}_HIGH": "high",
        f"{prefix}_LOW": "low",
        "": default,
    }
    return values[_one_of(wanted, key, [name for name in values if name])]


def _milliseconds(wanted: Mapping[str, Any], key: str, default: int) -> int:
    value = wanted.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_MS:
        raise LiveProtocolError(INVALID)
    return value


def _handle(resumption: Mapping[str, Any]) -> str:
    if "handle" in resumption and resumption["handle"] is None:
        raise LiveProtocolError(INVALID)
    return _text(resumption, "handle")


def _object(outer: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = outer.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise LiveProtocolError(f"Invalid value at 'setup' ({key}), expected an object.")
    return value


def _text(outer: Mapping[str, Any], key: str) -> str:
    value = outer.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise LiveProtocolError(f"Invalid value at 'setup' ({key}), expected a string.")
    return value


def _flag(outer: Mapping[str, Any], key: str) -> bool:
    value = outer.get(key)
    if value is not None and not isinstance(value, bool):
        raise LiveProtocolError(f"Invalid value at 'setup' ({key}), expected a boolean.")
    return bool(value)


def _one_of(outer: Mapping[str, Any], key: str, values: Sequence[str]) -> str:
    value = _text(outer, key)
    if value and value not in values:
        raise LiveProtocolError(f"Invalid value at 'setup' ({key}), \"{value}\"")
    return value

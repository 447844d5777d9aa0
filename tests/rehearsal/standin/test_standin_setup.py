"""What a setup asks for, and the real server's refusals of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gateway.live.messages import LiveProtocolError
from gateway.live.models import Backend
from gateway.rehearsal.standin.setup import INVALID, Detection, Wishes, accept

PLAIN = "gemini-3.8-live"
THINKER = "gemini-3.8-live-extended-thinking"
OLD = "gemini-2.5-flash-native-audio-preview-12-2025"
VERTEX = f"projects/p/locations/l/publishers/google/models/{PLAIN}"
NOT_FOUND = "is not found for API version v1beta, or is not supported for bidiGenerateContent"


def wishes(backend: Backend = "developer", **setup: object) -> Wishes:
    model = f"models/{PLAIN}" if backend == "developer" else VERTEX
    return accept({"model": model, **setup}, backend, "v1beta")


def detection(backend: Backend = "developer", **wanted: object) -> Detection:
    return wishes(backend, realtimeInputConfig={"automaticActivityDetection": wanted}).detection


def refusal(backend: Backend = "developer", **setup: object) -> tuple[int, str]:
    with pytest.raises(LiveProtocolError) as caught:
        wishes(backend, **setup)
    return caught.value.close_code, str(caught.value)


def test_a_bare_setup() -> None:
    assert wishes() == Wishes("developer", PLAIN)
    assert wishes("vertex") == Wishes("vertex", PLAIN, detection=Detection(start="low", end="low", silence_ms=800))


def test_a_full_setup() -> None:
    spoken = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}, "languageCode": "de-DE"}
    found = wishes(
        "vertex",
        generationConfig={"responseModalities": ["AUDIO"], "speechConfig": spoken},
        realtimeInputConfig={"activityHandling": "NO_INTERRUPTION", "turnCoverage": "TURN_INCLUDES_ONLY_ACTIVITY"},
        inputAudioTranscription={},
        outputAudioTranscription={},
        sessionResumption={"handle": "h", "transparent": True},
        explicitVadSignal=True,
    )
    assert found == Wishes(
        "vertex",
        PLAIN,
        "Kore",
        "de-DE",
        Detection(start="low", end="low", silence_ms=800),
        interruptible=False,
        hear=True,
        say=True,
        resumable=True,
        transparent=True,
        handle="h",
        signals=True,
    )


def test_null_is_absent() -> None:
    assert wishes(
        generationConfig=None, inputAudioTranscription=None, outputAudioTranscription=None, sessionResumption=None,
        realtimeInputConfig={"automaticActivityDetection": None, "activityHandling": None}, explicitVadSignal=None,
    ) == Wishes("developer", PLAIN)  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"disabled": True}, Detection(manual=True)),
        ({"startOfSpeechSensitivity": "START_SENSITIVITY_LOW"}, Detection(start="low")),
        ({"endOfSpeechSensitivity": "END_SENSITIVITY_LOW"}, Detection(end="low", silence_ms=800)),
        ({"endOfSpeechSensitivity": "END_SENSITIVITY_UNSPECIFIED"}, Detection()),
        ({"prefixPaddingMs": 0, "silenceDurationMs": 60_000}, Detection(onset_ms=0, silence_ms=60_000)),
    ],
)
def test_detection(wanted: Mapping[str, Any], expected: Detection) -> None:
    assert detection(**wanted) == expected


def test_sensitivity_on_vertex_is_low_unless_asked_for() -> None:
    high = {"startOfSpeechSensitivity": "START_SENSITIVITY_HIGH", "endOfSpeechSensitivity": "END_SENSITIVITY_HIGH"}
    assert detection("vertex", **high) == Detection()


@pytest.mark.parametrize(
    "wanted",
    [
        {"prefixPaddingMs": -1},
        {"silenceDurationMs": 60_001},
        {"silenceDurationMs": True},
        {"silenceDurationMs": 1.5},
        {"silenceDurationMs": "500"},
    ],
)
def test_durations_that_are_refused(wanted: Mapping[str, Any]) -> None:
    assert refusal(realtimeInputConfig={"automaticActivityDetection": wanted}) == (1007, INVALID)


@pytest.mark.parametrize("model", [PLAIN, "models/gemini-2.5-flash", f"models/x/{PLAIN}", f"tuned/{PLAIN}"])
def test_models_that_are_not_found(model: str) -> None:
    assert refusal(model=model) == (1008, f"{model} {NOT_FOUND}")


def test_no_model() -> None:
    assert refusal(model=None) == (1008, f"models/ {NOT_FOUND}")
    assert refusal(model="models/gemini-live-2.5-flash-native-audio")[0] == 1008


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (VERTEX, True),
        (f"publishers/google/models/{PLAIN}", True),
        (f"models/{PLAIN}", False),
        (f"publishers/other/models/{PLAIN}", False),
        (f"folders/p/locations/l/publishers/google/models/{PLAIN}", False),
        (f"projects/p/regions/l/publishers/google/models/{PLAIN}", False),
    ],
)
def test_model_paths_of_vertex(path: str, found: bool) -> None:
    if found:
        assert wishes("vertex", model=path).model == PLAIN
    else:
        assert refusal("vertex", model=path)[0] == 1008


def thinking(**config: object) -> dict[str, Any]:
    return {"model": f"models/{THINKER}", "generationConfig": {"thinkingConfig": config}}


def test_what_each_model_takes() -> None:
    assert wishes(**thinking(thinkingLevel="LOW")).model == THINKER
    assert wishes(**thinking(thinkingBudget=0)).model == THINKER
    old = {"enableAffectiveDialog": True, "thinkingConfig": {"thinkingBudget": 0}}
    assert wishes(model=f"models/{OLD}", generationConfig=old, proactivity={"proactiveAudio": False}).model == OLD


@pytest.mark.parametrize(
    ("setup", "reason"),
    [
        ({"generationConfig": {"thinkingConfig": {}}}, "Thinking config is not supported for this model."),
        (thinking(), "Exactly one of thinking_level and thinking_budget must be set for this model."),
        (
            thinking(thinkingLevel="LOW", thinkingBudget=1),
            "Exactly one of thinking_level and thinking_budget must be set for this model.",
        ),
        (
            {"model": f"models/{THINKER}"},
            "Exactly one of thinking_level and thinking_budget must be set for this model.",
        ),
        (
            {"model": f"models/{THINKER}", "generationConfig": {"thinkingConfig": "LOW"}},
            "Invalid value at 'setup' (thinkingConfig), expected an object.",
        ),
        ({"generationConfig": {"responseModalities": ["TEXT"]}}, INVALID),
        ({"generationConfig": {"responseModalities": ["AUDIO", "TEXT"]}}, INVALID),
        ({"generationConfig": {"responseModalities": "AUDIO"}}, INVALID),
        ({"generationConfig": {"responseModalities": 5}}, INVALID),
        ({"generationConfig": {"enableAffectiveDialog": False}}, INVALID),
        ({"proactivity": {"proactiveAudio": False}}, INVALID),
        ({"sessionResumption": {"handle": None}}, INVALID),
        ({"sessionResumption": {"transparent": False}}, INVALID),
        ({"explicitVadSignal": False}, INVALID),
        ({"generationConfig": 1}, "Invalid value at 'setup' (generationConfig), expected an object."),
        ({"model": 1}, "Invalid value at 'setup' (model), expected a string."),
        (
            {"realtimeInputConfig": {"automaticActivityDetection": {"disabled": "yes"}}},
            "Invalid value at 'setup' (disabled), expected a boolean.",
        ),
        (
            {"realtimeInputConfig": {"activityHandling": "SOME"}},
            "Invalid value at 'setup' (activityHandling), \"SOME\"",
        ),
        ({"realtimeInputConfig": {"turnCoverage": "ALL"}}, "Invalid value at 'setup' (turnCoverage), \"ALL\""),
        (
            {"realtimeInputConfig": {"automaticActivityDetection": {"startOfSpeechSensitivity": "VERY"}}},
            "Invalid value at 'setup' (startOfSpeechSensitivity), \"VERY\"",
        ),
    ],
)
def test_refusals(setup: Mapping[str, Any], reason: str) -> None:
    assert refusal(**setup) == (1007, reason)

"""The first message: one literal, and what each setting of a persona changes in it. test_contract asks the SDK."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from gateway.flow.model import Model
from gateway.live import cues
from gateway.live.config import connect_config
from gateway.live.setup import Session, model_resource, setup_message
from tests.live.samples import PLAIN, THINKER, WARM

DEVELOPER = Session("developer")


def test_a_whole_setup() -> None:
    assert setup_message(PLAIN, "You are Ava.", DEVELOPER).setup == {
        "model": "models/gemini-3.8-live",
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Aoede"}}},
        },
        "systemInstruction": {"role": "user", "parts": [{"text": cues.instructions(PLAIN, "You are Ava.")}]},
        "realtimeInputConfig": {
            "automaticActivityDetection": {
                "startOfSpeechSensitivity": "START_SENSITIVITY_LOW",
                "endOfSpeechSensitivity": "END_SENSITIVITY_LOW",
                "prefixPaddingMs": 20,
                "silenceDurationMs": 500,
            },
            "activityHandling": "START_OF_ACTIVITY_INTERRUPTS",
        },
        "inputAudioTranscription": {"languageCodes": ["en-US"]},
        "outputAudioTranscription": {"languageCodes": ["en-US"]},
        "sessionResumption": {},
        "contextWindowCompression": {"triggerTokens": 25000, "slidingWindow": {"targetTokens": 8000}},
    }


def test_a_persona_that_is_not_to_be_interrupted() -> None:
    setup: Any = setup_message(WARM, "", DEVELOPER).setup
    assert setup["realtimeInputConfig"] == {
        "automaticActivityDetection": {
            "startOfSpeechSensitivity": "START_SENSITIVITY_HIGH",
            "endOfSpeechSensitivity": "END_SENSITIVITY_LOW",
            "prefixPaddingMs": 0,
            "silenceDurationMs": 1200,
        },
        "activityHandling": "NO_INTERRUPTION",
    }
    assert setup["generationConfig"]["temperature"] == 0.8
    assert setup["inputAudioTranscription"] == {"languageCodes": ["de-DE", "en-GB", "tr-TR"]}


def test_a_model_that_must_be_told_how_much_to_think() -> None:
    setup: Any = setup_message(THINKER, "", DEVELOPER).setup
    assert setup["generationConfig"]["thinkingConfig"] == {"thinkingLevel": "LOW"}
    assert setup["generationConfig"]["temperature"] == 0.0


def test_a_session_is_resumed_by_its_handle() -> None:
    setup = setup_message(PLAIN, "", Session("developer", handle="h")).setup
    assert setup["sessionResumption"] == {"handle": "h"}


@pytest.mark.parametrize(
    ("session", "name"),
    [
        (DEVELOPER, "models/m"),
        (Session("vertex", "p", "eu"), "projects/p/locations/eu/publishers/google/models/m"),
        (Session("vertex"), "publishers/google/models/m"),
    ],
)
def test_models_by_backend(session: Session, name: str) -> None:
    assert model_resource("m", session) == name


def test_the_sdks_types_judge_our_fields() -> None:
    with pytest.raises(ValueError, match="temperature"):
        connect_config(replace(PLAIN, model=Model("m", "hot")), "", DEVELOPER)  # type: ignore[arg-type]


def test_the_room_does_not_import_the_sdk() -> None:
    rooms = "setup, config, messages, models, abilities, fit, passthrough, sdk, endpoint, cues"
    loaded = f"import sys; from gateway.live import {rooms}; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert "gateway.live.setup" in modules
    assert {"google.genai", "pydantic", "asyncio", "logging", "random"}.isdisjoint(modules)

"""The first message: one literal, and what each setting of a persona changes in it. test_contract asks the SDK."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from gateway.flow.model import Context, Model, Tool
from gateway.live import cues
from gateway.live.config import connect_config
from gateway.live.models import Backend
from gateway.live.setup import Session, model_resource, setup_message, takes_content
from tests.live.samples import HANDY, PLAIN, THINKER, TOOLS, WARM

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


def test_a_gateway_that_listens_turns_the_models_detection_off() -> None:
    setup: Any = setup_message(HANDY, "", DEVELOPER).setup
    assert setup["realtimeInputConfig"] == {
        "automaticActivityDetection": {"disabled": True},
        "activityHandling": "NO_INTERRUPTION",
    }


def test_a_window_of_ones_own() -> None:
    persona = replace(PLAIN, model=Model("gemini-3.8-live", context=Context(100_000, 50_000)))
    setup = setup_message(persona, "", DEVELOPER).setup
    window = {"triggerTokens": 100_000, "slidingWindow": {"targetTokens": 50_000}}
    assert setup["contextWindowCompression"] == window


@pytest.mark.parametrize(
    ("name", "backend", "behavior"),
    [
        ("gemini-3.8-live", "developer", {"behavior": "BLOCKING"}),
        ("gemini-3.8-live", "vertex", {"behavior": "BLOCKING"}),
        ("gemini-3.8-live-extended-thinking", "developer", {}),  # it never blocks
        ("gemini-3.1-flash-live-preview", "developer", {}),  # it always does
        ("gemini-live-2.5-flash-native-audio", "vertex", {}),  # it does of itself
        ("gemini-live-2.5-flash-native-audio", "developer", {}),  # nobody knows
        ("a-model-of-next-year", "developer", {}),
    ],
)
def test_tools_by_model(name: str, backend: Backend, behavior: dict[str, str]) -> None:
    persona = replace(PLAIN, model=Model(name))
    setup = setup_message(persona, "", Session(backend, "p", "eu"), TOOLS).setup
    assert setup["tools"] == [
        {
            "functionDeclarations": [
                {"name": "goodbye", "description": 'Ends the call, once "tschüss" was said.', **behavior},
                {"name": "leave", "description": "Ends the call at once.", **behavior},
            ]
        }
    ]


@pytest.mark.parametrize(
    ("name", "backend", "takes"),
    [
        ("gemini-3.8-live", "developer", True),
        ("gemini-3.8-live", "vertex", True),
        ("gemini-3.8-live-extended-thinking", "developer", True),
        ("gemini-3.1-flash-live-preview", "developer", False),  # 1007 in mid-session
        ("gemini-live-2.5-flash-native-audio", "vertex", False),  # so it is seen in the field
        ("a-model-of-next-year", "developer", False),  # nobody knows
    ],
)
def test_history_in_mid_session_by_model(name: str, backend: Backend, takes: bool) -> None:
    assert takes_content(Model(name), backend) is takes


def test_a_resumed_session_has_its_tools_again() -> None:
    tools: list[Tool] = [*TOOLS]
    begun, resumed = (
        setup_message(HANDY, "", Session("developer", handle=handle), tools).setup for handle in ("", "h")
    )
    assert {**begun, "sessionResumption": {"handle": "h"}} == resumed


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

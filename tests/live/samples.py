"""Personas and flows as the tests of this room need them."""

from __future__ import annotations

from dataclasses import replace

from gateway.flow.model import BargeIn, Context, Flow, Languages, Limits, Model, Persona, Tool, Vad, Voice

PLAIN = Persona(
    name="ava",
    instructions="Answer for {{clinic}}.",
    greeting=None,
    languages=Languages("en-US", ("en-US",)),
    voice=Voice("Aoede"),
    model=Model("gemini-3.8-live"),
    vad=Vad("low", "low", 20, 500),
    barge_in=BargeIn(True),
    idle=None,
)
WARM = replace(
    PLAIN,
    name="warm",
    languages=Languages("de-DE", ("de-DE", "en-GB", "tr-TR")),
    voice=Voice("Charon"),
    model=Model("gemini-3.8-live", 0.8),
    vad=Vad("high", "low", 0, 1200),
    barge_in=BargeIn(False),
)
# The gateway listens, the window is small, and the line can be closed.
HANDY = replace(
    WARM,
    name="handy",
    model=Model("gemini-3.8-live", context=Context(6_000, 2_000)),
    vad=Vad("high", "high", 40, 700, "gateway"),
    tools=("goodbye", "leave"),
)
TOOLS = (
    Tool("goodbye", "hangup", 'Ends the call, once "tschüss" was said.'),
    Tool("leave", "hangup", "Ends the call at once."),
)
THINKER = replace(PLAIN, name="thinker", model=Model("gemini-3.8-live-extended-thinking", 0.0))
VERTEX = replace(PLAIN, name="vertex", model=Model("gemini-live-2.5-flash-native-audio", 2.0))
# Everything that may be passed through to both backends, in both spellings.
RICH = replace(
    WARM,
    name="rich",
    model=Model(
        "gemini-3.8-live",
        0.4,
        {
            "top_p": 0.9,
            "topK": 40,
            "max_output_tokens": 1024,
            "seed": 7,
            "speech_config": {"language_code": "de-DE"},
            "input_audio_transcription": {
                "custom_vocabulary": ["ACME", "Pier Road"],
                "wordTimestamp": True,
                "diarization": False,
            },
            "outputAudioTranscription": {"mode": "SMART"},
            "realtime_input_config": {
                "turn_coverage": "TURN_INCLUDES_ALL_INPUT",
                "interim_transcript_timestamp_enabled": True,
                "automatic_activity_detection": {},
            },
            "proactivity": {"proactive_audio": True},
            "safety_settings": [
                {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"},
                {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "OFF"},
            ],
            "labels": {"cost_centre": "clinic", "teamName": "front_desk"},
        },
    ),
)
BUDGETED = replace(
    PLAIN,
    name="budgeted",
    model=Model("gemini-3.8-live-extended-thinking", gemini={"thinkingConfig": {"thinking_budget": 0}}),
)
LEVELLED = replace(
    PLAIN,
    name="levelled",
    model=Model(
        "gemini-3.8-live-extended-thinking",
        gemini={"thinking_config": {"thinkingLevel": "HIGH", "include_thoughts": True}},
    ),
)
LOUD = replace(
    PLAIN,
    name="loud",
    model=Model(
        "gemini-3.8-live-extended-thinking", gemini={"thinking_config": {"include_thoughts": True}, "labels": {}}
    ),
)
# What Vertex AI alone takes.
SIGNALLED = replace(
    PLAIN,
    name="signalled",
    model=Model(
        "gemini-live-2.5-flash-native-audio",
        gemini={
            "explicit_vad_signal": True,
            "enable_affective_dialog": True,
            "proactivity": {"proactiveAudio": False},
            "safetySettings": [{"method": "SEVERITY", "category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
            "thinking_config": {"thinking_budget": -1},
        },
    ),
)


def flow(*personas: Persona) -> Flow:
    named = {persona.name: persona for persona in personas}
    return Flow("f", "flows/f.yaml", "", "UTC", {}, (), named, Limits(600))

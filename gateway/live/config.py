"""A persona in the SDK's own types, which judge our fields. Importing them costs about a second and 80 MB, so this
happens inside the function, and the running gateway never calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.flow.model import Persona
from gateway.live import cues
from gateway.live.passthrough import camelled, merged
from gateway.live.setup import TARGET_TOKENS, TRIGGER_TOKENS, Session, thinking_level

if TYPE_CHECKING:
    from google.genai import types


def connect_config(persona: Persona, instructions: str, session: Session) -> types.LiveConnectConfig:
    """What `live.setup.setup_message` says, as the SDK takes it. Raises pydantic's ValidationError (a ValueError)."""
    from google.genai import types

    transcription = types.AudioTranscriptionConfig(language_codes=list(persona.languages.allowed))
    level = thinking_level(persona.model)
    ours = types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        temperature=persona.model.temperature,
        speech_config=_speech(persona),
        thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel(level)) if level else None,
        system_instruction=cues.instructions(persona, instructions),
        realtime_input_config=_input(persona),
        input_audio_transcription=transcription,
        output_audio_transcription=transcription,
        session_resumption=types.SessionResumptionConfig(handle=session.handle or None),
        context_window_compression=types.ContextWindowCompressionConfig(
            trigger_tokens=TRIGGER_TOKENS, sliding_window=types.SlidingWindow(target_tokens=TARGET_TOKENS)
        ),
    )
    if not persona.model.gemini:
        return ours
    fields = ours.model_dump(by_alias=True, exclude_none=True)
    return types.LiveConnectConfig.model_validate(merged(fields, camelled(persona.model.gemini)))


def _speech(persona: Persona) -> types.SpeechConfig:
    from google.genai import types

    voice = types.PrebuiltVoiceConfig(voice_name=persona.voice.name)
    return types.SpeechConfig(voice_config=types.VoiceConfig(prebuilt_voice_config=voice))


def _input(persona: Persona) -> types.RealtimeInputConfig:
    from google.genai import types

    vad = persona.vad
    interrupts = types.ActivityHandling.START_OF_ACTIVITY_INTERRUPTS
    return types.RealtimeInputConfig(
        automatic_activity_detection=types.AutomaticActivityDetection(
            start_of_speech_sensitivity=types.StartSensitivity(f"START_SENSITIVITY_{vad.start_sensitivity.upper()}"),
            end_of_speech_sensitivity=types.EndSensitivity(f"END_SENSITIVITY_{vad.end_sensitivity.upper()}"),
            prefix_padding_ms=vad.prefix_padding_ms,
            silence_duration_ms=vad.silence_ms,
        ),
        activity_handling=interrupts if persona.barge_in.enabled else types.ActivityHandling.NO_INTERRUPTION,
    )

"""A persona in the SDK's own types, which judge our fields. Importing them costs about a second and 80 MB, so this
happens inside the function, and the running gateway never calls it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.flow.model import Persona, Tool, Vad
from gateway.live import cues
from gateway.live.passthrough import camelled, merged
from gateway.live.setup import Session, blocks, thinking_level

if TYPE_CHECKING:
    from google.genai import types


def connect_config(
    persona: Persona, instructions: str, session: Session, tools: Sequence[Tool] = ()
) -> types.LiveConnectConfig:
    """What `live.setup.setup_message` says, as the SDK takes it. Raises pydantic's ValidationError (a ValueError)."""
    from google.genai import types

    transcription = types.AudioTranscriptionConfig(language_codes=list(persona.languages.allowed))
    level, context = thinking_level(persona.model), persona.model.context
    ours = types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        temperature=persona.model.temperature,
        speech_config=_speech(persona),
        thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel(level)) if level else None,
        system_instruction=cues.instructions(persona, instructions),
        tools=_tools(persona, session, tools),
        realtime_input_config=_input(persona),
        input_audio_transcription=transcription,
        output_audio_transcription=transcription,
        session_resumption=types.SessionResumptionConfig(handle=session.handle or None),
        context_window_compression=types.ContextWindowCompressionConfig(
            trigger_tokens=context.trigger, sliding_window=types.SlidingWindow(target_tokens=context.target)
        ),
    )
    if not persona.model.gemini:
        return ours
    fields = ours.model_dump(by_alias=True, exclude_none=True)
    return types.LiveConnectConfig.model_validate(merged(fields, camelled(persona.model.gemini)))


def _tools(persona: Persona, session: Session, tools: Sequence[Tool]) -> types.ToolListUnion | None:
    from google.genai import types

    behavior = types.Behavior.BLOCKING if blocks(persona.model, session.backend) else None
    declared = [
        types.FunctionDeclaration(name=tool.name, description=tool.description, behavior=behavior) for tool in tools
    ]
    return [types.Tool(function_declarations=declared)] if declared else None


def _speech(persona: Persona) -> types.SpeechConfig:
    from google.genai import types

    voice = types.PrebuiltVoiceConfig(voice_name=persona.voice.name)
    return types.SpeechConfig(voice_config=types.VoiceConfig(prebuilt_voice_config=voice))


def _input(persona: Persona) -> types.RealtimeInputConfig:
    from google.genai import types

    interrupts = types.ActivityHandling.START_OF_ACTIVITY_INTERRUPTS
    return types.RealtimeInputConfig(
        automatic_activity_detection=_detection(persona.vad),
        activity_handling=interrupts if persona.barge_in.enabled else types.ActivityHandling.NO_INTERRUPTION,
    )


def _detection(vad: Vad) -> types.AutomaticActivityDetection:
    from google.genai import types

    if vad.mode == "gateway":
        return types.AutomaticActivityDetection(disabled=True)
    return types.AutomaticActivityDetection(
        start_of_speech_sensitivity=types.StartSensitivity(f"START_SENSITIVITY_{vad.start_sensitivity.upper()}"),
        end_of_speech_sensitivity=types.EndSensitivity(f"END_SENSITIVITY_{vad.end_sensitivity.upper()}"),
        prefix_padding_ms=vad.prefix_padding_ms,
        silence_duration_ms=vad.silence_ms,
    )

"""A persona as the session's first message. Builds the wire JSON itself: the SDK's types cost a second and 80 MB to
import; `live.config` says the same in those types, and a contract test holds the two together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.flow.model import Model, Persona, Tool, Vad
from gateway.live import cues, passthrough
from gateway.live.abilities import MODELS, Backend
from gateway.live.events import Setup

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Session:
    """What of a session isn't the persona's. `handle` resumes an earlier session; empty begins a new one.
    `project` and `location` are Vertex AI's; without a project the model goes by its short name (express mode)."""

    backend: Backend
    project: str = ""
    location: str = ""
    handle: str = ""


def setup_message(persona: Persona, instructions: str, session: Session, tools: Sequence[Tool] = ()) -> Setup:
    """The first message of a session. `instructions` are the persona's, rendered (no {{…}} left), `tools` those of its
    flow that the persona names."""
    codes = list(persona.languages.allowed)
    context = persona.model.context
    ours = {
        "model": model_resource(persona.model.name, session),
        "generationConfig": _generation(persona),
        "systemInstruction": {"role": "user", "parts": [{"text": cues.instructions(persona, instructions)}]},
        **_tools(persona.model, session.backend, tools),
        "realtimeInputConfig": _input(persona),
        "inputAudioTranscription": {"languageCodes": codes},
        "outputAudioTranscription": {"languageCodes": codes},
        # An empty object asks for handles; null would be refused.
        "sessionResumption": {"handle": session.handle} if session.handle else {},
        "contextWindowCompression": {
            "triggerTokens": context.trigger,
            "slidingWindow": {"targetTokens": context.target},
        },
    }
    return Setup(passthrough.merged(ours, passthrough.wire(persona.model.gemini)))


def model_resource(name: str, session: Session) -> str:
    """The model's name as the backend wants it."""
    if session.backend == "developer":
        return f"models/{name}"
    if not session.project:
        return f"publishers/google/models/{name}"
    return f"projects/{session.project}/locations/{session.location}/publishers/google/models/{name}"


def thinking_level(model: Model) -> str:
    """The thinking level that setup must name although the flow names none; empty where it need not."""
    known = MODELS.get(model.name)
    written = passthrough.camelled(model.gemini).get("thinkingConfig", {})
    if known is None or written.get("thinkingLevel") or written.get("thinkingBudget") is not None:
        return ""
    return next((can.level for can in known.on.values()), "")


def talks_on(model: Model, backend: Backend) -> bool:
    """Whether the model goes on speaking while a tool runs, and can't be told to wait."""
    known = MODELS.get(model.name)
    can = known.on.get(backend) if known else None
    return can is not None and can.tools == "only non-blocking"


def takes_content(model: Model, backend: Backend) -> bool:
    """Whether the model takes history in mid-session (clientContent)."""
    known = MODELS.get(model.name)
    can = known.on.get(backend) if known else None
    return can is not None and can.content == "always"


def blocks(model: Model, backend: Backend) -> bool:
    """Whether a tool must be declared BLOCKING: where the model would not wait of itself, and can.

    `hangup` wants the model to wait: it has said goodbye and must say no more, and a caller who speaks after all
    cancels a call that blocks, so that the line stays open. Models that only block need no word, and those that never
    do take none.
    """
    known = MODELS.get(model.name)
    can = known.on.get(backend) if known else None
    return can is not None and can.tools == "non-blocking"


def _tools(model: Model, backend: Backend, tools: Sequence[Tool]) -> Mapping[str, Any]:
    """A function without parameters has no such field."""
    if not tools:
        return {}
    behavior = {"behavior": "BLOCKING"} if blocks(model, backend) else {}
    declared = [{"name": tool.name, "description": tool.description, **behavior} for tool in tools]
    return {"tools": [{"functionDeclarations": declared}]}


def _generation(persona: Persona) -> Mapping[str, Any]:
    written: Object = {"responseModalities": ["AUDIO"]}
    if persona.model.temperature is not None:
        written["temperature"] = persona.model.temperature
    written["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": persona.voice.name}}}
    if level := thinking_level(persona.model):
        written["thinkingConfig"] = {"thinkingLevel": level}
    return written


def _input(persona: Persona) -> Mapping[str, Any]:
    return {
        "automaticActivityDetection": _detection(persona.vad),
        "activityHandling": "START_OF_ACTIVITY_INTERRUPTS" if persona.barge_in.enabled else "NO_INTERRUPTION",
    }


def _detection(vad: Vad) -> Mapping[str, Any]:
    """Both sensitivities stand here always: the backends' defaults differ (high on Developer API, low on Vertex AI).
    Where the gateway listens, it also sees to the lengths of speech and of silence."""
    if vad.mode == "gateway":
        return {"disabled": True}
    return {
        "startOfSpeechSensitivity": f"START_SENSITIVITY_{vad.start_sensitivity.upper()}",
        "endOfSpeechSensitivity": f"END_SENSITIVITY_{vad.end_sensitivity.upper()}",
        "prefixPaddingMs": vad.prefix_padding_ms,
        "silenceDurationMs": vad.silence_ms,
    }

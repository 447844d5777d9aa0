"""The server's side: writing one frame that bundles messages, as binary JSON (the real server sends binary frames)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pybase64

from gateway.live.events import (
    DOWN_RATE,
    FunctionCall,
    GenerationComplete,
    GoingAway,
    InputTranscript,
    Interrupted,
    ModelAudio,
    ModelText,
    OutputTranscript,
    Ready,
    ResumptionUpdate,
    ServerMessage,
    ToolCall,
    ToolCallCancelled,
    TurnComplete,
    UnknownMessage,
    Usage,
    VoiceActivity,
    WaitingForInput,
)

Object = dict[str, Any]

_DETAILS = {
    "prompt": "promptTokensDetails",
    "response": "responseTokensDetails",
    "cached": "cacheTokensDetails",
    "tool_use": "toolUsePromptTokensDetails",
}
# What Vertex AI calls by another name.
_VERTEX = {"responseTokenCount": "candidatesTokenCount", "responseTokensDetails": "candidatesTokensDetails"}


def build_server(*messages: ServerMessage, vertex: bool = False) -> bytes:
    """The stand-in's side: one frame that bundles `messages`. `vertex` picks that backend's names in usageMetadata.

    Raises ValueError where a frame can't hold both of two messages (two TurnCompletes, say).
    """
    frame: Object = {}
    for message in messages:
        WRITE[type(message)](frame, message)
    if vertex and "usageMetadata" in frame:
        usage = frame["usageMetadata"]
        frame["usageMetadata"] = {_VERTEX.get(name, name): value for name, value in usage.items()}
    return orjson.dumps(frame)


def _put(target: Object, name: str, value: object) -> None:
    if name in target:
        raise ValueError(f"a frame holds one {name}")
    target[name] = value


def _content(frame: Object) -> Object:
    content: Object = frame.setdefault("serverContent", {})
    return content


def _part(frame: Object, part: Object) -> None:
    _content(frame).setdefault("modelTurn", {"role": "model", "parts": []})["parts"].append(part)


def _ready(frame: Object, message: Ready) -> None:
    _put(frame, "setupComplete", {"sessionId": message.session_id} if message.session_id else {})


def _audio(frame: Object, message: ModelAudio) -> None:
    data = pybase64.b64encode_as_string(message.pcm)
    _part(frame, {"inlineData": {"mimeType": f"audio/pcm;rate={DOWN_RATE}", "data": data}})


def _text(frame: Object, message: ModelText) -> None:
    _part(frame, {"text": message.text} | ({"thought": True} if message.thought else {}))


def _generated(frame: Object, message: GenerationComplete) -> None:
    _put(_content(frame), "generationComplete", True)


def _interrupted(frame: Object, message: Interrupted) -> None:
    _put(_content(frame), "interrupted", True)


def _waiting(frame: Object, message: WaitingForInput) -> None:
    _put(_content(frame), "waitingForInput", True)


def _turn_complete(frame: Object, message: TurnComplete) -> None:
    content = _content(frame)
    _put(content, "turnComplete", True)
    if message.reason:
        content["turnCompleteReason"] = message.reason
    if message.status:
        content["interactionStatus"] = message.status


def _heard(frame: Object, message: InputTranscript) -> None:
    name = "interimInputTranscription" if message.interim else "inputTranscription"
    _put(_content(frame), name, _transcript(message))


def _said(frame: Object, message: OutputTranscript) -> None:
    _put(_content(frame), "outputTranscription", _transcript(message))


def _transcript(message: InputTranscript | OutputTranscript) -> Object:
    written: Object = {"text": message.text}
    if message.finished:
        written["finished"] = True
    if message.language:
        written["languageCode"] = message.language
    return written


def _tool_call(frame: Object, message: ToolCall) -> None:
    _put(frame, "toolCall", {"functionCalls": [_call(call) for call in message.calls]})


def _call(call: FunctionCall) -> Object:
    return {"id": call.id, "name": call.name, "args": dict(call.args)}


def _cancelled(frame: Object, message: ToolCallCancelled) -> None:
    _put(frame, "toolCallCancellation", {"ids": list(message.ids)})


def _going_away(frame: Object, message: GoingAway) -> None:
    _put(frame, "goAway", {"timeLeft": _duration(message.time_left_s)})


def _duration(seconds: float) -> str:
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def _resumption(frame: Object, message: ResumptionUpdate) -> None:
    written: Object = {}
    if message.handle:
        written["newHandle"] = message.handle
    if message.resumable:
        written["resumable"] = True
    if message.last_index is not None:
        written["lastConsumedClientMessageIndex"] = str(message.last_index)
    _put(frame, "sessionResumptionUpdate", written)


def _usage(frame: Object, message: Usage) -> None:
    counts = {
        "promptTokenCount": message.prompt,
        "responseTokenCount": message.response,
        "totalTokenCount": message.total,
        "thoughtsTokenCount": message.thoughts,
        "cachedContentTokenCount": message.cached,
        "toolUsePromptTokenCount": message.tool_use,
    }
    written: Object = {name: count for name, count in counts.items() if count}
    for key, count in message.by_modality.items():
        kind, _, modality = key.partition("/")
        written.setdefault(_DETAILS[kind], []).append({"modality": modality, "tokenCount": count})
    _put(frame, "usageMetadata", written)


def _voice(frame: Object, message: VoiceActivity) -> None:
    kind = "ACTIVITY_START" if message.kind == "start" else "ACTIVITY_END"
    _put(frame, "voiceActivity", {"type": kind, "audioOffset": _duration(message.offset_s)})


def _unknown(frame: Object, message: UnknownMessage) -> None:
    """Fields this version doesn't know, empty: at the top, or (as "serverContent.x") in serverContent."""
    for key in message.keys:
        outer, dot, inner = key.partition(".")
        if not dot:
            _put(frame, outer, {})
        elif outer == "serverContent":
            _put(_content(frame), inner, {})
        else:
            raise ValueError(f"{key} is neither at the top nor in serverContent")


WRITE: dict[type[ServerMessage], Callable[[Object, Any], None]] = {
    Ready: _ready,
    ModelAudio: _audio,
    ModelText: _text,
    GenerationComplete: _generated,
    TurnComplete: _turn_complete,
    Interrupted: _interrupted,
    WaitingForInput: _waiting,
    InputTranscript: _heard,
    OutputTranscript: _said,
    ToolCall: _tool_call,
    ToolCallCancelled: _cancelled,
    GoingAway: _going_away,
    ResumptionUpdate: _resumption,
    Usage: _usage,
    VoiceActivity: _voice,
    UnknownMessage: _unknown,
}

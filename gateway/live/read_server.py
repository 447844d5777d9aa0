"""Reading what the Live server sends: one JSON frame, as every message it holds."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Literal

from gateway.live.events import (
    DOWN_RATE,
    FunctionCall,
    GenerationComplete,
    GoingAway,
    InputTranscript,
    Interrupted,
    LiveProtocolError,
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
from gateway.live.fields import (
    Object,
    bytes_at,
    count_at,
    flag_at,
    load,
    named,
    object_at,
    objects_at,
    seconds_at,
    text_at,
    texts_at,
)

_CONTENT = frozenset(
    {
        "modelTurn",
        "turnComplete",
        "interrupted",
        "generationComplete",
        "waitingForInput",
        "inputTranscription",
        "interimInputTranscription",
        "outputTranscription",
        "turnCompleteReason",
        "interactionStatus",
        "groundingMetadata",  # known, and of no use on a phone
        "urlContextMetadata",
    }
)
_PART = frozenset({"text", "thought", "thoughtSignature", "inlineData"})
_BLOB = frozenset({"mimeType", "data", "displayName"})
_TURN = frozenset({"parts", "role"})
_DONE = frozenset({"sessionId", "voiceConsentSignature"})
_TRANSCRIPT = frozenset({"text", "finished", "languageCode", "speakerLabel", "words", "startOffset", "endOffset"})
_CALL = frozenset({"id", "name", "args", "partialArgs", "willContinue"})
_USAGE = frozenset(
    {
        "promptTokenCount",
        "responseTokenCount",
        "candidatesTokenCount",
        "totalTokenCount",
        "thoughtsTokenCount",
        "cachedContentTokenCount",
        "toolUsePromptTokenCount",
        "promptTokensDetails",
        "responseTokensDetails",
        "candidatesTokensDetails",
        "cacheTokensDetails",
        "toolUsePromptTokensDetails",
        "trafficType",
        "serviceTier",
    }
)
_DETAILS = {
    "promptTokensDetails": "prompt",
    "responseTokensDetails": "response",
    "candidatesTokensDetails": "response",  # Vertex AI's word for it
    "cacheTokensDetails": "cached",
    "toolUsePromptTokensDetails": "tool_use",
}
_ACTIVITY: dict[str, Literal["start", "end"]] = {
    "ACTIVITY_START": "start",
    "ACTIVITY_END": "end",
    "VAD_SIGNAL_TYPE_SOS": "start",
    "VAD_SIGNAL_TYPE_EOS": "end",
}
_AUDIO_TYPES = frozenset({"", "audio/pcm", f"audio/pcm;rate={DOWN_RATE}"})


def parse(raw: str | bytes) -> tuple[ServerMessage, ...]:
    """One frame from the server, as every message it holds. A frame may bundle several; the order handed out is:
    Ready, Interrupted, input transcripts, output transcripts, texts, audio, GenerationComplete, WaitingForInput,
    TurnComplete, tools, GoingAway, ResumptionUpdate, Usage, VoiceActivity, UnknownMessage.
    Raises LiveProtocolError on what isn't a JSON object, or on known fields of a wrong shape."""
    frame = named(load(raw), _FRAME)
    found: list[ServerMessage] = []
    unknown: list[str] = []
    if (done := object_at(frame, "setupComplete")) is not None:
        done = _known(done, _DONE, "setupComplete.", unknown)
        found.append(Ready(text_at(done, "sessionId", "setupComplete.")))
    content = object_at(frame, "serverContent")
    if content is not None:
        _content(_known(content, _CONTENT, "serverContent.", unknown), found, unknown)
    if content is None or len(frame) > 1:
        _others(frame, found, unknown)
    if unknown:
        found.append(UnknownMessage(tuple(unknown)))
    return tuple(found)


def _known(value: Object, names: Set[str], where: str, unknown: list[str]) -> Object:
    """The object with camelCase names; those that aren't among `names` are unknown."""
    value = named(value, names)
    if not value.keys() <= names:
        unknown.extend(where + name for name in value if name not in names)
    return value


def _content(content: Object, found: list[ServerMessage], unknown: list[str]) -> None:
    if flag_at(content, "interrupted", "serverContent."):
        found.append(Interrupted())
    if not content.keys() <= {"modelTurn"}:
        _transcripts(content, found, unknown)
    if (turn := object_at(content, "modelTurn", "serverContent.")) is not None:
        _parts(turn, found, unknown)
    if flag_at(content, "generationComplete", "serverContent."):
        found.append(GenerationComplete())
    if flag_at(content, "waitingForInput", "serverContent."):
        found.append(WaitingForInput())
    status = text_at(content, "interactionStatus", "serverContent.")
    if flag_at(content, "turnComplete", "serverContent.") or status == "IDLE":  # IDLE may come after the last turn
        found.append(TurnComplete(text_at(content, "turnCompleteReason", "serverContent."), status))


def _transcripts(content: Object, found: list[ServerMessage], unknown: list[str]) -> None:
    for name, interim in (("inputTranscription", False), ("interimInputTranscription", True)):
        if (heard := object_at(content, name, "serverContent.")) is not None:
            found.append(InputTranscript(*_transcript(heard, f"serverContent.{name}.", unknown), interim))
    if (said := object_at(content, "outputTranscription", "serverContent.")) is not None:
        found.append(OutputTranscript(*_transcript(said, "serverContent.outputTranscription.", unknown)))


def _transcript(message: Object, where: str, unknown: list[str]) -> tuple[str, bool, str]:
    message = _known(message, _TRANSCRIPT, where, unknown)
    return text_at(message, "text", where), flag_at(message, "finished", where), text_at(message, "languageCode", where)


def _parts(turn: Object, found: list[ServerMessage], unknown: list[str]) -> None:
    where = "serverContent.modelTurn.parts."
    audio: list[ServerMessage] = []
    turn = _known(turn, _TURN, "serverContent.modelTurn.", unknown)
    for part in objects_at(turn, "parts", "serverContent.modelTurn."):
        part = _known(part, _PART, where, unknown)
        if part.get("text") is not None:
            found.append(ModelText(text_at(part, "text", where), flag_at(part, "thought", where)))
        if (blob := object_at(part, "inlineData", where)) is not None:
            _blob(_known(blob, _BLOB, f"{where}inlineData.", unknown), audio, unknown)
    found.extend(audio)


def _blob(blob: Object, audio: list[ServerMessage], unknown: list[str]) -> None:
    """Sound of another rate would play wrongly, and not to play it would leave the caller in silence: a fault. What
    isn't sound is reported."""
    where = "serverContent.modelTurn.parts.inlineData."
    kind = text_at(blob, "mimeType", where)
    if kind in _AUDIO_TYPES or kind.replace(" ", "").lower() in _AUDIO_TYPES:
        audio.append(ModelAudio(bytes_at(blob, "data", where)))
    elif kind.startswith("audio/"):
        raise LiveProtocolError(f"{where}mimeType: sound that is not PCM at {DOWN_RATE} Hz")
    else:
        unknown.append(f"{where}{kind}")


def _others(frame: Object, found: list[ServerMessage], unknown: list[str]) -> None:
    for name, read in _READ:
        value = object_at(frame, name)
        if value is not None:
            message = read(value, unknown)
            if message is None:
                unknown.append(name)
            else:
                found.append(message)
    unknown.extend(name for name in frame if name not in _FRAME)


def _tool_call(value: Object, unknown: list[str]) -> ToolCall:
    value = _known(value, {"functionCalls"}, "toolCall.", unknown)
    return ToolCall(tuple(_call(call, unknown) for call in objects_at(value, "functionCalls", "toolCall.")))


def _call(call: Object, unknown: list[str]) -> FunctionCall:
    where = "toolCall.functionCalls."
    call = _known(call, _CALL, where, unknown)
    args = object_at(call, "args", where)
    return FunctionCall(text_at(call, "id", where), text_at(call, "name", where), {} if args is None else args)


def _cancelled(value: Object, unknown: list[str]) -> ToolCallCancelled:
    value = _known(value, {"ids"}, "toolCallCancellation.", unknown)
    return ToolCallCancelled(texts_at(value, "ids", "toolCallCancellation."))


def _going_away(value: Object, unknown: list[str]) -> GoingAway:
    return GoingAway(seconds_at(_known(value, {"timeLeft"}, "goAway.", unknown), "timeLeft", "goAway."))


def _resumption(value: Object, unknown: list[str]) -> ResumptionUpdate:
    where = "sessionResumptionUpdate."
    value = _known(value, {"newHandle", "resumable", "lastConsumedClientMessageIndex"}, where, unknown)
    index = value.get("lastConsumedClientMessageIndex")
    return ResumptionUpdate(
        text_at(value, "newHandle", where),
        flag_at(value, "resumable", where),
        None if index is None else count_at(value, "lastConsumedClientMessageIndex", where),
    )


def _usage(value: Object, unknown: list[str]) -> Usage:
    """Both spellings: the Developer API counts `response`, Vertex AI counts `candidates`."""
    where = "usageMetadata."
    value = _known(value, _USAGE, where, unknown)
    return Usage(
        prompt=count_at(value, "promptTokenCount", where),
        response=count_at(value, "responseTokenCount", where) or count_at(value, "candidatesTokenCount", where),
        total=count_at(value, "totalTokenCount", where),
        thoughts=count_at(value, "thoughtsTokenCount", where),
        cached=count_at(value, "cachedContentTokenCount", where),
        tool_use=count_at(value, "toolUsePromptTokenCount", where),
        by_modality=_details(value, unknown),
    )


def _details(value: Object, unknown: list[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, kind in _DETAILS.items():
        if name == "candidatesTokensDetails" and value.get("responseTokensDetails"):
            continue  # both spellings at once are one count
        where = f"usageMetadata.{name}."
        for item in objects_at(value, name, "usageMetadata."):
            item = _known(item, {"modality", "tokenCount"}, where, unknown)
            key = f"{kind}/{text_at(item, 'modality', where)}"
            counts[key] = counts.get(key, 0) + count_at(item, "tokenCount", where)
    return counts


def _voice(value: Object, unknown: list[str]) -> VoiceActivity | None:
    value = _known(value, {"type", "audioOffset"}, "voiceActivity.", unknown)
    kind = _ACTIVITY.get(text_at(value, "type", "voiceActivity."))
    return None if kind is None else VoiceActivity(kind, seconds_at(value, "audioOffset", "voiceActivity."))


def _voice_signal(value: Object, unknown: list[str]) -> VoiceActivity | None:
    value = _known(value, {"vadSignalType"}, "voiceActivityDetectionSignal.", unknown)
    kind = _ACTIVITY.get(text_at(value, "vadSignalType", "voiceActivityDetectionSignal."))
    return None if kind is None else VoiceActivity(kind)


_READ: tuple[tuple[str, Callable[[Object, list[str]], ServerMessage | None]], ...] = (
    ("toolCall", _tool_call),
    ("toolCallCancellation", _cancelled),
    ("goAway", _going_away),
    ("sessionResumptionUpdate", _resumption),
    ("usageMetadata", _usage),
    ("voiceActivity", _voice),
    ("voiceActivityDetectionSignal", _voice_signal),
)
_FRAME = frozenset({"setupComplete", "serverContent"} | {name for name, _ in _READ})

"""The names that a client's frame may hold, and the server's refusal of any other. A leaf (None) is taken as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.live.events import LiveProtocolError
from gateway.live.fields import camel, ill

Names = Mapping[str, "Names | None"]

_TRANSCRIPTION: Names = dict.fromkeys(("languageCodes", "customVocabulary", "wordTimestamp", "diarization", "mode"))
_BLOB: Names = {"mimeType": None, "data": None}
_PART: Names = dict.fromkeys(("text", "thought", "thoughtSignature", "inlineData", "fileData", "functionCall"))
_CONTENT: Names = {"role": None, "parts": _PART}
_FUNCTION: Names = dict.fromkeys(
    ("name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior")
)
_TOOL: Names = {"functionDeclarations": _FUNCTION, "googleSearch": None}
_SPEECH: Names = {
    "languageCode": None,
    "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": None}, "replicatedVoiceConfig": None, "voice": None},
}
_GENERATION: Names = {
    **dict.fromkeys(("responseModalities", "temperature", "topP", "topK", "maxOutputTokens", "seed")),
    "mediaResolution": None,
    "speechConfig": _SPEECH,
    "thinkingConfig": dict.fromkeys(("thinkingLevel", "thinkingBudget", "includeThoughts")),
    "enableAffectiveDialog": None,
    "translationConfig": dict.fromkeys(("targetLanguageCode", "echoTargetLanguage")),
}
_DETECTION: Names = dict.fromkeys(
    ("disabled", "startOfSpeechSensitivity", "endOfSpeechSensitivity", "prefixPaddingMs", "silenceDurationMs")
)
_SETUP: Names = {
    "model": None,
    "generationConfig": _GENERATION,
    "systemInstruction": _CONTENT,
    "tools": _TOOL,
    "realtimeInputConfig": {
        "automaticActivityDetection": _DETECTION,
        **dict.fromkeys(("activityHandling", "turnCoverage", "interimTranscriptTimestampEnabled")),
    },
    "inputAudioTranscription": _TRANSCRIPTION,
    "outputAudioTranscription": _TRANSCRIPTION,
    "sessionResumption": dict.fromkeys(("handle", "transparent")),
    "contextWindowCompression": {"triggerTokens": None, "slidingWindow": {"targetTokens": None}},
    "proactivity": dict.fromkeys(("proactiveAudio", "proactiveVideo")),
    "historyConfig": {"initialHistoryInClientContent": None},
    **dict.fromkeys(("explicitVadSignal", "avatarConfig", "safetySettings", "labels")),
}
_REALTIME: Names = {
    "audio": _BLOB,
    "video": _BLOB,
    "mediaChunks": _BLOB,
    "text": None,
    "audioStreamEnd": None,
    "activityStart": {},
    "activityEnd": {},
}
_RESULT: Names = dict.fromkeys(("id", "name", "response", "scheduling", "willContinue", "parts"))

FRAME: Names = {
    "setup": _SETUP,
    "realtimeInput": _REALTIME,
    "clientContent": {"turns": _CONTENT, "turnComplete": None},
    "toolResponse": {"functionResponses": _RESULT},
    "contextUpdate": {"systemInstruction": _CONTENT, "tools": {"tools": _TOOL}},
}


def canonical(value: Any, names: Names | None = FRAME, where: str = "") -> Any:
    """The value with camelCase names throughout. Raises LiveProtocolError (1007) for a name the server doesn't know."""
    if names is None or value is None:
        return value
    if type(value) is list:
        return [_object(item, names, f"{where}[{index}]") for index, item in enumerate(value)]
    return _object(value, names, where)


def _object(value: Any, names: Names, where: str) -> dict[str, Any]:
    if type(value) is not dict:
        raise ill(where, "TYPE_MESSAGE")
    return {camel(name): canonical(value[name], _under(name, names, where), _join(where, name)) for name in value}


def _under(name: str, names: Names, where: str) -> Names | None:
    if camel(name) not in names:
        at = f" at '{where}'" if where else ""
        raise LiveProtocolError(f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.')
    return names[camel(name)]


def _join(where: str, name: str) -> str:
    snake = re.sub("[A-Z]", lambda upper: f"_{upper[0].lower()}", name)
    return f"{where}.{snake}" if where else snake

"""Frames of the server without the SDK: what is read leniently, what is reported, what is refused in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.live import messages as live

PCM = b"\xfb\xff\xfe\x00"  # its base64 differs between the alphabets: "+//+AA==", "-__-AA=="


def content(**fields: Any) -> str:
    return json.dumps({"serverContent": fields})


def audio(data: str, kind: str = "audio/pcm;rate=24000") -> str:
    return content(modelTurn={"parts": [{"inlineData": {"mimeType": kind, "data": data}}]})


@pytest.mark.parametrize("data", ["+//+AA==", "-__-AA==", "+//+AA", "-__-AA", "-//-AA=="])
@pytest.mark.parametrize("kind", ["audio/pcm;rate=24000", "audio/pcm; rate=24000", "audio/PCM", "audio/pcm"])
def test_audio_is_read_in_both_alphabets(data: str, kind: str) -> None:
    assert live.parse(audio(data, kind)) == (live.ModelAudio(PCM),)
    assert live.parse(audio(data, kind).encode()) == (live.ModelAudio(PCM),)


@pytest.mark.parametrize("kind", ["audio/pcm;rate=16000", "audio/mp3"])
def test_sound_of_another_kind_is_a_fault(kind: str) -> None:
    """Played it would be wrong, and passed over the caller would hear nothing."""
    with pytest.raises(live.LiveProtocolError, match="not PCM at 24000 Hz"):
        live.parse(audio("AAAA", kind))


def test_what_is_no_sound_is_reported() -> None:
    where = "serverContent.modelTurn.parts.inlineData."
    assert live.parse(audio("AAAA", "image/png")) == (live.UnknownMessage((f"{where}image/png",)),)


def test_snake_case_is_read() -> None:
    frame = {
        "setup_complete": {"session_id": "s"},
        "server_content": {
            "model_turn": {"parts": [{"inline_data": {"mime_type": "audio/pcm", "data": "AAA="}}]},
            "input_transcription": {"text": "a", "language_code": "en-US"},
            "turn_complete": True,
            "turn_complete_reason": "BLOCKLIST",
        },
        "tool_call": {"function_calls": [{"id": "1", "name": "f", "args": {"snake_case": 1}}]},
        "go_away": {"time_left": "1s"},
        "session_resumption_update": {"new_handle": "h", "last_consumed_client_message_index": 3},
        "usage_metadata": {
            "prompt_token_count": "7",
            "prompt_tokens_details": [{"modality": "TEXT", "token_count": 7}],
        },
        "voice_activity": {"type": "ACTIVITY_START", "audio_offset": "0.020s"},
    }
    assert live.parse(json.dumps(frame)) == (
        live.Ready("s"),
        live.InputTranscript("a", language="en-US"),
        live.ModelAudio(b"\0\0"),
        live.TurnComplete("BLOCKLIST"),
        live.ToolCall((live.FunctionCall("1", "f", {"snake_case": 1}),)),
        live.GoingAway(1.0),
        live.ResumptionUpdate("h", False, 3),
        live.Usage(prompt=7, by_modality={"prompt/TEXT": 7}),
        live.VoiceActivity("start", 0.02),
    )


def test_both_backends_spell_usage() -> None:
    expected = (live.Usage(response=88, by_modality={"response/AUDIO": 80, "response/TEXT": 8}),)
    for word in ("response", "candidates"):
        details = [{"modality": "AUDIO", "tokenCount": 80}, {"modality": "TEXT", "tokenCount": "8"}]
        usage = {f"{word}TokenCount": 88, f"{word}TokensDetails": details}
        assert live.parse(json.dumps({"usageMetadata": usage})) == expected


def test_usage_in_both_spellings_at_once_is_counted_once() -> None:
    details = [{"modality": "AUDIO", "tokenCount": 80}]
    both = {
        f"{word}{what}": value
        for word in ("response", "candidates")
        for what, value in (("TokenCount", 80), ("TokensDetails", details))
    }
    (usage,) = live.parse(json.dumps({"usageMetadata": both}))
    assert usage == live.Usage(response=80, by_modality={"response/AUDIO": 80})


def test_the_older_activity_signal_is_read() -> None:
    frame = '{"voiceActivityDetectionSignal":{"vadSignalType":"VAD_SIGNAL_TYPE_%s"}}'
    assert live.parse(frame % "SOS") == (live.VoiceActivity("start"),)
    assert live.parse(frame % "EOS") == (live.VoiceActivity("end"),)


def test_an_interaction_may_end_after_its_last_turn() -> None:
    assert live.parse(content(interactionStatus="IDLE")) == (live.TurnComplete(status="IDLE"),)
    assert live.parse(content(interactionStatus="IN_PROGRESS")) == ()


@pytest.mark.parametrize(
    ("frame", "keys"),
    [
        ({"error": {"code": 13, "message": "Internal error"}}, ("error",)),
        ({"newThing": 1, "other": None}, ("newThing", "other")),
        ({"serverContent": {"newThing": 1}}, ("serverContent.newThing",)),
        ({"serverContent": {"modelTurn": {"parts": [{"newPart": 1}]}}}, ("serverContent.modelTurn.parts.newPart",)),
        ({"serverContent": {"a": 1}, "b": 2}, ("serverContent.a", "b")),
        ({"serverContent": {"modelTurn": {"new": 1}}}, ("serverContent.modelTurn.new",)),
        ({"voiceActivity": {"type": "ACTIVITY_PAUSE"}}, ("voiceActivity",)),
        ({"voiceActivityDetectionSignal": {}}, ("voiceActivityDetectionSignal",)),
    ],
)
def test_unknown_fields_are_survived_and_named(frame: dict[str, Any], keys: tuple[str, ...]) -> None:
    assert live.parse(json.dumps(frame)) == (live.UnknownMessage(keys),)


def test_unknown_fields_take_nothing_from_the_known() -> None:
    frame = {"serverContent": {"interrupted": True, "novel": {}}, "goAway": {"timeLeft": "2s", "why": 1}, "novel": 2}
    unknown = live.UnknownMessage(("serverContent.novel", "goAway.why", "novel"))
    assert live.parse(json.dumps(frame)) == (live.Interrupted(), live.GoingAway(2.0), unknown)


@pytest.mark.parametrize(
    "where",
    [
        "setupComplete",
        "toolCall",
        "toolCall.functionCalls.0",
        "toolCallCancellation",
        "goAway",
        "sessionResumptionUpdate",
        "usageMetadata",
        "usageMetadata.promptTokensDetails.0",
        "voiceActivity",
        "voiceActivityDetectionSignal",
        "serverContent.inputTranscription",
        "serverContent.interimInputTranscription",
        "serverContent.outputTranscription",
        "serverContent.modelTurn.parts.0",
        "serverContent.modelTurn.parts.0.inlineData",
    ],
)
def test_unknown_fields_are_counted_however_deep(where: str) -> None:
    value: Any = {"novel": 1, **SIGNALS.get(where, {})}
    for key in reversed(where.split(".")):
        value = [value] if key == "0" else {key: value}
    (*_, last) = live.parse(json.dumps(value))
    assert last == live.UnknownMessage((f"{where}.novel".replace(".0.", "."),))


SIGNALS = {
    "voiceActivity": {"type": "ACTIVITY_END"},
    "voiceActivityDetectionSignal": {"vadSignalType": "VAD_SIGNAL_TYPE_EOS"},
}


def test_null_is_absent() -> None:
    nulls = dict.fromkeys(("setupComplete", "serverContent", "toolCall", "goAway", "usageMetadata"))
    assert live.parse(json.dumps(nulls)) == ()
    assert live.parse(content(modelTurn=None, turnComplete=None, inputTranscription=None)) == ()
    assert live.parse('{"sessionResumptionUpdate":{"newHandle":null}}') == (live.ResumptionUpdate(),)


ILL: list[tuple[Any, str]] = [
    ({"serverContent": 1}, "Invalid value at 'serverContent' (TYPE_MESSAGE)"),
    ({"serverContent": []}, "Invalid value at 'serverContent' (TYPE_MESSAGE)"),
    ({"serverContent": {"modelTurn": "x"}}, "Invalid value at 'serverContent.modelTurn' (TYPE_MESSAGE)"),
    (
        {"serverContent": {"modelTurn": {"parts": {}}}},
        "Invalid value at 'serverContent.modelTurn.parts' (repeated TYPE_MESSAGE)",
    ),
    (
        {"serverContent": {"modelTurn": {"parts": [{"text": 1}]}}},
        "Invalid value at 'serverContent.modelTurn.parts.text' (TYPE_STRING)",
    ),
    (
        {"serverContent": {"modelTurn": {"parts": [{"inlineData": {"data": "!"}}]}}},
        "Invalid value at 'serverContent.modelTurn.parts.inlineData.data' (TYPE_BYTES), Base64 decoding failed.",
    ),
    ({"serverContent": {"turnComplete": 1}}, "Invalid value at 'serverContent.turnComplete' (TYPE_BOOL)"),
    (
        {"serverContent": {"inputTranscription": {"text": 1}}},
        "Invalid value at 'serverContent.inputTranscription.text' (TYPE_STRING)",
    ),
    ({"toolCall": {"functionCalls": [1]}}, "Invalid value at 'toolCall.functionCalls' (repeated TYPE_MESSAGE)"),
    (
        {"toolCall": {"functionCalls": [{"args": "x"}]}},
        "Invalid value at 'toolCall.functionCalls.args' (TYPE_MESSAGE)",
    ),
    ({"toolCallCancellation": {"ids": [1]}}, "Invalid value at 'toolCallCancellation.ids' (repeated TYPE_STRING)"),
    (
        {"goAway": {"timeLeft": "50"}},
        "Invalid value at 'goAway.timeLeft' (type.googleapis.com/google.protobuf.Duration)",
    ),
    ({"goAway": {"timeLeft": 50}}, "Invalid value at 'goAway.timeLeft' (type.googleapis.com/google.protobuf.Duration)"),
    (
        {"sessionResumptionUpdate": {"lastConsumedClientMessageIndex": "x"}},
        "Invalid value at 'sessionResumptionUpdate.lastConsumedClientMessageIndex' (TYPE_INT64)",
    ),
    ({"usageMetadata": {"promptTokenCount": True}}, "Invalid value at 'usageMetadata.promptTokenCount' (TYPE_INT64)"),
]


@pytest.mark.parametrize(("frame", "words"), ILL)
def test_known_fields_of_a_wrong_shape_are_refused(frame: Any, words: str) -> None:
    with pytest.raises(live.LiveProtocolError) as caught:
        live.parse(json.dumps(frame))
    assert (str(caught.value), caught.value.close_code) == (words, 1007)

"""Frames of a client, as the stand-in reads them: leniently, and with the real server's refusals."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any

import pytest

from gateway.live import messages as live

PCM = b"\xfb\xff\xfe\x00"  # its base64 differs between the alphabets: "+//+AA==", "-__-AA=="


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ({"x": 1}, 'Invalid JSON payload received. Unknown name "x": Cannot find field.'),
        ({"realtime_inputs": {}}, 'Invalid JSON payload received. Unknown name "realtime_inputs": Cannot find field.'),
        (
            {"setup": {"voice": "x"}},
            "Invalid JSON payload received. Unknown name \"voice\" at 'setup': Cannot find field.",
        ),
        (
            {"setup": {"generationConfig": {"speechConfig": {"voice_name": 1}}}},
            "Invalid JSON payload received. Unknown name \"voice_name\" at 'setup.generation_config.speech_config': "
            "Cannot find field.",
        ),
        (
            {"setup": {"tools": [{}, {"functions": []}]}},
            "Invalid JSON payload received. Unknown name \"functions\" at 'setup.tools[1]': Cannot find field.",
        ),
        ({"setup": 5}, "Invalid value at 'setup' (TYPE_MESSAGE)"),
        ({"setup": []}, "Invalid value at 'setup' (TYPE_MESSAGE)"),
        ({"setup": {"tools": [5]}}, "Invalid value at 'setup.tools[0]' (TYPE_MESSAGE)"),
        (
            {"setup": {}, "clientContent": {}},
            "Invalid value (oneof), oneof field 'message_type' is already set. Cannot set 'clientContent'",
        ),
        (
            {"realtimeInput": {"audio": {"mimeType": "audio/pcm", "data": "!"}}},
            "Invalid value at 'realtime_input.audio.data' (TYPE_BYTES), Base64 decoding failed.",
        ),
        ({"realtimeInput": {"audio": {"data": "AAAA"}}}, "Request contains an invalid argument."),
        ({"realtimeInput": {"audio": {"mimeType": "audio/mulaw"}}}, "Request contains an invalid argument."),
        ({"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=0"}}}, "Request contains an invalid argument."),
        ({"realtimeInput": {"text": 5}}, "Invalid value at 'realtime_input.text' (TYPE_STRING)"),
        ({"realtimeInput": {"activityStart": {"at": 1}}}, None),
        ({"clientContent": {"turns": [{"role": "system"}]}}, "Please use a valid role: user, model."),
        (
            {"toolResponse": {"functionResponses": [{"scheduling": "NOW"}]}},
            "Invalid value at 'tool_response.function_responses.scheduling' (TYPE_ENUM)",
        ),
    ],
)
def test_the_server_refuses_in_its_own_words(frame: Any, words: str | None) -> None:
    with pytest.raises(live.LiveProtocolError) as caught:
        live.parse_client(json.dumps(frame))
    assert caught.value.close_code == 1007
    assert words is None or str(caught.value) == words


@pytest.mark.parametrize(
    ("frame", "messages"),
    [
        ({}, ()),
        ({"setup": None}, (live.Setup({}),)),
        ({"realtimeInput": {"audioStreamEnd": False}}, ()),
        ({"realtimeInput": {"video": {"mimeType": "image/jpeg", "data": ""}}}, ()),
        ({"realtime_input": {"audio": {"mime_type": "audio/pcm", "data": "AAA"}}}, (live.SendAudio(b"\0\0"),)),
        (
            {"realtimeInput": {"mediaChunks": [{"mimeType": "audio/pcm;rate=8000", "data": "AAA="}] * 2}},
            (live.SendAudio(b"\0\0", 8000),) * 2,
        ),
        (
            {"realtimeInput": {"activityEnd": {}, "text": "a", "activityStart": {}, "audioStreamEnd": True}},
            (live.SendActivityStart(), live.SendText("a"), live.SendAudioStreamEnd(), live.SendActivityEnd()),
        ),
        ({"clientContent": {}}, (live.SendContent((), False),)),
        (
            {"clientContent": {"turns": [{"parts": [{"text": "a"}, {"text": "b"}]}], "turnComplete": True}},
            (live.SendContent((live.ContentTurn("user", "ab"),)),),
        ),
        (
            {"toolResponse": {"functionResponses": [{"scheduling": "SCHEDULING_UNSPECIFIED"}]}},
            (live.SendToolResults((live.FunctionResult("", "", {}),)),),
        ),
        (
            {"setup": {"session_resumption": {"handle": None}, "labels": {"snake_case": "kept"}}},
            (live.Setup({"sessionResumption": {"handle": None}, "labels": {"snake_case": "kept"}}),),
        ),
    ],
)
def test_clients_are_read_leniently(frame: Any, messages: tuple[live.ClientMessage, ...]) -> None:
    assert live.parse_client(json.dumps(frame)) == messages


def test_audio_is_written_as_documented() -> None:
    frame = {"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=16000", "data": b64encode(PCM).decode()}}}
    assert live.build(live.SendAudio(PCM)) == json.dumps(frame, separators=(",", ":"))
    frame["realtimeInput"]["audio"]["data"] = urlsafe_b64encode(PCM).decode()
    assert live.parse_client(json.dumps(frame)) == (live.SendAudio(PCM),)

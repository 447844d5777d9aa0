"""Writing what the gateway sends to the Live server: one frame as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

import orjson
import pybase64

from gateway.live.events import (
    ClientMessage,
    ContentTurn,
    FunctionResult,
    SendActivityEnd,
    SendActivityStart,
    SendAudio,
    SendAudioStreamEnd,
    SendContent,
    SendContextUpdate,
    SendText,
    SendToolResults,
    Setup,
)

Object = Mapping[str, Any]
Realtime = SendText | SendAudioStreamEnd | SendActivityStart | SendActivityEnd  # but for audio


def build(message: ClientMessage) -> str:
    """One frame to the server, as text."""
    if isinstance(message, SendAudio):  # 25 to 50 times a second in each call: a template, no JSON encoder
        data = pybase64.b64encode_as_string(message.pcm)
        return f'{{"realtimeInput":{{"audio":{{"mimeType":"audio/pcm;rate={message.rate}","data":"{data}"}}}}}}'
    return orjson.dumps(_frame(message)).decode()


def _frame(message: Setup | SendContent | SendToolResults | SendContextUpdate | Realtime) -> Object:
    match message:
        case Setup():
            return {"setup": message.setup}
        case SendContent():
            turns = [_turn(turn) for turn in message.turns]
            return {"clientContent": {"turns": turns, "turnComplete": message.complete}}
        case SendToolResults():
            return {"toolResponse": {"functionResponses": [_result(result) for result in message.results]}}
        case SendContextUpdate():
            return {"contextUpdate": _context(message)}
        case SendText() | SendAudioStreamEnd() | SendActivityStart() | SendActivityEnd():
            return {"realtimeInput": _realtime(message)}
        case _:
            assert_never(message)


def _realtime(message: Realtime) -> Object:
    match message:
        case SendText():
            return {"text": message.text}
        case SendAudioStreamEnd():
            return {"audioStreamEnd": True}
        case SendActivityStart():
            return {"activityStart": {}}
        case SendActivityEnd():
            return {"activityEnd": {}}
        case _:
            assert_never(message)


def _turn(turn: ContentTurn) -> Object:
    return {"role": turn.role, "parts": [{"text": turn.text}]}


def _result(result: FunctionResult) -> Object:
    written: dict[str, Any] = {"id": result.id, "name": result.name, "response": result.response}
    if result.scheduling:
        written["scheduling"] = result.scheduling
    if result.will_continue is not None:
        written["willContinue"] = result.will_continue
    return written


def _context(message: SendContextUpdate) -> Object:
    written: dict[str, Any] = {}
    if message.instructions is not None:
        written["systemInstruction"] = {"role": "user", "parts": [{"text": message.instructions}]}
    if message.tools is not None:
        written["tools"] = {"tools": list(message.tools)}
    return written

"""The server's side: reading what a client sends, with the real server's refusals."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from gateway.live.events import (
    UP_RATE,
    ClientMessage,
    ContentTurn,
    FunctionResult,
    LiveProtocolError,
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
from gateway.live.fields import Object, bytes_at, flag_at, ill, load, object_at, objects_at, text_at
from gateway.live.names import canonical

_PCM = re.compile(r"audio/(?:pcm|l16)(?:; ?rate=([1-9][0-9]{3,5}))?", re.ASCII | re.IGNORECASE)
_INVALID = "Request contains an invalid argument."


def parse_client(raw: str | bytes) -> tuple[ClientMessage, ...]:
    """The stand-in's side: one frame from a client. Raises LiveProtocolError (1007) with the real server's words.

    `Setup.setup` comes with camelCase names throughout. Video is read and handed out as nothing.
    """
    frame: Object = canonical(load(raw))
    names = list(frame)
    if len(names) > 1:
        already = f"oneof field 'message_type' is already set. Cannot set '{names[1]}'"
        raise LiveProtocolError(f"Invalid value (oneof), {already}")
    for name in names:
        value = object_at(frame, name)
        return _READ[name]({} if value is None else value)
    return ()


def _setup(value: Object) -> tuple[ClientMessage, ...]:
    return (Setup(value),)


def _realtime(value: Object) -> tuple[ClientMessage, ...]:
    where = "realtime_input."
    found: list[ClientMessage] = []
    if object_at(value, "activityStart", where) is not None:
        found.append(SendActivityStart())
    found.extend(_audio(chunk, "realtime_input.media_chunks.") for chunk in objects_at(value, "mediaChunks", where))
    if (audio := object_at(value, "audio", where)) is not None:
        found.append(_audio(audio, "realtime_input.audio."))
    if value.get("text") is not None:
        found.append(SendText(text_at(value, "text", where)))
    if flag_at(value, "audioStreamEnd", where):
        found.append(SendAudioStreamEnd())
    if object_at(value, "activityEnd", where) is not None:
        found.append(SendActivityEnd())
    object_at(value, "video", where)
    return tuple(found)


def _audio(blob: Object, where: str) -> SendAudio:
    kind = _PCM.fullmatch(text_at(blob, "mimeType", where))
    if kind is None:
        raise LiveProtocolError(_INVALID)
    return SendAudio(bytes_at(blob, "data", where), int(kind[1]) if kind[1] else UP_RATE)


def _content(value: Object) -> tuple[ClientMessage, ...]:
    turns = objects_at(value, "turns", "client_content.")
    return (SendContent(tuple(_turn(turn) for turn in turns), flag_at(value, "turnComplete", "client_content.")),)


def _turn(turn: Object) -> ContentTurn:
    where = "client_content.turns."
    text = _text(turn, where)
    match text_at(turn, "role", where):
        case "" | "user":
            return ContentTurn("user", text)
        case "model":
            return ContentTurn("model", text)
        case _:
            raise LiveProtocolError("Please use a valid role: user, model.")


def _text(content: Object, where: str) -> str:
    return "".join(text_at(part, "text", f"{where}parts.") for part in objects_at(content, "parts", where))


def _results(value: Object) -> tuple[ClientMessage, ...]:
    results = objects_at(value, "functionResponses", "tool_response.")
    return (SendToolResults(tuple(_result(result) for result in results)),)


def _result(result: Object) -> FunctionResult:
    where = "tool_response.function_responses."
    response = object_at(result, "response", where)
    return FunctionResult(
        text_at(result, "id", where),
        text_at(result, "name", where),
        {} if response is None else response,
        _scheduling(result, where),
        None if result.get("willContinue") is None else flag_at(result, "willContinue", where),
    )


def _scheduling(result: Object, where: str) -> Literal["", "SILENT", "WHEN_IDLE", "INTERRUPT"]:
    match text_at(result, "scheduling", where):
        case "" | "SCHEDULING_UNSPECIFIED":
            return ""
        case "SILENT" | "WHEN_IDLE" | "INTERRUPT" as scheduling:
            return scheduling
        case _:
            raise ill(f"{where}scheduling", "TYPE_ENUM")


def _context(value: Object) -> tuple[ClientMessage, ...]:
    where = "context_update."
    instructions = object_at(value, "systemInstruction", where)
    tools = object_at(value, "tools", where)
    return (
        SendContextUpdate(
            None if instructions is None else _text(instructions, f"{where}system_instruction."),
            None if tools is None else tuple(objects_at(tools, "tools", f"{where}tools.")),
        ),
    )


_READ: dict[str, Callable[[Object], tuple[ClientMessage, ...]]] = {
    "setup": _setup,
    "realtimeInput": _realtime,
    "clientContent": _content,
    "toolResponse": _results,
    "contextUpdate": _context,
}

"""The messages of the Gemini Live API as frozen dataclasses, and the fault of a peer that breaks the protocol.

The door is `live.messages`: import them from there. Source: ai.google.dev/api/live.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

UP_RATE = 16_000  # Hz, 16-bit little-endian mono PCM to the model
DOWN_RATE = 24_000  # Hz, 16-bit little-endian mono PCM from the model
MAX_MESSAGE_BYTES = 16 * 1024 * 1024  # a second of speech is 64 kB in base64; the limit stops a broken peer only


class LiveProtocolError(Exception):
    """The peer on the Live socket broke the protocol. `close_code` is what a server answers with (1007 by default)."""

    def __init__(self, message: str, close_code: int = 1007) -> None:
        super().__init__(message)
        self.close_code = close_code


# From the model ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """setupComplete: the session takes input."""

    session_id: str = ""


@dataclass(frozen=True, slots=True)
class ModelAudio:
    """Speech: 16-bit little-endian mono PCM at DOWN_RATE, any length, sent faster than real time."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class ModelText:
    """A text part. On native-audio models this is reasoning, never speech; `thought` says so where marked."""

    text: str
    thought: bool = False


@dataclass(frozen=True, slots=True)
class GenerationComplete:
    """All audio of the turn has been sent."""


@dataclass(frozen=True, slots=True)
class TurnComplete:
    """The turn is over, after the server thinks its audio was played. `status` "IN_PROGRESS" means more will follow."""

    reason: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The caller barged in: queued audio is void."""


@dataclass(frozen=True, slots=True)
class WaitingForInput:
    """The model chose to go on listening."""


@dataclass(frozen=True, slots=True)
class InputTranscript:
    """A piece of what the caller said. `interim` pieces are replaced by later ones."""

    text: str
    finished: bool = False
    language: str = ""
    interim: bool = False


@dataclass(frozen=True, slots=True)
class OutputTranscript:
    """A piece of what the model says."""

    text: str
    finished: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class FunctionCall:
    id: str
    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolCall:
    calls: tuple[FunctionCall, ...]


@dataclass(frozen=True, slots=True)
class ToolCallCancelled:
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GoingAway:
    """The connection will be cut in `time_left_s` seconds."""

    time_left_s: float


@dataclass(frozen=True, slots=True)
class ResumptionUpdate:
    """A resumption handle, empty and not resumable while the model generates or calls tools."""

    handle: str = ""
    resumable: bool = False
    last_index: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of a turn; 0 where the server named none. `by_modality` keys: "prompt/AUDIO", "response/TEXT", …"""

    prompt: int = 0
    response: int = 0
    total: int = 0
    thoughts: int = 0
    cached: int = 0
    tool_use: int = 0
    by_modality: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VoiceActivity:
    """The server's detector, where explicitVadSignal asked for it. `offset_s` is on the input audio's clock."""

    kind: Literal["start", "end"]
    offset_s: float = 0.0


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """Fields this version doesn't know: survived and counted."""

    keys: tuple[str, ...]


ServerMessage = (
    Ready
    | ModelAudio
    | ModelText
    | GenerationComplete
    | TurnComplete
    | Interrupted
    | WaitingForInput
    | InputTranscript
    | OutputTranscript
    | ToolCall
    | ToolCallCancelled
    | GoingAway
    | ResumptionUpdate
    | Usage
    | VoiceActivity
    | UnknownMessage
)


# To the model --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setup:
    """The first message, exactly once. `setup` is the JSON object under "setup", camelCase."""

    setup: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SendAudio:
    """The caller's sound: 16-bit little-endian mono PCM at `rate` Hz."""

    pcm: bytes
    rate: int = UP_RATE


@dataclass(frozen=True, slots=True)
class SendText:
    """Text in mid-call, as realtimeInput."""

    text: str


@dataclass(frozen=True, slots=True)
class SendAudioStreamEnd:
    """The microphone paused; only with automatic activity detection."""


@dataclass(frozen=True, slots=True)
class SendActivityStart:
    """The caller starts to speak; only with automatic activity detection disabled."""


@dataclass(frozen=True, slots=True)
class SendActivityEnd:
    """The caller stopped; only with automatic activity detection disabled."""


@dataclass(frozen=True, slots=True)
class ContentTurn:
    role: Literal["user", "model"]
    text: str


@dataclass(frozen=True, slots=True)
class SendContent:
    """clientContent: turns for the session's history. Interrupts a running generation; `complete` asks for an answer.
    Not every model takes it in mid-session (`abilities.Abilities.content`)."""

    turns: tuple[ContentTurn, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class FunctionResult:
    """`scheduling` and `will_continue` stand beside `response`, where the protobuf has them."""

    id: str
    name: str
    response: Mapping[str, Any]
    scheduling: Literal["", "SILENT", "WHEN_IDLE", "INTERRUPT"] = ""
    will_continue: bool | None = None


@dataclass(frozen=True, slots=True)
class SendToolResults:
    results: tuple[FunctionResult, ...]


@dataclass(frozen=True, slots=True)
class SendContextUpdate:
    """contextUpdate: new instructions and/or tools in mid-session; None leaves one as it is."""

    instructions: str | None = None
    tools: tuple[Mapping[str, Any], ...] | None = None


ClientMessage = (
    Setup
    | SendAudio
    | SendText
    | SendAudioStreamEnd
    | SendActivityStart
    | SendActivityEnd
    | SendContent
    | SendToolResults
    | SendContextUpdate
)

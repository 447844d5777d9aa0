"""What a call is told (`Fact`) and what it asks for (`Order`). Both wires' messages stand in them as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway.call.carry import Carry
from gateway.call.requests import RunTool
from gateway.live import messages as live
from gateway.twilio import media

# Facts ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tick:
    """The deadline that the call named has come (or a little later)."""


@dataclass(frozen=True, slots=True)
class PhoneGone:
    """The phone's socket ended without `stop`."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class PhoneFault:
    """The phone's side broke the protocol; `code` is the close code that answers it."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class ModelGone:
    """The model's socket ended, or could not be opened. `code` is the close code or HTTP status, 0 if none."""

    code: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ToolDone:
    """A tool came to its end, well or badly. `id` is its RunTool's; `closes`: it asks for the end of the call."""

    id: str
    result: Mapping[str, Any]
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Draining:
    """The stream is to be left: the instance goes away, or the stream is too old. When nobody speaks, not before
    `from_s` and at the latest after `wait_s`, in seconds from now."""

    reason: Literal["draining", "stream-limit"] = "draining"
    from_s: float = 0.0
    wait_s: float = 0.0


Fact = media.FromTwilio | live.ServerMessage | Tick | PhoneGone | PhoneFault | ModelGone | ToolDone | Draining

# Orders --------------------------------------------------------------------------------------------------------------

EndReason = Literal[
    "caller-hung-up",
    "phone-gone",
    "protocol-error",
    "idle",
    "max-duration",
    "max-cost",
    "agent-hung-up",
    "model-unavailable",
    "model-gone",
    "draining",
    "stream-limit",
]


@dataclass(frozen=True, slots=True)
class PrepareModel:
    """Open a socket to the model and send nothing: the next `OpenModel` uses it."""


@dataclass(frozen=True, slots=True)
class OpenModel:
    """Open a Live session with this first message. A connection that is still there is closed first: a session takes
    one at a time. What that one still sends is not told, nor its end."""

    setup: live.Setup


@dataclass(frozen=True, slots=True)
class Remember:
    """What another stream would have to know to go on with the call. The newest counts."""

    carry: Carry


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close both sockets; the phone's with `code`. The last order of a call."""

    reason: EndReason
    code: int = 1000


@dataclass(frozen=True, slots=True)
class Note:
    """What operators are told. `name` is fixed; callers' words and numbers stand in `private` only."""

    name: str
    at_ms: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict)
    severity: Literal["debug", "info", "warning", "error"] = "info"


Order = (
    media.ToTwilio
    | live.SendAudio
    | live.SendActivityStart
    | live.SendActivityEnd
    | live.SendText
    | live.SendContent
    | live.SendToolResults
    | RunTool
    | PrepareModel
    | OpenModel
    | Remember
    | HangUp
    | Note
)

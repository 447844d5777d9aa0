"""What a session orders from the shell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.live.messages import ServerMessage
from gateway.rehearsal.standin.turns import Ended

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Send:
    """One frame that bundles these messages."""

    messages: tuple[ServerMessage, ...]


@dataclass(frozen=True, slots=True)
class Raw:
    """One frame as it stands: text, or bytes."""

    frame: str | bytes


@dataclass(frozen=True, slots=True)
class Close:
    """`after`: frames that follow the close frame, which no honest server sends."""

    code: int
    reason: str
    after: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection breaks, without a close frame."""


@dataclass(frozen=True, slots=True)
class Recognise:
    """Find out what was said; bring the words back by `Session.recognised`."""

    speech: Ended


@dataclass(frozen=True, slots=True)
class Synthesise:
    """Speak the text, sentence by sentence; bring each back by `Session.synthesised` with `work`."""

    work: int
    text: str
    voice: str
    language: str


@dataclass(frozen=True, slots=True)
class Told:
    """An event for whoever watches."""

    event: str
    fields: Mapping[str, Value] = field(default_factory=dict)


Order = Send | Raw | Close | Cut | Recognise | Synthesise | Told
Orders = tuple[Order, ...]
Change = Callable[[Order], Orders]  # what an order becomes

"""The tool call that an answer waits for, and what the client sends meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.live.messages import (
    ClientMessage,
    FunctionCall,
    FunctionResult,
    SendActivityStart,
    SendAudio,
    SendContent,
    SendText,
    ToolCall,
    ToolCallCancelled,
)
from gateway.rehearsal.standin.asked import Pending
from gateway.rehearsal.standin.orders import Orders, Send, Told

ON_ITS_WAY_S = 0.3  # what comes so soon was sent before the client can have read the call

_KINDS: Mapping[type[ClientMessage], str] = {
    SendAudio: "sound",
    SendActivityStart: "sound",
    SendText: "text",
    SendContent: "content",
}


class Waiting:
    """At most one call. Whoever plays a model that minds what comes meanwhile waits for the event `meanwhile`."""

    def __init__(self) -> None:
        self._pending: Pending | None = None
        self._since = 0.0
        self._kinds: set[str] = set()  # that have come meanwhile

    def __bool__(self) -> bool:
        """Whether a call is open."""
        return self._pending is not None

    def begin(self, call: FunctionCall, pending: Pending, now: float) -> Orders:
        """The client is to run `call`."""
        self._pending, self._since = pending, now
        self._kinds.clear()
        return (Told("tool-call", {"id": call.id, "name": call.name}), Send((ToolCall((call,)),)))

    def meanwhile(self, message: ClientMessage, now: float) -> Orders:
        """Word that the client sends something while the call is open: once a call for sound, texts and history."""
        kind = _KINDS.get(type(message))
        if self._pending is None or kind is None or kind in self._kinds or now - self._since < ON_ITS_WAY_S:
            return ()
        self._kinds.add(kind)
        return (Told("meanwhile", {"id": self._pending.id, "kind": kind}),)

    def answered(self, result: FunctionResult) -> tuple[Told, Pending | None]:
        """Word of a result; and the call, where that was its last one."""
        pending = self._pending
        known = pending is not None and result.id == pending.id
        told = Told("tool-response", {"id": result.id, "name": result.name, "known": known})
        if not known or result.will_continue:
            return told, None
        self._pending = None
        return told, pending

    def cancel(self) -> Orders:
        """The call, if there is one, is taken back."""
        if self._pending is None:
            return ()
        id, self._pending = self._pending.id, None
        return (Told("tool-cancelled", {"id": id}), Send((ToolCallCancelled((id,)),)))

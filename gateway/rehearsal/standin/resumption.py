"""Resumption handles: what a session was when each was issued, and which sessions are open. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from gateway.live.messages import LiveProtocolError

MAX_HANDLES = 10_000  # a rehearsal of hours; the oldest are forgotten
VALID_S = 7_200.0  # the Developer API's two hours

_REFUSED = "Request contains an invalid argument."
_IN_USE = "The session is already in use by another connection."


@dataclass(frozen=True, slots=True)
class Saved:
    """A session's state: its name, model, how many turns it has answered, and the tokens of its context."""

    session: str
    model: str = ""
    turns: int = 0
    tokens: int = 0


class Resumption:
    """All the sessions of one server."""

    def __init__(self) -> None:
        self._handles: OrderedDict[str, tuple[Saved, float]] = OrderedDict()
        self._open: set[str] = set()
        self._count = 0

    def begin(self, handle: str, model: str, now: float) -> Saved:
        """A session is opened: a new one, or the one that `handle` was issued for, as it was then.

        Raises LiveProtocolError: 1007 for a handle that is unknown, old or another model's, 1011 while it is open."""
        saved = self._recall(handle, model, now) if handle else Saved(f"session-{self._next()}", model)
        if saved.session in self._open:
            raise LiveProtocolError(_IN_USE, 1011)
        self._open.add(saved.session)
        return saved

    def end(self, session: str) -> None:
        """The session's connection is closed."""
        self._open.discard(session)

    def issue(self, saved: Saved, now: float) -> str:
        """A new handle for this state."""
        handle = f"{saved.session}.{self._next()}"
        self._handles[handle] = saved, now
        if len(self._handles) > MAX_HANDLES:
            self._handles.popitem(last=False)
        return handle

    def _recall(self, handle: str, model: str, now: float) -> Saved:
        saved, issued = self._handles.get(handle, (None, 0.0))
        if saved is None or now - issued > VALID_S or saved.model != model:
            raise LiveProtocolError(_REFUSED)
        return saved

    def _next(self) -> int:
        self._count += 1
        return self._count

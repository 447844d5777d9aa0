"""What becomes of a stream's notes: told, and some of them heard by those who wait for what they say."""

from __future__ import annotations

from collections.abc import Callable

from gateway.call.facts import Note
from gateway.server.breaker import Breaker
from gateway.server.desk import Guest
from gateway.server.telling import Telling

LAST_NOTE = "call-ended"
READY_NOTES = ("model-ready", "model-back")


class Notes:
    """One stream's. `project` is whose quota its model uses. The last note comes before the phone's socket is closed,
    and so before Twilio asks any instance how the call goes on: the store is told then."""

    __slots__ = ("_awaited", "_breaker", "_came", "_clock", "_guest", "_project", "_telling")

    def __init__(
        self, guest: Guest, telling: Telling, breaker: Breaker, project: str, clock: Callable[[], float]
    ) -> None:
        self._guest = guest
        self._telling = telling
        self._breaker = breaker
        self._project = project
        self._clock = clock
        self._came = clock()
        self._awaited = not guest.first  # the model of a call that goes on

    def write(self, note: Note) -> None:
        self._telling.tell(note)
        if note.name == LAST_NOTE:
            self._guest.custody.ended(note.fields["ended"])
        elif note.name == "model-gone" and note.fields["kind"] == "quota":
            self._breaker.quota(self._project, self._clock())
        elif note.name in READY_NOTES:
            self._breaker.well(self._project, self._clock())
            self._taken_up(note)

    def _taken_up(self, note: Note) -> None:
        """A call that another stream carried has its model again, for the first time here."""
        if not self._awaited:
            return
        self._awaited = False
        found = self._guest.found
        gap_s = None if found.gap_s is None else found.gap_s + self._clock() - self._came
        self._telling.handed_over(found.why, resumed=note.fields.get("how") == "resumed", gap_s=gap_s)

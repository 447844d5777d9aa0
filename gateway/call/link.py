"""The model's session across its connections: handles as they come, goAway, loss, back-off, and when to give up.

    OPENING   a connection was asked for, and isn't ready
    LIVE      the model hears and speaks; after goAway it is left at the next quiet moment, at the latest in time
    WAITING   the connection is gone, and the next try is due later
    LOST      no more tries

Google closes a connection after about ten minutes and announces it (goAway); others break. The session goes on in a new
one by its handle, or where that is refused anew, told what was said so far (facts of the field: a handle may be refused
after an hour, or ignored).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

from gateway.live.closing import Verdict
from gateway.live.messages import ResumptionUpdate

MARGIN_S = 5.0  # a connection is left so long before goAway's end
PREPARE_S = 1.0  # after goAway, for the socket of the next one
READY_S = 6.0  # from asking for a connection to setupComplete
BUDGET_S = 30.0  # all tries of one gap
FIRST_BUDGET_S = 8.0  # of a call that has not begun: its caller hears nothing yet
PAUSES_S = (0.0, 0.5, 1.0, 2.0, 4.0)  # before the tries of one gap; the last one repeats
TRIES_BY_HANDLE = 2  # then a fresh session
TRIES_WHILE_BUSY = 4  # 3.5 s: a connection of an instance that froze or died is still there until something ends it
STEADY_S = 5.0  # a connection that lasts less was none: its end counts as another failed try
TRIES = 8  # in a row: a session that ends again and again is not had

How = Literal["first", "resumed", "fresh"]


class Phase(Enum):
    OPENING = auto()
    LIVE = auto()
    WAITING = auto()
    LOST = auto()


@dataclass(frozen=True, slots=True)
class Arrival:
    """A connection is ready. `gap_s`: how long the model heard nothing; 0 for the first."""

    how: How
    gap_s: float


class Link:
    """`now` is seconds, monotonic. The call asks for a connection whenever `open` gives one."""

    __slots__ = (
        "_asked_at",
        "_begun",
        "_behind",
        "_by_handle",
        "_gap_since",
        "_handle",
        "_handle_at",
        "_leave_by",
        "_leave_from",
        "_next_at",
        "_ready_at",
        "_refused",
        "_tries",
        "_trouble_since",
        "_trusts",
        "phase",
        "used",
        "used_at",
    )

    def __init__(self, now: float) -> None:
        self.phase = Phase.WAITING
        self.used = ""  # the handle of the connection that was asked for last
        self._begun = False  # there has been a session
        self.used_at = now  # when it came
        self._handle = ""
        self._behind = False
        self._handle_at = now
        self._asked_at = now
        self._next_at = now
        self._gap_since = now
        self._ready_at = now
        self._tries = 0
        self._refused = 0  # fresh sessions that failed by themselves: they are counted twice
        self._by_handle = 0
        self._trusts = True
        self._trouble_since = now  # no connection has lasted since
        self._leave_by: float | None = None
        self._leave_from = now

    def goes_on(self, handle: str, handle_at: float, now: float) -> None:
        """There has been a session, in another stream of the call: the next connection takes it up, by its handle where
        there is one."""
        self._begun = True
        self._gap_since = self._trouble_since = now
        self._handle, self._handle_at = handle, handle_at

    # what happens

    def update(self, fact: ResumptionUpdate, now: float) -> None:
        """Keep the last good handle: while the model generates or calls tools there is none."""
        if not self._trusts:
            return
        if fact.resumable and fact.handle:
            self._handle, self._handle_at = fact.handle, now
            self._behind = False
        else:
            self.generates()

    def generates(self) -> None:
        """The model says something that the handle doesn't know: another one follows when its turn is complete."""
        self._behind = bool(self._handle)

    def ready(self, now: float) -> Arrival | None:
        """setupComplete; None where nothing was asked for."""
        if self.phase is not Phase.OPENING:
            return None
        how: How = "resumed" if self.used else "fresh" if self._begun else "first"
        arrival = Arrival(how, now - self._gap_since if self._begun else 0.0)
        self.phase, self._begun = Phase.LIVE, True
        self._ready_at = now
        self._leave_by = None
        self._behind = False  # it knows what the handle knew
        return arrival

    def going_away(self, time_left_s: float, now: float) -> None:
        """The connection ends soon: it is left before."""
        if self.phase is not Phase.LIVE:
            return
        leave_by = now + max(0.0, time_left_s - MARGIN_S)
        if self._leave_by is None:
            self._leave_by, self._leave_from = leave_by, now + PREPARE_S
        self._leave_by = min(self._leave_by, leave_by)  # announced again, the earlier moments count
        self._leave_from = min(self._leave_from, self._leave_by)

    def leave(self, now: float, *, quiet: bool) -> bool:
        """Whether this is the moment to leave a connection that goes away: nobody speaks, or it is high time."""
        if self.phase is not Phase.LIVE or self._leave_by is None:
            return False
        if now < (self._leave_from if quiet else self._leave_by):
            return False
        self._lost(now)
        self._next_at = now
        return True

    def restart(self, now: float, *, fresh: bool) -> None:
        """Leave a connection on which the model is stuck, by its handle or without."""
        if fresh:
            self._handle, self._behind = "", False
        self._lost(now)
        self._next_at = now

    def distrust(self) -> None:
        """Handles are taken here and mean nothing: the call goes on without."""
        self._trusts = False
        self._handle, self._behind = "", False

    def give_up(self, now: float) -> None:
        self._lost(now)
        self.phase = Phase.LOST

    def gone(self, verdict: Verdict, now: float) -> None:
        """The connection ended, or none could be had."""
        if self.phase is Phase.LIVE:
            self._lost(now)
        self._tries += 1
        if self.used:
            self._by_handle += 1
        most = TRIES_WHILE_BUSY if verdict.kind == "busy" else TRIES_BY_HANDLE
        if not verdict.resume or self._by_handle >= most:
            self._handle, self._behind = "", False
        if not verdict.resume and not self.used:
            self._refused += 1
        pause = PAUSES_S[min(self._tries - 1, len(PAUSES_S) - 1)]
        self._next_at = now + pause
        again = verdict.retry and max(self._tries, 2 * self._refused) <= TRIES and self._next_at < self._until
        self.phase = Phase.WAITING if again else Phase.LOST

    def open(self, now: float) -> bool:
        """Whether a connection is to be asked for now; `used` then names the handle for it."""
        if self.phase is not Phase.WAITING or now < self._next_at:
            return False
        self.phase = Phase.OPENING
        self._asked_at = now
        self.used, self.used_at = self._handle, self._handle_at
        return True

    def late(self, now: float) -> bool:
        """Whether a connection that was asked for has taken too long."""
        return self.phase is Phase.OPENING and now >= self._asked_at + READY_S

    # what is known

    @property
    def handle(self) -> tuple[str, float]:
        """The last good handle, empty where there is none, and when it came."""
        return self._handle, self._handle_at

    @property
    def behind(self) -> bool:
        """Whether the session has gone on since its last handle: resumed by it, it would have forgotten that."""
        return self._behind

    @property
    def distrusts(self) -> bool:
        """Whether handles are not used any more."""
        return not self._trusts

    @property
    def begun(self) -> bool:
        """Whether there has been a session."""
        return self._begun

    @property
    def live(self) -> bool:
        return self.phase is Phase.LIVE

    @property
    def leaving(self) -> bool:
        return self._leave_by is not None and self.phase is Phase.LIVE

    @property
    def gap_since(self) -> float | None:
        """Since when the model hears nothing in a call that has begun; None while it hears, and when it is given up."""
        away = self.phase in (Phase.OPENING, Phase.WAITING)
        return self._gap_since if away and self._begun else None

    def deadline(self, *, quiet: bool) -> float | None:
        """When it is time to look again; `quiet` as for `leave`."""
        match self.phase:
            case Phase.OPENING:
                return self._asked_at + READY_S
            case Phase.WAITING:
                return self._next_at
            case Phase.LIVE:
                return self._leave_by if self._leave_by is None or not quiet else self._leave_from
            case Phase.LOST:
                return None

    @property
    def _until(self) -> float:
        return self._trouble_since + (BUDGET_S if self._begun else FIRST_BUDGET_S)

    def _lost(self, now: float) -> None:
        if self.phase is Phase.LIVE:
            self._gap_since = now
            if now - self._ready_at >= STEADY_S:
                self._trouble_since = now
                self._tries = self._by_handle = self._refused = 0
        self.phase = Phase.WAITING
        self._leave_by = None

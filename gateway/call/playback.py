"""The agent's sound on its way to the phone: what is queued, sent and heard, and the marks that tell.

Twilio plays what it was sent in order and returns a mark when the sound before it was played, or when the buffer was
cleared (twilio.com/docs/voice/media-streams/websocket-messages). So every mark has a name of its own with the
generation it belongs to, and one from before a `clear` says nothing about what was heard.
"""

from __future__ import annotations

from collections import deque

from gateway.twilio.media import Clear, Mark, Play

BYTES_PER_MS = 8  # mu-law at 8 kHz
STEP_MS = 100  # the buffer at the phone is topped up in steps of at least this, so that timers are few
MARK_EVERY_MS = 200  # a mark costs a message each way; between marks the clock tells what was heard
LOST_MARK_S = 2.0  # a mark this late after its sound should have ended is not waited for any longer


class Playback:
    """Positions are bytes of mu-law since the call began. Time is seconds on the caller's monotonic clock."""

    __slots__ = (
        "_free_at",
        "_generation",
        "_heard",
        "_hold",
        "_last_mark",
        "_lead_s",
        "_marks",
        "_next_mark",
        "_queue",
        "_queued",
        "_sent",
        "_tail",
    )

    def __init__(self, lead_ms: int) -> None:
        self._lead_s = lead_ms / 1000
        self._queue: deque[bytes] = deque()
        self._queued = 0  # bytes ever queued, less those dropped unsent
        self._sent = 0
        self._tail: deque[bytes] = deque()  # the newest of what was sent, at least all that may not be heard yet
        self._heard = 0  # proved by marks
        self._free_at = 0.0  # when the phone's buffer runs dry, as far as we can tell
        self._generation = 0
        self._next_mark = 0
        self._marks: dict[str, int] = {}  # name -> position, of the present generation, not yet returned
        self._last_mark = 0  # position of the newest mark
        self._hold: tuple[int, float] | None = None  # bytes to gather, and until when at most

    def add(self, mulaw: bytes) -> None:
        """Queue sound; `pump` hands it out."""
        if mulaw:
            self._queue.append(mulaw)
            self._queued += len(mulaw)

    def hold(self, cushion_ms: int, now: float) -> None:
        """Send nothing until so much is queued, or so much time has passed: sound that comes in fits and starts is
        heard with one pause instead of many."""
        self._hold = (cushion_ms * BYTES_PER_MS, now + cushion_ms / 1000)

    def release(self) -> None:
        """No more sound will come: what is held may go."""
        self._hold = None

    def pump(self, now: float) -> list[Play | Mark]:
        """What may be sent now: no more than the lead ahead of play-out, marks in between."""
        if self._held(now):
            return []
        if self._marks and now >= self._free_at + LOST_MARK_S:
            self._give_up()
        orders: list[Play | Mark] = []
        while self._queue:
            room = round((self._lead_s - max(0.0, self._free_at - now)) * 1000) * BYTES_PER_MS
            if room < min(STEP_MS * BYTES_PER_MS, self._queued - self._sent):
                break
            self._send(self._take(room), now, orders)
        return orders

    def finish(self) -> list[Play | Mark]:
        """The turn has no more sound: the mark that tells when the last of it was heard, unless it is out already."""
        if self._queue or self._last_mark == self._sent:
            return []
        return [self._mark()]

    def played(self, name: str, now: float) -> None:
        """A mark came back. Unknown and old ones are ignored: they were cleared, not heard."""
        position = self._marks.pop(name, None)
        if position is None:
            return
        self._heard = max(self._heard, position)
        self._free_at = now + (self._sent - position) / BYTES_PER_MS / 1000

    def interrupt(self, now: float) -> list[Clear]:
        """Barge-in: drop what isn't sent, and clear what is but wasn't heard. Afterwards sent equals heard."""
        position = self.position(now)
        pending = position < self._sent or bool(self._marks)
        self._queue.clear()
        self._queued = self._sent = self._heard = self._last_mark = position
        self._marks.clear()
        self._hold = None
        self._generation += 1
        self._free_at = now
        return [Clear()] if pending else []

    def position(self, now: float) -> int:
        """What has been heard, in bytes: by the clock, never less than the marks prove, never more than was sent."""
        by_clock = self._sent - round(max(0.0, self._free_at - now) * 1000) * BYTES_PER_MS
        return min(self._sent, max(self._heard, by_clock))

    def unheard(self, now: float) -> bytes:
        """The sound that was not heard: sent ahead, or still queued."""
        ahead = self._sent - self.position(now)
        return (b"".join(self._tail)[-ahead:] if ahead else b"") + b"".join(self._queue)

    def idle(self) -> bool:
        """Whether everything queued was sent and heard."""
        return not self._queue and not self._marks and self._last_mark == self._sent

    @property
    def empty(self) -> bool:
        """Whether everything queued was sent."""
        return not self._queue

    def deadline(self) -> float | None:
        """When `pump` may send more, or the last mark is given up."""
        if self._hold is not None and self._queue:
            return self._hold[1]
        if self._queue:
            step = min(STEP_MS, (self._queued - self._sent) // BYTES_PER_MS)
            return self._free_at - self._lead_s + (step + 1) / 1000
        return self._free_at + LOST_MARK_S if self._marks else None

    @property
    def queued(self) -> int:
        """Bytes queued since the call began, less those dropped: where the next sound will stand."""
        return self._queued

    @property
    def free_at(self) -> float:
        """When the sound that was sent will have been played."""
        return self._free_at

    def _held(self, now: float) -> bool:
        """Whether a cushion is still being gathered."""
        if self._hold is None:
            return False
        cushion, until = self._hold
        if self._queued - self._sent < cushion and now < until:
            return True
        self._hold = None
        return False

    def _give_up(self) -> None:
        """Marks that never came back: believe the clock."""
        self._marks.clear()
        self._heard = self._last_mark = self._sent

    def _take(self, room: int) -> bytes:
        """The queue's first piece, whole if it fits: the model's messages are not cut up, but for the lead's sake."""
        piece = self._queue.popleft()
        while self._queue and len(piece) < STEP_MS * BYTES_PER_MS:
            piece += self._queue.popleft()
        if len(piece) > room:
            self._queue.appendleft(piece[room:])
        return piece[:room]

    def _send(self, piece: bytes, now: float, orders: list[Play | Mark]) -> None:
        orders.append(Play(piece))
        self._sent += len(piece)
        self._free_at = max(self._free_at, now) + len(piece) / BYTES_PER_MS / 1000
        self._tail.append(piece)
        self._trim(now)
        if self._sent - self._last_mark >= MARK_EVERY_MS * BYTES_PER_MS:
            orders.append(self._mark())

    def _trim(self, now: float) -> None:
        """Forget sound that was surely heard: what is left covers the lead and the newest piece."""
        ahead, known = self._sent - self.position(now), sum(map(len, self._tail))
        while len(self._tail) > 1 and known - len(self._tail[0]) >= ahead:
            known -= len(self._tail.popleft())

    def _mark(self) -> Mark:
        name = f"g{self._generation}-{self._next_mark}"
        self._next_mark += 1
        self._marks[name] = self._last_mark = self._sent
        return Mark(name)

"""The agent's side of a call: the model's sound down to the phone, its words, and what of both was heard."""

from __future__ import annotations

from gateway.audio.line import Downlink
from gateway.call.carry import KEEP_BYTES, Unheard
from gateway.call.playback import BYTES_PER_MS, Playback
from gateway.call.transcript import AgentTurn, Spoken, heard_words
from gateway.twilio.media import Clear, Mark, Play

STALL_S = 0.1  # of silence in mid-sentence: less passes for a breath
CUSHION_MS = 80  # gathered after the first stall before more is played, and twice as much after each further one
LONGEST_CUSHION_MS = 320  # a model that sends faster than real time fills it at once
VOID_S = 2.0  # for the model to notice that it was cut short


class Speech:
    """A turn opens with its first words or sound and is closed when it was heard, or cut short."""

    __slots__ = (
        "_carried_to",
        "_complete",
        "_cushion_ms",
        "_downlink",
        "_playback",
        "_sounded",
        "_stall_ms",
        "_steady",
        "_turn",
        "_void",
        "_void_until",
    )

    def __init__(self, lead_ms: int) -> None:
        self._downlink = Downlink()
        self._playback = Playback(lead_ms)
        self._turn: AgentTurn | None = None
        self._carried_to = 0  # position: sound up to here comes from a session that is no more
        self._complete = False  # no more sound will come in this turn
        self._sounded = False  # the server's turn had sound
        self._cushion_ms = 0
        self._stall_ms = 0  # of a stall that was not told yet
        self._steady = True  # the turn has not stalled
        self._void_until = 0.0  # sound that comes before belongs to a turn that the gateway cut
        self._void = False  # words that still come belong to a turn that was cut

    def void(self, now: float | None) -> None:
        """Sound that still comes belongs to a turn which the gateway has cut (None: the model knows, it doesn't)."""
        self._void_until = 0.0 if now is None else now + VOID_S

    def voids(self, now: float) -> bool:
        """Whether sound that comes now belongs to a turn that was cut: it is not heard."""
        return now < self._void_until

    @property
    def sounded(self) -> bool:
        """Whether the server's turn, which isn't complete, had sound."""
        return self._sounded

    def sound(self, pcm: bytes, now: float, now_ms: int) -> AgentTurn | None:
        """Queue a piece of the model's sound. The turn, if this is its first sound."""
        turn = self._turn = self._turn or AgentTurn()
        first = None if turn.started else turn
        turn.more()
        self._smooth(now, begins=first is not None)
        self._void = False
        self._complete = False
        self._sounded = True
        if first:
            wait_ms = max(0, round((self._playback.free_at - now) * 1000))
            turn.begin(now_ms + wait_ms, self._playback.queued)
        self._add(self._downlink.push(pcm), turn)
        return first

    def stall(self) -> int:
        """How long the agent was silent in mid-sentence, in milliseconds; 0 where it wasn't. Told once."""
        stall, self._stall_ms = self._stall_ms, 0
        return stall

    def words(self, text: str) -> None:
        if self._void:
            return
        self._turn = self._turn or AgentTurn()
        self._turn.say(text)

    def fill(self, mulaw: bytes) -> None:
        """Sound of ours while nobody speaks; it belongs to no turn."""
        self._playback.add(mulaw)

    def unheard(self, now: float) -> Unheard | None:
        """The turn that isn't heard to its end, as it goes over to another stream; None where there is none."""
        turn = self._turn
        if turn is None or not turn.started:
            return None
        sound = self._playback.unheard(now)[:KEEP_BYTES]
        if self._complete and not sound:
            return None
        heard_ms = max(0, round((self._playback.position(now) - turn.position) / BYTES_PER_MS))
        heard = heard_words(turn.text, heard_ms, round(turn.queued_ms))
        text = turn.text[len(heard) :].strip()
        known = max(0, turn.known - (len(turn.text) - len(text)))
        return Unheard(turn.text, text, sound, self._complete, known)

    def goes_on(self, agent: Unheard, now_ms: int) -> None:
        """The rest of a turn that began in another stream of the call."""
        turn = self._turn = AgentTurn()
        turn.begin(now_ms, self._playback.queued)
        turn.say(agent.text[: agent.known])
        turn.settle()
        turn.more()
        turn.say(agent.text[agent.known :])
        self._add(agent.sound, turn)
        self._complete, self._carried_to = agent.complete, self._playback.queued

    def lost(self) -> None:
        """The session is no more: what it sent is heard to its end, and nothing of it stands in the next one's way."""
        self.complete()
        self.forget_unspoken()
        self._sounded = self._void = False
        self._void_until = 0.0
        self._carried_to = self._playback.queued

    def carried(self, now: float) -> bool:
        """Whether what is heard comes from a session that is no more: the model can't tell that it is interrupted."""
        return self._carried_to > 0 and self._turn is not None and self._playback.position(now) < self._carried_to

    def complete(self) -> None:
        """The model has sent the turn's last sound: the filter's tail follows."""
        if self._turn and self._turn.started and not self._complete:
            self._complete = True
            self._playback.release()
            self._add(self._downlink.flush(), self._turn)

    def forget_unspoken(self) -> None:
        """Drop a turn of which only words came: whoever takes it up says it from its beginning."""
        if self._turn is not None and not self._turn.started:
            self._turn = None

    def turn_complete(self) -> bool:
        """The server's turn is over. Whether it had any sound."""
        self.complete()
        self._void_until = 0.0
        sounded, self._sounded = self._sounded, False
        self._void = False
        self.forget_unspoken()
        return sounded

    def interrupt(self, now: float, now_ms: int) -> tuple[list[Clear], Spoken | None]:
        """Barge-in: the order to clear, and the turn as far as it was heard."""
        orders = self._playback.interrupt(now)
        self._downlink.reset()
        self._void = self._sounded
        self._complete = False
        return orders, self._close(now, now_ms, interrupted=True)

    def pump(self, now: float) -> list[Play | Mark]:
        """What may be sent to the phone now."""
        orders = self._playback.pump(now)
        return orders + self._playback.finish() if self._complete else orders

    def mark(self, name: str, now: float) -> None:
        self._playback.played(name, now)

    def heard(self, now: float, now_ms: int) -> Spoken | None:
        """The turn, once it is complete and all of it was heard."""
        if not self._complete or not self._playback.idle():
            return None
        self._complete = False
        return self._close(now, now_ms, interrupted=False)

    def cut(self, now: float, now_ms: int) -> Spoken | None:
        """The turn as far as it was heard, when the call ends or the model stalls."""
        return self._close(now, now_ms, interrupted=not self._playback.idle())

    @property
    def unfinished(self) -> str | None:
        """The words so far of a turn that the model has not sent whole; None where there is none."""
        if self._turn is None or not self._turn.started or self._complete:
            return None
        return self._turn.text

    @property
    def said(self) -> str | None:
        """The words so far of a turn that has sounded and isn't over; None where there is none."""
        return self._turn.text if self._turn is not None and self._turn.started else None

    def settle(self) -> None:
        """A handle came: it knows what was said so far."""
        if self._turn is not None:
            self._turn.settle()

    @property
    def new(self) -> str:
        """The words of a turn that has sounded and isn't over, without those that the session's handle knows."""
        turn = self._turn
        return turn.text[turn.known :].strip() if turn is not None and turn.started else ""

    @property
    def open(self) -> bool:
        """A turn whose sound is under way, or not yet heard to its end."""
        return self._turn is not None

    def deadline(self) -> float | None:
        return self._playback.deadline()

    @property
    def free_at(self) -> float:
        """When the sound sent so far will have been played."""
        return self._playback.free_at

    def _smooth(self, now: float, *, begins: bool) -> None:
        """Sound comes now. After a stall, and in later turns while stalls are fresh, a cushion is gathered first."""
        dry_s = now - self._playback.free_at
        if not begins and not self._complete and dry_s >= STALL_S and self._playback.empty:
            self._stall_ms = round(dry_s * 1000)
            self._steady = False
            self._cushion_ms = min(max(CUSHION_MS, 2 * self._cushion_ms), LONGEST_CUSHION_MS)
            self._playback.hold(self._cushion_ms, now)
        elif begins and self._cushion_ms:
            self._playback.hold(self._cushion_ms, now)

    def _settle(self) -> None:
        """A turn has ended: one that didn't stall lets the cushion shrink."""
        if self._steady:
            self._cushion_ms = self._cushion_ms // 2 if self._cushion_ms > CUSHION_MS else 0
        self._steady = True

    def _add(self, mulaw: bytes, turn: AgentTurn) -> None:
        self._playback.add(mulaw)
        turn.queued_ms += len(mulaw) / BYTES_PER_MS

    def _close(self, now: float, now_ms: int, *, interrupted: bool) -> Spoken | None:
        turn, self._turn = self._turn, None
        self._carried_to = 0
        if turn is None or not turn.started:
            return None
        self._settle()
        heard_ms = (self._playback.position(now) - turn.position) / BYTES_PER_MS
        return turn.close(max(0, round(heard_ms)), now_ms, interrupted=interrupted)

"""What the caller does: listens to the greeting, says the clips, barges in with the second one, hangs up.

Pure; times are milliseconds since the stream began. Every state has a way out by time, so a scene always ends.
What is measured at the phone is told as `Event`s, exact to the sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from gateway.rehearsal.ear import Began, Ear, Fell
from gateway.rehearsal.playout import BYTES_PER_MS, SILENCE, Cut
from gateway.rehearsal.wav import Clip

FRAME_MS = 20
FRAME = FRAME_MS * BYTES_PER_MS
NO_GREETING_MS = 4_000  # silence on the line: the caller speaks first
GREETING_MS = 25_000  # the longest greeting that a caller listens to
BARGE_IN_AFTER_MS = 1_200  # of the agent's answer
NO_ANSWER_MS = 10_000  # the caller gives up waiting, and goes on
ANSWER_MS = 40_000  # the longest answer that a caller listens to
QUIET_FRAME = SILENCE * FRAME


@dataclass(frozen=True, slots=True)
class CallerBegan:
    """The caller's first sound of clip `turn` (from 0). `barge_in`: the agent was speaking."""

    at_ms: float
    turn: int
    barge_in: bool


@dataclass(frozen=True, slots=True)
class CallerEnded:
    """The caller's last sound of clip `turn`."""

    at_ms: float
    turn: int


@dataclass(frozen=True, slots=True)
class AgentBegan:
    """The first agent sound heard. `response_ms` since the caller's last sound; None where nothing was asked (the
    greeting), or where the agent began before the caller had ended."""

    at_ms: float
    response_ms: float | None


@dataclass(frozen=True, slots=True)
class AgentEnded:
    """The agent's last audible sound before a silence."""

    at_ms: float


@dataclass(frozen=True, slots=True)
class AgentSilenced:
    """The agent fell silent because the caller barged in, `barge_in_ms` after the caller's first sound."""

    at_ms: float
    barge_in_ms: float


@dataclass(frozen=True, slots=True)
class HungUp:
    """The caller hung up."""

    at_ms: float


Event = CallerBegan | CallerEnded | AgentBegan | AgentEnded | AgentSilenced | HungUp


class State(Enum):
    GREETING = auto()
    SPEAKING = auto()
    LISTENING = auto()
    DONE = auto()


class Scene:
    """The caller. `hear` and `cut` say what reaches the phone, `speak` what goes into it; `tell` gets the events."""

    def __init__(self, clips: Sequence[Clip], tell: Callable[[Event], None]) -> None:
        self.state = State.GREETING
        self._clips = clips
        self._tell = tell
        self._ear = Ear()
        self._mouth = Mouth()
        self._turn = -1  # index of the clip that is being said or was said last
        self._since_ms = 0.0  # when the state began
        self._spoken_ms = 0.0  # when the last sound of that clip comes, or came
        self._answered_ms: float | None = None  # when the answer to it began
        self._barge_in_ms: float | None = None  # the caller's first sound over the agent's, until the agent is silent
        self._was_cut = False  # a `clear` came since then

    def hear(self, heard: bytes, start_ms: float) -> None:
        """What the phone played since the last call, silence included."""
        change = self._ear.hear(heard, start_ms)
        if isinstance(change, Began):
            self._agent_began(change.at_ms)
        elif isinstance(change, Fell):
            self._agent_fell(change.at_ms)

    def cut(self, cut: Cut) -> None:
        """The gateway cleared the phone's buffer."""
        if self._barge_in_ms is not None:
            self._was_cut = True
            self._ear.expect_silence()

    def speak(self, now_ms: float) -> bytes | None:
        """The caller's sound of the last 20 ms, 160 bytes; None: the caller hangs up."""
        STEPS[self.state](self, now_ms)
        if self.state is State.DONE:
            self._tell(HungUp(now_ms))
            return None
        return self._mouth.frame()

    def _agent_began(self, at_ms: float) -> None:
        response = None
        if self._turn >= 0 and self._answered_ms is None and at_ms >= self._spoken_ms:
            self._answered_ms = at_ms
            response = at_ms - self._spoken_ms
        self._tell(AgentBegan(at_ms, response))

    def _agent_fell(self, at_ms: float) -> None:
        started, was_cut = self._barge_in_ms, self._was_cut
        self._barge_in_ms, self._was_cut = None, False
        if started is not None and was_cut:
            self._tell(AgentSilenced(at_ms, max(0.0, at_ms - started)))
        else:
            self._tell(AgentEnded(at_ms))

    def _greeting(self, now_ms: float) -> None:
        greeted = self._ear.last_ms is not None and self._ear.began_ms is None
        unheard = self._ear.last_ms is None and now_ms >= NO_GREETING_MS
        if greeted or unheard or now_ms >= GREETING_MS:
            self._next(now_ms)

    def _speaking(self, now_ms: float) -> None:
        if now_ms >= self._spoken_ms:
            began_ms = self._ear.began_ms
            if began_ms is not None and began_ms >= self._since_ms:
                self._answered_ms = began_ms  # an answer before the question's end, none to be timed by `response_ms`
            self._enter(State.LISTENING, now_ms)
            self._tell(CallerEnded(self._spoken_ms, self._turn))

    def _listening(self, now_ms: float) -> None:
        if self._answered_ms is None:
            over = self._unanswered_ms(now_ms) >= NO_ANSWER_MS or now_ms - self._since_ms >= ANSWER_MS
        elif self._turn == 0 and len(self._clips) > 1:
            over = now_ms - self._answered_ms >= BARGE_IN_AFTER_MS
        else:
            over = self._ear.began_ms is None or now_ms - self._answered_ms >= ANSWER_MS
        if over:
            self._next(now_ms)

    def _unanswered_ms(self, now_ms: float) -> float:
        """How long the caller has been waiting in silence; an agent that can't be interrupted finishes first."""
        if self._ear.began_ms is not None:
            return 0.0
        return now_ms - max(self._since_ms, self._ear.last_ms or 0.0)

    def _done(self, now_ms: float) -> None:
        """Nothing follows."""

    def _next(self, now_ms: float) -> None:
        """Says the next clip, or hangs up after the last."""
        self._turn += 1
        if self._turn == len(self._clips):
            self._enter(State.DONE, now_ms)
            return
        self._enter(State.SPEAKING, now_ms - FRAME_MS)  # the frame handed out now is the sound of the last 20 ms
        self._say(self._clips[self._turn], now_ms - FRAME_MS)

    def _say(self, clip: Clip, start_ms: float) -> None:
        first_ms = start_ms + clip.first_ms
        over_agent = self._ear.speaking(start_ms)
        self._mouth.say(clip.mulaw)
        self._spoken_ms = start_ms + clip.last_ms
        self._answered_ms = None
        self._barge_in_ms, self._was_cut = (first_ms if over_agent else None), False
        self._tell(CallerBegan(first_ms, self._turn, over_agent))

    def _enter(self, state: State, since_ms: float) -> None:
        self.state = state
        self._since_ms = since_ms


class Mouth:
    """A clip, frame by frame, then silence."""

    def __init__(self) -> None:
        self._clip = b""
        self._at = 0

    def say(self, mulaw: bytes) -> None:
        self._clip, self._at = mulaw, 0

    def frame(self) -> bytes:
        """The next 160 bytes."""
        piece = self._clip[self._at : self._at + FRAME]
        self._at += FRAME
        return piece + QUIET_FRAME[len(piece) :]


STEPS: dict[State, Callable[[Scene, float], None]] = {
    State.GREETING: Scene._greeting,
    State.SPEAKING: Scene._speaking,
    State.LISTENING: Scene._listening,
    State.DONE: Scene._done,
}

"""The caller's side of a call: sound to the model, the level that times turns, and the words that the model heard."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from gateway.audio.level import Edge, SpeechMeter, spoken_ms
from gateway.call.gate import Gate, Message
from gateway.call.intake import BYTES_PER_MS, Intake
from gateway.call.transcript import CallerTurn, Spoken
from gateway.call.turn import Signal
from gateway.flow.model import Vad
from gateway.live.messages import InputTranscript, SendAudio
from gateway.twilio.media import CallerAudio

SPEECH_MS = 800  # what lasts longer than this is hardly a noise, nor are short ones that add up to it
QUESTION_MS = 450  # longer than "okay"
WORD_MS = 240  # of those: a knock or a cough is shorter
RECENT_MS = 15_000  # noises that lie further apart add up to nothing
PAUSE_MS = 160  # shorter ones lie within what is said
TOLD_MS = 2_000  # a model that takes speech for a barge-in has told so by then; later it is noise
PIECES = 16  # of speech, that may add up
ONSET_MS = 80  # facts of the field: 80 to 160 ms for every detector that does not fire on clicks
HANGOVER_MS = 300  # shorter than any endpointing, so that a turn's end is known before the agent answers


class Piece(NamedTuple):
    """Speech without a pause that has no answer: when it was noticed, how long it was, and how much of it came after
    the agent's first sound, where it crossed that."""

    since_ms: int
    ms: float
    over_ms: float


class Hearing:
    __slots__ = (
        "_again",
        "_answered",
        "_answered_to",
        "_caller",
        "_crossed_ms",
        "_ear",
        "_had_answer",
        "_late",
        "_over_agent",
        "_pieces",
        "_silent_since",
        "_since_ms",
        "_started_ms",
    )

    def __init__(self, message_ms: int, vad: Vad) -> None:
        self._ear: Gate | _Ear = Gate(message_ms, vad) if vad.mode == "gateway" else _Ear(message_ms)
        self._caller = CallerTurn()
        self._late: Spoken | None = None
        self._again = False  # the turn's sound waits to be sent again
        self._answered = False  # the agent has answered, and the caller has not spoken in a pause since
        self._had_answer = False  # the same, when the last sound began
        self._over_agent = False  # the agent is heard
        self._crossed_ms = 0.0  # where the agent's first sound cut into what the caller was saying, on the ear's clock
        self._answered_to = 0.0  # on the ear's clock: what was loud before has its answer
        self._pieces: deque[Piece] = deque(maxlen=PIECES)
        self._started_ms = 0.0  # where the last one began, on that clock
        self._since_ms = 0  # when it was noticed, on the call's
        self._silent_since: int | None = None  # the end of the caller's speech that nobody has answered yet

    def push(self, audio: CallerAudio, now_ms: int) -> tuple[Sequence[Message], list[Signal]]:
        """One frame: what goes to the model, and whether the caller began or finished speaking."""
        signals = []
        messages, edges = self._ear.push(audio)
        for edge in edges:
            at_ms = round(now_ms - (self._ear.position_ms - edge.at_ms))
            if edge.kind == "start":
                if self._caller.late:
                    self._late = self.close(now_ms)
                self._caller.began(at_ms)
                self._started_ms, self._since_ms, self._crossed_ms = edge.at_ms, now_ms, 0.0
                self._had_answer = self._answered and not any(piece.ms >= WORD_MS for piece in self._pieces)
                self._silent_since, self._answered = None, self._answered and self._over_agent
                signals.append(Signal.CALLER_BEGAN)
            else:
                self._caller.ended(at_ms)
                if edge.at_ms > self._answered_to:
                    over_ms = edge.at_ms - max(self._started_ms, self._crossed_ms)
                    self._pieces.append(Piece(self._since_ms, edge.at_ms - self._started_ms, over_ms))
                    self._silent_since = at_ms
                signals.append(Signal.CALLER_FINISHED)
        return messages, signals

    def talks(self, agent: bool) -> None:
        """Whether the agent is heard now: where the gateway decides, it then takes a little more to be speech."""
        self._over_agent = agent
        self._ear.talks(agent)

    def open(self) -> Sequence[Message]:
        """Let the sound through to the model, what was kept first."""
        self._again = False
        return self._ear.open()

    def shut(self, *, again: bool) -> None:
        """Keep the sound: the model is gone. `again`: with what it has heard of the caller's turn, where that was more
        than words of a caller below the level."""
        again = again and self.unanswered
        self._ear.shut(again=again)
        if again:
            self._again = True
            self._caller.again()
        else:
            self._caller.keep()

    def hush(self) -> None:
        """Keep the sound for a while: the model is there, and is not to hear it yet."""
        self._ear.hush()

    def kept(self, *, again: bool) -> bytes:
        """The sound that another stream's session is to hear: kept for the model, and with `again` what it heard
        without answering. The ear is shut afterwards, and nothing stays in it."""
        again = again and self.unanswered
        self._ear.shut(again=again)
        sound = self._ear.kept()
        self._again = (self._again or again) and bool(sound)
        return sound

    def goes_on(self, mulaw: bytes, *, understood: bool) -> None:
        """What the caller said in an earlier stream without an answer. `understood`: its model has told words of it;
        what it hadn't may be noise, and there is silence around it."""
        self._ear.goes_on(mulaw)
        if mulaw:  # owed since before the model's first sign
            long_ms = len(mulaw) / BYTES_PER_MS if understood else spoken_ms(mulaw)
            self._pieces.append(Piece(1, long_ms, long_ms))
            self._silent_since = 0

    @property
    def spoken(self) -> str:
        """The words so far of the turn that isn't over."""
        return self._caller.text

    @property
    def new(self) -> str:
        """The words so far of the turn that isn't over, where its sound isn't sent again."""
        return self._caller.told if self._again else self._caller.text

    def words(self, heard: InputTranscript, now_ms: int, *, late: bool = False) -> None:
        """What the model understood. `late`: it has answered already, and the next speech is another turn."""
        self._caller.say(heard.text, now_ms, interim=heard.interim, late=late)

    def late(self) -> Spoken | None:
        """The turn whose words came late, once another begins. Told once."""
        spoken, self._late = self._late, None
        return spoken

    def answered(self, *, asked: bool = False) -> int | None:
        """When the caller fell silent, told once: what the agent says after its answer answers nothing. `asked`: it
        was us who asked, so what the caller goes on saying is whole."""
        since, self._silent_since = self._silent_since, None
        ear = self._ear
        goes_on = self._talks and ear.position_ms - ear.loud_ms < PAUSE_MS  # across the agent's first sound
        ear.answered(ear.position_ms - self._started_ms if goes_on else 0.0)
        self._pieces.clear()
        self._crossed_ms = 0.0 if asked else ear.position_ms
        self._answered = not goes_on
        self._answered_to = self._answered_to if goes_on else ear.position_ms
        return since

    @property
    def _talks(self) -> bool:
        """Whether the caller speaks, and has no answer to it: the ear takes a while to tell that they have ended."""
        return self.speaking and self._ear.loud_ms > self._answered_to

    @property
    def has_answer(self) -> bool:
        """Whether words that come now have their answer: the caller has said none since, or only begins to."""
        begins = self.speaking and self._ear.position_ms - self._started_ms < WORD_MS
        return self._had_answer if begins else self._answered and not self.spoke_since(0)

    def close(self, now_ms: int) -> Spoken | None:
        """The caller's finished turn; None, and the turn stays open, while no words of it are known."""
        spoken, told = self._caller.close(now_ms), self._caller.told
        if spoken is not None:
            self._caller = CallerTurn()
            if self._again:  # but for what was told, it is heard
                return replace(spoken, new=told)
        return spoken

    def owed(self, sign_ms: int) -> bool:
        """Whether a turn of the caller's has no answer: one of which the model told words, or one too long for noise
        since which it has told nothing (its last sign was at `sign_ms`). "Hello?" again and again is heard as well."""
        recent_ms = self._pieces[-1].since_ms - RECENT_MS if self._pieces else 0
        recent = [piece for piece in self._pieces if piece.since_ms + piece.ms > recent_ms and piece.since_ms > sign_ms]
        unheard = sum(piece.ms for piece in recent if piece.ms >= WORD_MS)
        return (self._caller.understood and not self._caller.late) or unheard >= SPEECH_MS

    def asked_over(self, sign_ms: int) -> bool:
        """`owed`, for what was said while the agent was heard, or still is: there a word or two are "mhm", "okay"."""
        long = self._talks and self._ear.loud_ms - self._started_ms >= SPEECH_MS
        return (long or any(piece.over_ms >= SPEECH_MS for piece in self._pieces)) and self.owed(sign_ms)

    def asked_since(self, ms: int) -> bool:
        """Whether the caller speaks, or has said more since then (on the call's clock) than "okay"."""
        return self._talks or any(piece.ms >= QUESTION_MS and piece.since_ms + piece.ms > ms for piece in self._pieces)

    def spoke_since(self, ms: int) -> bool:
        """Whether the caller speaks, or has said a word or more since then (on the call's clock)."""
        return self._talks or any(piece.ms >= WORD_MS and piece.since_ms + piece.ms > ms for piece in self._pieces)

    def speaks_over(self, now_ms: int) -> bool:
        """Whether the caller began so lately, and was not answered, that the model may not have told of it yet."""
        return bool(self._since_ms) and self._since_ms > now_ms - TOLD_MS and self.spoke_since(now_ms - TOLD_MS)

    def cuts_in(self, now_ms: int) -> bool:
        """The same, where it is a word or more: no cough, and no echo."""
        long = not self.speaking or self._ear.loud_ms - self._started_ms >= WORD_MS
        return long and self.speaks_over(now_ms)

    @property
    def began_ms(self) -> int:
        """When the caller was noticed to speak last, on the call's clock; 0 where they never did."""
        return self._since_ms

    @property
    def unanswered(self) -> bool:
        """Whether the caller has spoken since the agent's last answer."""
        return bool(self._pieces) or self._talks

    @property
    def is_open(self) -> bool:
        return self._ear.is_open

    @property
    def speaking(self) -> bool:
        return self._ear.speaking

    @property
    def dropped_ms(self) -> int:
        """Sound that was kept for the model and had to be dropped."""
        return self._ear.dropped_ms


class _Ear:
    """Where the model decides when the caller speaks: all sound goes to it, and the level of the line only times turns.
    The same doors as `Gate`'s."""

    __slots__ = ("_intake", "_meter")

    def __init__(self, message_ms: int) -> None:
        self._intake = Intake(message_ms)
        self._meter = SpeechMeter(8000, onset_ms=ONSET_MS, hangover_ms=HANGOVER_MS)

    def push(self, audio: CallerAudio) -> tuple[list[SendAudio], list[Edge]]:
        edges = list(self._meter.push_mulaw(audio.mulaw))
        if any(edge.kind == "start" for edge in edges):
            self._intake.began()
        return self._intake.push(audio), edges

    def talks(self, agent: bool) -> None:
        """It makes no difference to the level."""

    def open(self) -> list[SendAudio]:
        return self._intake.open()

    def shut(self, *, again: bool) -> None:
        self._intake.shut(again=again)

    def kept(self) -> bytes:
        return self._intake.kept()

    def goes_on(self, mulaw: bytes) -> None:
        self._intake.goes_on(mulaw)

    def answered(self, speaking_ms: float = 0.0) -> None:
        self._intake.answered(speaking_ms)
        if self.speaking:
            self._intake.began()

    def hush(self) -> None:
        self._intake.hush()

    @property
    def is_open(self) -> bool:
        return self._intake.is_open

    @property
    def speaking(self) -> bool:
        return self._meter.speaking

    @property
    def position_ms(self) -> float:
        return self._meter.position_ms

    @property
    def loud_ms(self) -> float:
        return self._meter.loud_ms

    @property
    def dropped_ms(self) -> int:
        return self._intake.dropped_ms

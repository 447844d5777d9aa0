"""The caller's side of a call: sound to the model, the level that times turns, and the words that the model heard."""

from __future__ import annotations

from gateway.audio.level import SpeechMeter
from gateway.call.intake import Intake
from gateway.call.transcript import CallerTurn, Spoken
from gateway.call.turn import Signal
from gateway.live.messages import InputTranscript, SendAudio
from gateway.twilio.media import CallerAudio

ONSET_MS = 80  # facts of the field: 80 to 160 ms for every detector that does not fire on clicks
HANGOVER_MS = 300  # shorter than any endpointing, so that a turn's end is known before the agent answers


class Hearing:
    __slots__ = ("_caller", "_intake", "_meter", "_silent_since")

    def __init__(self, message_ms: int) -> None:
        self._intake = Intake(message_ms)
        self._meter = SpeechMeter(8000, onset_ms=ONSET_MS, hangover_ms=HANGOVER_MS)
        self._caller = CallerTurn()
        self._silent_since: int | None = None  # the end of the caller's speech that nobody has answered yet

    def push(self, audio: CallerAudio, now_ms: int) -> tuple[list[SendAudio], list[Signal]]:
        """One frame: what goes to the model, and whether the caller began or finished speaking."""
        signals = []
        for edge in self._meter.push_mulaw(audio.mulaw):
            at_ms = round(now_ms - (self._meter.position_ms - edge.at_ms))
            if edge.kind == "start":
                self._caller.began(at_ms)
                self._silent_since = None
                signals.append(Signal.CALLER_BEGAN)
            else:
                self._caller.ended(at_ms)
                self._silent_since = at_ms
                signals.append(Signal.CALLER_FINISHED)
        return self._intake.push(audio), signals

    def open(self) -> list[SendAudio]:
        """Let the sound through to the model, what was kept first."""
        return self._intake.open()

    def words(self, heard: InputTranscript, now_ms: int) -> None:
        self._caller.say(heard.text, now_ms, interim=heard.interim)

    def answered(self) -> int | None:
        """When the caller fell silent, told once: what the agent says after its answer answers nothing."""
        since, self._silent_since = self._silent_since, None
        return since

    def close(self, now_ms: int) -> Spoken | None:
        """The caller's finished turn; None, and the turn stays open, while no words of it are known."""
        spoken = self._caller.close(now_ms)
        if spoken is not None:
            self._caller = CallerTurn()
        return spoken

    @property
    def is_open(self) -> bool:
        return self._intake.is_open

    @property
    def speaking(self) -> bool:
        return self._meter.speaking

    @property
    def dropped_ms(self) -> int:
        """Sound that was kept for the model and had to be dropped."""
        return self._intake.dropped_ms

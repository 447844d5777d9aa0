"""The caller's sound on its way to a model that leaves it to the gateway when the caller speaks (vad.mode: gateway).

What is said goes out as activityStart, sound, activityEnd; outside of that nothing does, as the API would ignore it
(facts of the field: pipecat). The sound begins a little before speech was noticed, so that no word loses its beginning,
and ends with the silence that told of its end.

While the gate is shut, what is said is kept, the oldest dropped first. What was sent is remembered until it is
answered, so that another connection can hear it again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from gateway.audio.endpointing import Endpointer
from gateway.audio.level import FRAME_MS, Edge
from gateway.audio.line import Uplink
from gateway.call.intake import BYTES_PER_MS, FILL_FRAMES, KEEP_MS, RELEASE_MS, SILENCE
from gateway.flow.model import Vad
from gateway.live.messages import SendActivityEnd, SendActivityStart, SendAudio
from gateway.twilio.media import CallerAudio

PREROLL_MS = 240  # before the first frame that counted: the soft beginning of a word
LEAST_MS = (
    80  # of speech, whatever prefix_padding says: with 60 ms each knock on the table is a turn (bench.endpointing)
)
OVER_MS = 120  # while the agent is heard: louder knocks and echoes of it needn't stop it

Message = SendActivityStart | SendAudio | SendActivityEnd

_FRAME = FRAME_MS * BYTES_PER_MS


class Gate:
    """mu-law frames in, messages out, `message_ms` of sound in each; the same whatever the frames' size. Shut at first.

    Always start, sound, end, in that order; never two starts or two ends in a row on one connection.
    """

    __slots__ = ("_before", "_chunk", "_endpointer", "_hushed", "_open", "_prefix_ms", "_rest", "_tape", "_wire")

    def __init__(self, message_ms: int, vad: Vad) -> None:
        self._prefix_ms = max(vad.prefix_padding_ms, LEAST_MS)
        self._endpointer = Endpointer(self._prefix_ms, vad.silence_ms)
        longest = PREROLL_MS + 2 * max(self._prefix_ms, OVER_MS)
        self._before: deque[bytes] = deque(maxlen=-(-longest // FRAME_MS))  # frames that nobody spoke in, it seems
        self._tape = _Tape()
        self._wire = _Wire(message_ms)
        self._rest = b""  # less than a frame
        self._open = False
        self._hushed = False
        self._chunk = 0

    def push(self, audio: CallerAudio) -> tuple[list[Message], list[Edge]]:
        """What goes to the model, and the edges of speech, on the clock of `position_ms`. Frames that Twilio skipped
        (`chunk` jumps) become silence."""
        missing = audio.chunk - self._chunk - 1 if self._chunk else 0
        self._chunk = audio.chunk
        mulaw = audio.mulaw
        if mulaw and 0 < missing <= FILL_FRAMES:
            mulaw = SILENCE * (missing * len(mulaw)) + mulaw
        mulaw = self._rest + mulaw
        whole = len(mulaw) - len(mulaw) % _FRAME
        self._rest = mulaw[whole:]
        messages: list[Message] = []
        edges: list[Edge] = []
        for at in range(0, whole, _FRAME):
            edges += self._frame(mulaw[at : at + _FRAME])
            messages += self._flush()
        return messages, edges

    def talks(self, agent: bool) -> None:
        """Whether the agent is heard now: then it takes a little more speech to begin a turn."""
        self._endpointer.need(max(self._prefix_ms, OVER_MS) if agent else self._prefix_ms)

    def open(self) -> list[Message]:
        """From now on what is said goes through; what was kept comes first."""
        self._open, self._hushed = True, False
        return self._flush()

    def hush(self) -> None:
        """From now on what is said is kept, while the connection stays: a turn that is going on goes on later."""
        self._hushed, self._open = self._open or self._hushed, False

    def shut(self, *, again: bool) -> None:
        """From now on what is said is kept: the connection is gone. `again`: what was not answered is to be sent once
        more, else only what was not sent yet. Either way a turn that is going on begins again with its start."""
        if self._open or self._hushed:
            self._open = self._hushed = False
            self._tape.rewind(again=again)

    def kept(self) -> bytes:
        """What was said and not sent; nothing of it stays."""
        return self._tape.take()

    def goes_on(self, mulaw: bytes) -> None:
        """What was said in an earlier stream of the call: it is sent before this one's, as an utterance of its own."""
        if mulaw:
            self._tape.begin(mulaw)
            self._tape.end()

    def answered(self, speaking_ms: float = 0.0) -> None:
        """The model has heard the caller out: nothing of it need be sent again, but for what is being said now."""
        self._tape.forget()

    @property
    def is_open(self) -> bool:
        return self._open

    @property
    def speaking(self) -> bool:
        return self._endpointer.speaking

    @property
    def position_ms(self) -> float:
        """How much sound was pushed."""
        return self._endpointer.position_ms + len(self._rest) / BYTES_PER_MS

    @property
    def loud_ms(self) -> float:
        """While somebody speaks: where the last that counted ends, on the clock of `position_ms`."""
        return self._endpointer.loud_ms

    @property
    def dropped_ms(self) -> int:
        """Speech that was kept for the model and had to be dropped."""
        return self._tape.dropped // BYTES_PER_MS

    def _frame(self, frame: bytes) -> list[Edge]:
        spoke = self._endpointer.speaking
        edges = self._endpointer.push(frame)
        if spoke:
            self._tape.add(frame)
        else:
            self._before.append(frame)
        for edge in edges:  # at most one in a frame
            if edge.kind == "start":
                self._tape.begin(self._beginning(edge.at_ms))
            else:
                self._tape.end()
        return edges

    def _beginning(self, at_ms: float) -> bytes:
        """From a little before `at_ms` until now, as far as it wasn't sent with an earlier turn."""
        frames = (round(self._endpointer.position_ms - at_ms) + PREROLL_MS) // FRAME_MS
        sound = b"".join(list(self._before)[-frames:])
        self._before.clear()
        return sound

    def _flush(self) -> list[Message]:
        messages: list[Message] = []
        while self._open and (utterance := self._tape.next()) is not None:
            messages += self._wire.send(utterance)
            if not utterance.over:
                break
            self._tape.sent()
        return messages


@dataclass(slots=True)
class _Utterance:
    """What was said without a pause, as mu-law; `sent` bytes of it went out, after its start if it has `begun`."""

    sound: bytearray = field(default_factory=bytearray)
    over: bool = False
    begun: bool = False
    sent: int = 0


class _Tape:
    """The newest KEEP_MS of what was said: what waits to be sent, and what may have to be sent again. `dropped` counts
    bytes that nobody was sent."""

    __slots__ = ("_sent", "_size", "_waiting", "dropped")

    def __init__(self) -> None:
        self._waiting: deque[_Utterance] = deque()  # none of them is over, or the gate is shut
        self._sent: deque[_Utterance] = deque()
        self._size = 0
        self.dropped = 0

    def begin(self, sound: bytes) -> None:
        self._waiting.append(_Utterance())
        self.add(sound)

    def add(self, sound: bytes) -> None:
        """More of the utterance that is going on."""
        self._waiting[-1].sound += sound
        self._size += len(sound)
        while self._size > KEEP_MS * BYTES_PER_MS:
            self._drop(self._sent or self._waiting)

    def end(self) -> None:
        self._waiting[-1].over = True

    def next(self) -> _Utterance | None:
        return self._waiting[0] if self._waiting else None

    def sent(self) -> None:
        """The next one was sent, its end too."""
        self._sent.append(self._waiting.popleft())

    def forget(self) -> None:
        self._size -= sum(len(utterance.sound) for utterance in self._sent)
        self._sent.clear()

    def take(self) -> bytes:
        """What waits, and is then gone."""
        sound = b"".join(bytes(utterance.sound[utterance.sent :]) for utterance in self._waiting)
        self._waiting.clear()
        self._size = sum(len(utterance.sound) for utterance in self._sent)
        return sound

    def rewind(self, *, again: bool) -> None:
        """Nothing counts as sent any more: it is to be sent again, or forgotten."""
        if again:
            self._waiting = self._sent + self._waiting
            self._sent = deque()
        self.forget()
        for utterance in self._waiting:
            if not again:
                self._size -= utterance.sent
                del utterance.sound[: utterance.sent]
            utterance.begun, utterance.sent = False, 0

    def _drop(self, oldest: deque[_Utterance]) -> None:
        """What is too much, as far as the oldest utterance has it."""
        utterance = oldest[0]
        size = min(len(utterance.sound), self._size - KEEP_MS * BYTES_PER_MS)
        self.dropped += max(0, size - utterance.sent)
        utterance.sent = max(0, utterance.sent - size)
        del utterance.sound[:size]
        self._size -= size
        if not utterance.sound and utterance.over:
            oldest.popleft()


class _Wire:
    """An utterance -> the messages that it has become ready for."""

    __slots__ = ("_message_bytes", "_uplink")

    def __init__(self, message_ms: int) -> None:
        self._message_bytes = message_ms * BYTES_PER_MS
        self._uplink = Uplink()

    def send(self, utterance: _Utterance) -> list[Message]:
        messages: list[Message] = []
        if not utterance.begun:
            utterance.begun = True
            self._uplink.reset()
            messages.append(SendActivityStart())
        waiting = len(utterance.sound) - utterance.sent
        end = utterance.sent + (waiting if utterance.over else waiting - waiting % self._message_bytes)
        for at in range(utterance.sent, end, RELEASE_MS * BYTES_PER_MS):
            piece = utterance.sound[at : min(at + RELEASE_MS * BYTES_PER_MS, end)]
            messages.append(SendAudio(self._uplink.push(bytes(piece))))
        utterance.sent = end
        if utterance.over:
            messages.append(SendActivityEnd())
        return messages

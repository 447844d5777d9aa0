"""A person at this machine's microphone and loudspeaker, as a phone's `Person`. `sounddevice` (the extra `microphone`)
brings PortAudio; its callbacks run in a thread of its own and touch nothing but a `Pipe` each.
"""

from __future__ import annotations

import asyncio
import importlib
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from threading import Lock
from typing import Any, Protocol, cast

import numpy as np

from gateway.audio import mulaw
from gateway.rehearsal.ear import Began, Ear, Fell
from gateway.rehearsal.placed import Holding
from gateway.rehearsal.playout import Cut
from gateway.rehearsal.prepare import USAGE, DemoFault
from gateway.rehearsal.scene import (
    FRAME,
    FRAME_MS,
    AgentBegan,
    AgentEnded,
    AgentSilenced,
    CallerBegan,
    CallerEnded,
    Event,
    HungUp,
)

RATE = 8000  # Hz; PortAudio converts to what the device has
WIDTH = 2  # bytes of a sample
LEAD = 3 * FRAME * WIDTH  # 60 ms wait before sound goes on after a gap: callbacks come in bursts
LONGEST = 12 * FRAME * WIDTH  # 240 ms: two clocks drift apart, and what is older is dropped
FORMAT = {"samplerate": RATE, "channels": 1, "dtype": "int16"}
MISSING = "--mic needs the Python package sounddevice: install this package's extra 'microphone', or sounddevice itself"
NO_PORTAUDIO = "--mic needs the library PortAudio: install it (Debian and Ubuntu: libportaudio2; macOS: portaudio)"
NO_DEVICE = "the microphone or the loudspeaker can't be opened at 8 kHz mono: choose others in the system's settings"


class Sound(Protocol):
    """What is used of the module sounddevice. A stream is open; as a context manager it is started, then closed."""

    @property
    def PortAudioError(self) -> type[Exception]: ...
    def check_input_settings(self, **wanted: Any) -> None: ...
    def check_output_settings(self, **wanted: Any) -> None: ...
    def RawInputStream(self, **wanted: Any) -> AbstractContextManager[object]: ...
    def RawOutputStream(self, **wanted: Any) -> AbstractContextManager[object]: ...


def find() -> Sound:
    """sounddevice, with a microphone and a loudspeaker that can be opened. Raises DemoFault: what is missing."""
    try:
        sound = cast(Sound, importlib.import_module("sounddevice"))
    except ImportError:
        raise DemoFault(USAGE, MISSING) from None
    except OSError:  # the package is there, the library isn't
        raise DemoFault(USAGE, NO_PORTAUDIO) from None
    try:
        sound.check_input_settings(**FORMAT)
        sound.check_output_settings(**FORMAT)
    except (sound.PortAudioError, ValueError):  # ValueError: there is no such device at all
        raise DemoFault(USAGE, NO_DEVICE) from None
    return sound


def holds(sound: Sound) -> Holding:
    """Whoever sits at this machine."""
    return partial(_holding, sound)


@contextmanager
def _holding(sound: Sound, tell: Callable[[Event], None]) -> Iterator[Microphone]:
    """Devices are open and Ctrl-C hangs up, for as long as the call lasts. Raises DemoFault."""
    mouth, speaker = Pipe(), Pipe()
    person = Microphone(mouth, speaker, tell)

    def spoken(data: Any, _frames: int, _time: object, _status: object) -> None:
        mouth.put(bytes(data))

    def played(data: Any, _frames: int, _time: object, _status: object) -> None:
        data[:] = speaker.take(len(data))

    with ExitStack() as devices:
        try:
            for opened, callback in ((sound.RawInputStream, spoken), (sound.RawOutputStream, played)):
                devices.enter_context(opened(**FORMAT, blocksize=FRAME, latency="low", callback=callback))
        except sound.PortAudioError:
            raise DemoFault(USAGE, NO_DEVICE) from None
        devices.enter_context(_ctrl_c(person.hang_up))
        yield person


@contextmanager
def _ctrl_c(hang_up: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C hangs up; the next one ends everything, as it does elsewhere."""
    loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)

    def restore() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)

    def pressed() -> None:
        restore()
        hang_up()

    loop.add_signal_handler(signal.SIGINT, pressed)
    try:
        yield
    finally:
        restore()


class Pipe:
    """Sound on its way from one thread to another: 16-bit samples, silence where there are none yet."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting = bytearray()
        self._flows = False

    def put(self, pcm: bytes) -> None:
        with self._lock:
            self._waiting += pcm
            del self._waiting[: max(0, len(self._waiting) - LONGEST)]
            self._flows = self._flows or len(self._waiting) >= LEAD

    def take(self, size: int) -> bytes:
        """The next `size` bytes. After a gap, silence until LEAD is there."""
        with self._lock:
            if not self._flows:
                return bytes(size)
            piece = bytes(self._waiting[:size])
            del self._waiting[:size]
            self._flows = len(piece) == size
            return piece + bytes(size - len(piece))


class Microphone:
    """The person, and what can be measured of the conversation: both sides by their sound."""

    def __init__(self, mouth: Pipe, speaker: Pipe, tell: Callable[[Event], None]) -> None:
        self._mouth = mouth
        self._speaker = speaker
        self._tell = tell
        self._agent, self._caller = Ear(), Ear()
        self._turn = -1
        self._asked = False  # the caller spoke, and has no answer yet
        self._barge_in_ms: float | None = None  # the caller's first sound over the agent's, until the agent is silent
        self._was_cut = False
        self._hung_up = False

    def hang_up(self) -> None:
        self._hung_up = True

    def hear(self, heard: bytes, start_ms: float) -> None:
        """What the phone played since the last call."""
        self._speaker.put(mulaw.decode(heard).tobytes())
        change = self._agent.hear(heard, start_ms)
        if isinstance(change, Began):
            self._tell(AgentBegan(change.at_ms, self._response_ms(change.at_ms)))
        elif isinstance(change, Fell):
            self._agent_fell(change.at_ms)

    def cut(self, cut: Cut) -> None:
        """The gateway cleared the phone's buffer."""
        if self._barge_in_ms is not None:
            self._was_cut = True
            self._agent.expect_silence()

    def speak(self, now_ms: float) -> bytes | None:
        """The last 20 ms from the microphone; None once the caller has hung up."""
        if self._hung_up:
            self._tell(HungUp(now_ms))
            return None
        frame = mulaw.encode(np.frombuffer(self._mouth.take(FRAME * WIDTH), np.int16))
        change = self._caller.hear(frame, now_ms - FRAME_MS)
        if isinstance(change, Began):
            self._caller_began(change.at_ms)
        elif isinstance(change, Fell):
            self._tell(CallerEnded(change.at_ms, self._turn))
        return frame

    def _response_ms(self, began_ms: float) -> float | None:
        """How long the caller has been silent; None for what answers nobody, or begins before the caller has ended."""
        spoken_ms = self._caller.last_ms
        if not self._asked or spoken_ms is None or self._caller.speaking(began_ms):
            return None
        self._asked = False
        return began_ms - spoken_ms

    def _caller_began(self, at_ms: float) -> None:
        self._turn += 1
        self._asked = True
        over_agent = self._agent.speaking(at_ms)
        self._barge_in_ms, self._was_cut = (at_ms if over_agent else None), False
        self._tell(CallerBegan(at_ms, self._turn, over_agent))

    def _agent_fell(self, at_ms: float) -> None:
        started, was_cut = self._barge_in_ms, self._was_cut
        self._barge_in_ms, self._was_cut = None, False
        if started is not None and was_cut:
            self._tell(AgentSilenced(at_ms, max(0.0, at_ms - started)))
        else:
            self._tell(AgentEnded(at_ms))

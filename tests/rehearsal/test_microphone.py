"""A person at the microphone, with a sounddevice of the test's own: PortAudio's callbacks, called by hand."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from gateway.audio import mulaw
from gateway.rehearsal import microphone
from gateway.rehearsal.microphone import LEAD, LONGEST, Microphone, Pipe
from gateway.rehearsal.playout import Cut
from gateway.rehearsal.prepare import DemoFault
from gateway.rehearsal.scene import (
    AgentBegan,
    AgentEnded,
    AgentSilenced,
    CallerBegan,
    CallerEnded,
    Event,
    HungUp,
)

MS = 16  # bytes of PCM in a millisecond
LOUD = np.tile(np.array([8000, -8000], np.int16), 80)  # 20 ms
QUIET = np.zeros(160, np.int16)


class Fake(ModuleType):
    """sounddevice: devices that a test plays. `faults` names the calls that raise."""

    class PortAudioError(Exception):
        pass

    def __init__(self, *faults: str) -> None:
        super().__init__("sounddevice")
        self.faults = faults
        self.wanted: dict[str, dict[str, Any]] = {}
        self.open: list[str] = []

    def check_input_settings(self, **wanted: Any) -> None:
        self._asked("check_input_settings", wanted)

    def check_output_settings(self, **wanted: Any) -> None:
        self._asked("check_output_settings", wanted)

    @contextmanager
    def RawInputStream(self, **wanted: Any) -> Iterator[None]:
        yield from self._device("RawInputStream", wanted)

    @contextmanager
    def RawOutputStream(self, **wanted: Any) -> Iterator[None]:
        yield from self._device("RawOutputStream", wanted)

    def say(self, pcm: np.ndarray[Any, np.dtype[np.int16]]) -> None:
        """The microphone's callback."""
        self.wanted["RawInputStream"]["callback"](pcm.tobytes(), len(pcm), None, None)

    def hear(self, frames: int) -> bytes:
        """The loudspeaker's callback."""
        data = bytearray(b"x" * (2 * frames))
        self.wanted["RawOutputStream"]["callback"](data, frames, None, None)
        return bytes(data)

    def _device(self, name: str, wanted: dict[str, Any]) -> Iterator[None]:
        self._asked(name, wanted)
        self.open.append(name)
        try:
            yield
        finally:
            self.open.remove(name)

    def _asked(self, name: str, wanted: dict[str, Any]) -> None:
        if name in self.faults:
            raise self.PortAudioError(name)
        self.wanted[name] = wanted


# What is missing -----------------------------------------------------------------------------------------------------


def fault(monkeypatch: pytest.MonkeyPatch, module: ModuleType | None) -> str:
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    with pytest.raises(DemoFault) as caught:
        microphone.find()
    assert caught.value.code == 2
    return str(caught.value)


def test_without_the_package_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "needs the Python package sounddevice" in fault(monkeypatch, None)


def test_without_portaudio_it_is_named(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    with pytest.raises(DemoFault, match=r"needs the library PortAudio: install it \(Debian and Ubuntu: libportaudio2;"):
        microphone.find()


@pytest.mark.parametrize("call", ["check_input_settings", "check_output_settings"])
def test_without_a_device_that_is_said(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "can't be opened at 8 kHz mono" in fault(monkeypatch, Fake(call))


@pytest.mark.parametrize("call", ["RawInputStream", "RawOutputStream"])
def test_a_device_that_is_taken_when_the_call_begins(call: str) -> None:
    fake = Fake(call)

    async def scenario() -> None:
        with pytest.raises(DemoFault, match="can't be opened"), microphone.holds(fake)(lambda _event: None):
            raise AssertionError("it was opened")

    asyncio.run(scenario())
    assert fake.open == []


# A call --------------------------------------------------------------------------------------------------------------


def test_sound_goes_both_ways_as_frames_of_20_ms(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)

    async def scenario() -> None:
        with microphone.holds(microphone.find())(lambda _event: None) as person:
            assert fake.open == ["RawInputStream", "RawOutputStream"]
            for name in fake.open:
                wanted = fake.wanted[name]
                assert (wanted["samplerate"], wanted["channels"], wanted["dtype"]) == (8000, 1, "int16")
            for _ in range(4):
                fake.say(LOUD)
            assert [person.speak(20.0 * at) for at in range(1, 5)] == [mulaw.encode(LOUD)] * 4
            assert person.speak(100.0) == b"\xff" * 160
            played = mulaw.encode(LOUD)
            for at in range(4):
                person.hear(played, 20.0 * at)
            assert fake.hear(160) == mulaw.decode(played).tobytes()
            assert len(fake.hear(1000)) == 2000
        assert fake.open == []

    asyncio.run(scenario())


def test_ctrl_c_hangs_up_and_is_itself_again_afterwards() -> None:
    events: list[Event] = []

    async def scenario() -> None:
        usual = signal.getsignal(signal.SIGINT)
        with microphone.holds(Fake())(events.append) as person:
            assert person.speak(20.0) is not None
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(500):
                await asyncio.sleep(0.01)
                if person.speak(40.0) is None:
                    break
            assert signal.getsignal(signal.SIGINT) is usual  # a second one ends everything
        assert signal.getsignal(signal.SIGINT) is usual

    asyncio.run(scenario())
    assert events == [HungUp(40.0)]


def test_what_is_measured_of_a_conversation() -> None:
    events: list[Event] = []
    mouth = Pipe()
    person = Microphone(mouth, Pipe(), events.append)
    now = 0.0

    def pass_by(ms: int, agent: bool = False, caller: bool = False) -> None:
        nonlocal now
        for _ in range(ms // 20):
            mouth.put((LOUD if caller else QUIET).tobytes())
            person.hear(mulaw.encode(LOUD if agent else QUIET), now)
            now += 20.0
            person.speak(now)

    lead = 40.0  # the first frames wait until 60 ms are there
    pass_by(1000, agent=True)
    pass_by(1000)
    pass_by(1000, caller=True)
    pass_by(600)
    pass_by(2000, agent=True)
    pass_by(500, agent=True, caller=True)
    person.cut(Cut(now, 0.0, ()))
    pass_by(1000, caller=True)
    pass_by(1000)
    for event in events:
        assert event.at_ms % 1 in (0.0, 0.875)
    began, ended = (kind for kind in (CallerBegan, CallerEnded))
    assert [type(event) for event in events] == [
        *(AgentBegan, AgentEnded, began, AgentBegan, ended),
        *(began, AgentSilenced, ended),
    ]
    greeting, _, first, answer, _, second, silenced, _ = events
    assert isinstance(greeting, AgentBegan)
    assert greeting.response_ms is None
    assert first == CallerBegan(2000 + lead, 0, False)
    assert isinstance(answer, AgentBegan)
    assert answer.response_ms == pytest.approx(600 - lead, abs=1)
    assert second == CallerBegan(5600 + lead, 1, True)
    assert isinstance(silenced, AgentSilenced)
    assert silenced.barge_in_ms == pytest.approx(500 - lead, abs=1)


def test_a_pipe_waits_for_a_lead_and_keeps_no_more_than_it_may() -> None:
    pipe = Pipe()
    assert pipe.take(320) == bytes(320)
    pipe.put(b"\x01" * (LEAD - 1))
    assert pipe.take(320) == bytes(320)
    pipe.put(b"\x01")
    assert pipe.take(LEAD + MS) == b"\x01" * LEAD + bytes(MS)
    pipe.put(b"\x02" * MS)
    assert pipe.take(MS) == bytes(MS)
    for number in range(40):
        pipe.put(bytes([number]) * 320)
    assert pipe.take(2 * LONGEST).rstrip(b"\0") == b"".join(bytes([n]) * 320 for n in range(28, 40))

"""A phone that calls a gateway whose model misbehaves: it plays what it gets, at the speed of speech."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, assert_never

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from gateway.audio.mulaw import decode, encode
from gateway.rehearsal.rates import resample
from gateway.twilio import media
from tests.rehearsal.standin.house import SILENCE, recorded

LOUD = 6_000  # the voice's peak is 8,000; a filler's, and a hostile wave's, lies below
QUIET_S = 0.45  # without sound, the agent has come to an end
FRAME = 160
FRAME_S = 0.02
MEDDLES_S = (0.9, 1.2)  # between the caller's words and the same again, and once more


def _line(pcm: bytes) -> bytes:
    return encode(np.frombuffer(resample(pcm, 16_000, 8_000), np.int16))


LINE = _line(recorded() + SILENCE)
DRAWL = _line(recorded() * 2 + SILENCE)

Turn = Literal["speaks", "drawls", "meddles", "waits", "stays"]


@dataclass
class Outcome:
    """How one call went. `rounds`: after how many seconds each of the caller's turns was answered; None: never.
    `sound_s`: sound of the agent's that reached the phone; `ahead_s`: the most of it that waited to be heard."""

    greeted: bool = False
    rounds: list[float | None] = field(default_factory=list)
    ended_after_s: float | None = None
    code: int | None = None
    next: str = ""
    sound_s: float = 0.0
    ahead_s: float = 0.0


class Caller:
    """A phone that plays what it gets, at the speed of speech, and speaks when it is told to."""

    def __init__(self, url: str, sid: str, line: str) -> None:
        self._url, self.sid, self._line = url, sid, line
        self._sequence = 1
        self._loop = asyncio.get_running_loop()
        self._start = self._voice_at = self._free_at = self._loop.time()
        self._sending: set[asyncio.Task[None]] = set()
        self._marks: dict[str, asyncio.TimerHandle] = {}  # that wait for the sound before them
        self._voices = 0
        self._heard = asyncio.Event()
        self._over = asyncio.Event()
        self.outcome = Outcome()

    async def call(self, turns: Sequence[Turn], patience_s: float) -> Outcome:
        """The greeting, then the caller's turns and what answers them, each waited for so long."""
        async with connect(self._url, compression=None, proxy=None) as self._socket, asyncio.TaskGroup() as group:
            reader = group.create_task(self._read())
            await self._begin()
            self.outcome.greeted = await self._answer(0, patience_s) is not None
            for turn in turns:
                await self._round(turn, patience_s)
            await self._stop()
            reader.cancel()
        for timer in self._marks.values():
            timer.cancel()
        return self.outcome

    async def _round(self, turn: Turn, patience_s: float) -> None:
        while not self._over.is_set() and (left := self._voice_at + QUIET_S - self._loop.time()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), left)
        if self._over.is_set():
            return
        before, asked = self._voices, self._loop.time()
        await self._take(turn)
        answered = await (self._hung_up(2 * patience_s) if turn == "stays" else self._answer(before, patience_s))
        self.outcome.rounds.append(None if answered is None else answered - asked)

    async def _take(self, turn: Turn) -> None:
        """The caller's part of a turn. Who `meddles` speaks on while the agent is due."""
        match turn:
            case "speaks":
                await self._speak(LINE)
            case "drawls":
                await self._speak(DRAWL, FRAME_S)
            case "meddles":
                await self._speak(LINE)
                for pause_s in MEDDLES_S:
                    await asyncio.sleep(pause_s)
                    await self._speak(LINE)
            case "waits" | "stays":
                pass
            case _:
                assert_never(turn)

    async def _hung_up(self, patience_s: float) -> float | None:
        """When the gateway ended the call; None if it never did."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), patience_s)
        return self._loop.time() if self._over.is_set() else None

    async def _answer(self, before: int, patience_s: float) -> float | None:
        """When the agent's voice was heard again; None if it never was."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while self._voices == before and not self._over.is_set():
                    self._heard.clear()
                    await self._heard.wait()
        return self._voice_at if self._voices > before else None

    async def _begin(self) -> None:
        given = {"flow": "clinic", "line": self._line, "from": "+14155550199"}
        await self._send(media.Connected("Call", "1.0.0"))
        await self._send(media.Started("MZ" + self.sid, "CA" + self.sid, "AC1", given))

    async def _speak(self, mulaw: bytes, frame_s: float = 0.0) -> None:
        """All at once, or a frame every so often, by the clock: a busy machine sends those that it owes."""
        began = self._loop.time()
        for nth, at in enumerate(range(0, len(mulaw), FRAME), start=1):
            self._sequence += 1
            frame = mulaw[at : at + FRAME].ljust(FRAME, b"\xff")
            await self._send(media.CallerAudio(frame, self._sequence - 1, 20 * self._sequence, self._sequence))
            if frame_s:
                await asyncio.sleep(began + nth * frame_s - self._loop.time())

    async def _stop(self) -> None:
        self._sequence += 1
        await self._send(media.Stopped("CA" + self.sid, self._sequence))

    async def _send(self, message: media.FromTwilio) -> None:
        with contextlib.suppress(ConnectionClosed):
            await self._socket.send(media.build_from_twilio(message, "MZ" + self.sid))

    async def _read(self) -> None:
        try:
            while True:
                match media.parse_to_twilio(await self._socket.recv(), "MZ" + self.sid):
                    case media.Mark(name):
                        self._marks[name] = self._loop.call_at(self._free_at, self._played, name)
                    case media.Clear():
                        self._clear()
                    case media.Play(mulaw):
                        self._play(mulaw)
        except ConnectionClosed:
            self.outcome.ended_after_s = self._loop.time() - self._start
            self.outcome.code = self._socket.close_code
            self._over.set()
            self._heard.set()

    def _play(self, mulaw: bytes) -> None:
        now = self._loop.time()
        self._free_at = max(now, self._free_at) + len(mulaw) / 8000
        self.outcome.sound_s += len(mulaw) / 8000
        self.outcome.ahead_s = max(self.outcome.ahead_s, self._free_at - now)
        if np.abs(decode(mulaw).astype(int)).max(initial=0) > LOUD:
            self._voices += 1
            self._voice_at = self._free_at
            self._heard.set()

    def _clear(self) -> None:
        """What waits is not heard, and Twilio sends its marks back at once."""
        self._free_at = self._loop.time()
        for name, timer in [*self._marks.items()]:
            timer.cancel()
            self._played(name)

    def _played(self, name: str) -> None:
        del self._marks[name]
        self._sending.add(task := self._loop.create_task(self._send_mark(name)))
        task.add_done_callback(self._sending.discard)

    async def _send_mark(self, name: str) -> None:
        self._sequence += 1  # only now: the caller may be speaking, and messages must keep their order
        await self._send(media.MarkPlayed(name, self._sequence))

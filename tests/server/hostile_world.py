"""One call against a stand-in that misbehaves, through a real gateway, beside a call that must not notice."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from hypercorn.asyncio import serve
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from gateway.audio.mulaw import decode, encode
from gateway.flow.load import load
from gateway.live.endpoint import Access, Endpoint, endpoint
from gateway.live.models import Backend
from gateway.rehearsal.ears import Ears
from gateway.rehearsal.rates import resample
from gateway.rehearsal.standin.hostile import HOSTILE
from gateway.rehearsal.standin.resumption import Resumption
from gateway.rehearsal.standin.script import Script
from gateway.rehearsal.standin.server import Kit, serving
from gateway.rehearsal.standin.talk import House
from gateway.rehearsal.standin.trouble import read_part
from gateway.server import lifecycle
from gateway.server.afterwards import Tries
from gateway.server.app import App
from gateway.server.exchange import Exchange
from gateway.server.generations import Generations
from gateway.server.listener import listen
from gateway.settings import read
from gateway.telemetry.log import Log
from gateway.telemetry.metrics import Metrics
from gateway.tools.outcome import Outcome as Result
from gateway.twilio import media
from tests.rehearsal.standin.house import QUICK, SILENCE, recorded

WORDS = 45  # of the greeting and of each answer: 540 ms, three messages
LOUD = 6_000  # the voice's peak is 8,000; a filler's, and a hostile wave's, lies below
QUIET_S = 0.45  # without sound, the agent has come to an end
FRAME = 160
FLOW = f"""
version: 1
name: clinic
numbers:
  - {{ label: hostile, number: "+14155550100", persona: ava }}
  - {{ label: well, number: "+14155550101", persona: eve }}
personas:
  ava:
    instructions: You answer.
    model: {{ name: MODEL }}
    greeting: {{ text: "{"hello " * WORDS}", interruptible: true }}
    tools: [lookup]
  eve:
    instructions: You answer.
    model: {{ name: gemini-live-2.5-flash-native-audio }}
    greeting: {{ text: "{"hello " * WORDS}", interruptible: true }}
tools:
  lookup: {{ type: hangup, description: Looks a day up. }}
"""
LEAD_MS = 200  # of sound at the phone
LINE = encode(np.frombuffer(resample(recorded() + SILENCE, 16_000, 8_000), np.int16))


class QuickEars:
    """Hears the same words in every turn."""

    def hear(self, _pcm: bytes, _rate: int) -> str:
        return "ten of clubs"


class Lookup:
    """What the flow's tool does in place of hanging up: each use is counted, in the row that it belongs to."""

    uses: ContextVar[list[str]] = ContextVar("uses")

    async def run(self, args: Mapping[str, object]) -> Result:
        self.uses.get().append(str(args.get("day")))
        return Result({"status": "ok", "free": "10:00"})


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


@dataclass
class Played:
    """Everything one row brought."""

    bad: Outcome
    good: Outcome
    events: Sequence[Mapping[str, Any]]
    sid: str
    uses: Sequence[str]  # of the tool, by their day
    notes: Sequence[Mapping[str, Any]] = ()

    @property
    def knocks(self) -> int:
        """How many connections the gateway made to the hostile stand-in."""
        return max((int(event["connection"]) for event in self.events if "connection" in event), default=0)

    def told(self, event: str, field: str) -> list[Any]:
        return [fields[field] for fields in self.events if fields["event"] == event]

    def noted(self, name: str) -> list[dict[str, Any]]:
        """The call's notes of that name."""
        return [dict(note) for note in self.notes if note["message"] == name and note.get("call_sid") == self.sid]


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

    async def call(self, rounds: int, patience_s: float) -> Outcome:
        """The greeting, then `rounds` of speaking and being answered, each waited for so long."""
        async with connect(self._url, compression=None, proxy=None) as self._socket, asyncio.TaskGroup() as group:
            reader = group.create_task(self._read())
            await self._begin()
            self.outcome.greeted = await self._answer(0, patience_s) is not None
            for _ in range(rounds):
                await self._round(patience_s)
            await self._stop()
            reader.cancel()
        return self.outcome

    async def _round(self, patience_s: float) -> None:
        while not self._over.is_set() and (left := self._voice_at + QUIET_S - self._loop.time()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), left)
        if self._over.is_set():
            return
        before, asked = self._voices, self._loop.time()
        await self._speak(LINE)
        answered = await self._answer(before, patience_s)
        self.outcome.rounds.append(None if answered is None else answered - asked)

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

    async def _speak(self, mulaw: bytes) -> None:
        for at in range(0, len(mulaw), FRAME):
            self._sequence += 1
            frame = mulaw[at : at + FRAME].ljust(FRAME, b"\xff")
            await self._send(media.CallerAudio(frame, self._sequence - 1, 20 * self._sequence, self._sequence))

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
        self._sequence += 1
        played = media.MarkPlayed(name, self._sequence)
        self._sending.add(task := self._loop.create_task(self._send(played)))
        task.add_done_callback(self._sending.discard)


@dataclass(frozen=True)
class Play:
    """The troubles, by connection; the caller's turns, and how long an answer is waited for; the model's name."""

    parts: Sequence[str]
    rounds: int
    patience_s: float
    model: str


async def play(folder: Path, name: str, what: Play, log: Log) -> Played:
    """A call on a hostile stand-in and one on a good one, at once."""
    events: list[Mapping[str, Any]] = []
    uses: list[str] = []
    Lookup.uses.set(uses)
    async with (
        _standin((), []) as good,
        _standin(what.parts, events) as bad,
        _gateway(folder, what.model, {"developer": bad, "vertex": good}, log) as (url, exchange),
    ):
        async with asyncio.TaskGroup() as group:
            callers = [Caller(url, name + "-well", "well"), Caller(url, name, "hostile")]
            calls = [group.create_task(caller.call(what.rounds, what.patience_s)) for caller in callers]
        async with asyncio.timeout(5):
            await exchange.empty()
        outcomes = [call.result() for call in calls]
        for outcome, caller in zip(outcomes, callers, strict=True):
            outcome.next = (await exchange.next("CA" + caller.sid, Tries(1))).next
    return Played(outcomes[1], outcomes[0], events, "CA" + name, uses)


@asynccontextmanager
async def _standin(parts: Sequence[str], events: list[Mapping[str, Any]]) -> AsyncIterator[str]:
    otherwise = tuple(f"{word} " * WORDS for word in ("one", "two", "three"))
    script = Script((), otherwise, tuple(read_part(part, HOSTILE) for part in parts))

    def emit(event: str, fields: Mapping[str, Any]) -> None:
        events.append({"event": event, **fields})

    kit = Kit(House(script, Resumption()), QUICK, lambda: cast(Ears, QuickEars()), emit)
    async with serving(kit) as url:
        yield url


@asynccontextmanager
async def _gateway(
    folder: Path, model: str, where: Mapping[Backend, str], log: Log
) -> AsyncIterator[tuple[str, Exchange]]:
    (folder / "clinic.yaml").write_text(FLOW.replace("MODEL", model), encoding="utf-8")

    async def find(backend: Backend) -> Endpoint:
        base = where[backend]
        known = Access(api_key="any", base_url=base, project="p", location="global", token="any")
        return endpoint(backend, known)

    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    settings = read({"AUTH": "off", "PORT": "0", "PLAYOUT_LEAD_MS": str(LEAD_MS)})
    exchange = Exchange(settings, Generations(load(folder, {})), find, log, Metrics())
    stop = asyncio.Event()

    async def stopped() -> None:
        await stop.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(serve(App(exchange, log), lifecycle.hypercorn_config(listener), shutdown_trigger=stopped))
        try:
            yield f"ws://127.0.0.1:{port}/ws/twilio", exchange
        finally:
            stop.set()


def lines(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines()]

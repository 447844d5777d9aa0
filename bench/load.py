"""Calls in real time, and what the gateway adds: delay, processor, memory.

    python -m bench.load                              1, 10 and 40 calls of 10 s
    python -m bench.load --calls 60 --model-ms 240
    python -m bench.load --find                       how many calls keep p99 of up and down below 10 ms

The server is a process of its own on one core; phones and models are this process, on another, on one clock.

    up      the 20 ms frame that completes a message to the model leaves the phone -> the message is at the model
    down    the model's message leaves -> the last of its sound is at the phone
    clear   the model's `interrupted` leaves -> `clear` is at the phone (each call every 2 s)
    waited  how long the server was ready to run while something else had its core: not the gateway's doing
    stolen  of each core's time, what the machine's host gave to other machines: nobody's doing here
    lag     how late the generator itself sends: the event loop's timers alone make it up to 1.1 ms

Delays are taken from real departure to real arrival, so lag doesn't add to them, but a generator that lags reads late.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from bench.child import Stage, stage, stolen_s
from bench.ledger import Ledger
from bench.peers import Call, Model, clock
from bench.table import Spread, spread, verdict

FRAME_S = 0.020
SETTLE_S = 1.0  # after the last call is up, before anything counts
QUIET_S = 0.6  # after the last frame: what is under way arrives
BARGE_IN_MS = 2000
BARGE_IN_AFTER_S = 0.010  # the model's last message is still being played
FIND = range(20, 201, 20)
LIMIT_MS = 10.0


@dataclass(frozen=True)
class Load:
    calls: int
    seconds: float = 10.0
    model_ms: int = 40


@dataclass(frozen=True)
class Result:
    load: Load
    up: Spread
    down: Spread
    clear: Spread
    lag: Spread
    cpu_ms: float  # of the server, per call and second
    rss_mb: float  # per call
    waited: float  # share of the time in which the server was ready to run and others had its core, percent
    stolen: float  # share of all cores' time that the machine's host gave to others, percent
    faults: Counter[str]

    @property
    def within(self) -> bool:
        """Whether the calls were served well."""
        return not self.faults and max(self.up.p99, self.down.p99) < LIMIT_MS


@dataclass
class Talk:
    """One call talking: both sides' clocks."""

    call: Call
    model: Model
    lag: list[float]
    running: bool = True
    _count: int = 0

    def begin(self, at: float, load: Load, phase: float) -> None:
        """From `at` on; `phase`, 0 to 1, is where in its periods this call stands."""
        step = load.model_ms / 1000
        turn = max(1, BARGE_IN_MS // load.model_ms)
        self._count = int(phase * turn)

        def answer(now: float) -> None:
            self.model.answer(now, load.model_ms)
            self._count += 1
            if self._count % turn == 0:
                asyncio.get_running_loop().call_later(BARGE_IN_AFTER_S, lambda: self.model.interrupt(clock()))

        self._every(FRAME_S, at + phase * FRAME_S, self.call.phone.say)
        self._every(step, at + (phase * step + 0.007) % step, answer)

    def _every(self, step: float, due: float, act: Callable[[float], None]) -> None:
        loop = asyncio.get_running_loop()
        offset = loop.time() - clock()  # the same clock on Linux, but nobody promises

        def beat(due: float) -> None:
            if self.running:
                now = clock()
                self.lag.append(now - due)
                act(now)
                loop.call_at(due + step + offset, beat, due + step)

        loop.call_at(due + offset, beat, due)


async def measure(here: Stage, load: Load) -> Result:
    """Place the calls, let them talk, hang up, and add up."""
    lag: list[float] = []
    idle_mb = here.gateway.rss_mb()
    talks = [await _place(here, load, index, lag) for index in range(load.calls)]
    await asyncio.sleep(SETTLE_S)
    cpu, waited, stolen = await _window(here, load.seconds, talks)
    rss_mb = here.gateway.rss_mb() - idle_mb
    for talk in talks:
        talk.running = False
    await asyncio.sleep(QUIET_S)
    faults = Counter(fault for talk in talks for fault in _faults(talk))
    await hang_up([talk.call for talk in talks])
    figures = (cpu * 1000 / load.calls, rss_mb / load.calls, waited * 100, stolen * 100)
    return Result(load, *_delays([talk.call.ledger for talk in talks]), spread(lag), *figures, faults)


async def _window(here: Stage, seconds: float, talks: list[Talk]) -> tuple[float, float, float]:
    """The time that counts. Seconds of processor, of waiting for it, and of each core's absence, in each second."""
    gateway, begun = here.gateway, clock()
    for talk in talks:
        talk.call.ledger.since = begun
        talk.lag.clear()
    cpu, waited, stolen = gateway.cpu_s(), gateway.waited_s(), stolen_s()
    await asyncio.sleep(seconds)
    took = clock() - begun
    absent = (stolen_s() - stolen) / (os.cpu_count() or 1)
    return (gateway.cpu_s() - cpu) / took, (gateway.waited_s() - waited) / took, absent / took


async def _place(here: Stage, load: Load, index: int, lag: list[float]) -> Talk:
    """One call, talking. Frames, messages and barge-ins of all calls are spread over their periods."""
    call = await here.desk.call(here.gateway.port)
    talk = Talk(call, await call.model(), lag)
    talk.begin((clock() // FRAME_S + 2) * FRAME_S, load, index / load.calls)
    return talk


def _faults(talk: Talk) -> list[str]:
    """LIVE_FRAME_MS goes to the server with the rest of the environment: so much sound may still be gathered there."""
    faults = talk.call.ledger.close(8 * int(os.environ.get("LIVE_FRAME_MS") or 40))
    return [*faults, "the stream was closed"] if talk.call.phone.over.is_set() else faults


def _delays(ledgers: list[Ledger]) -> tuple[Spread, Spread, Spread]:
    up, down, clear = ([d for ledger in ledgers for d in getattr(ledger, name)] for name in ("up", "down", "clear"))
    return spread(up), spread(down), spread(clear)


async def hang_up(calls: list[Call]) -> None:
    """Every caller hangs up; the gateway closes each stream. Raises TimeoutError."""
    for call in calls:
        if not call.phone.over.is_set():
            call.phone.stop()
    async with asyncio.timeout(5):
        for call in calls:
            await call.phone.over.wait()


async def warm_up(here: Stage) -> None:
    """One short call, so that what is loaded at the first call isn't counted as the next ones'."""
    await measure_short(here)
    gc.collect()
    gc.freeze()
    gc.disable()  # the generator's own pauses would look like the server's


async def measure_short(here: Stage) -> None:
    talk = await _place(here, Load(1), 0, [])
    await asyncio.sleep(0.3)
    talk.running = False
    await hang_up([talk.call])
    await asyncio.sleep(0.2)


async def run(load: Load) -> Result:
    """One load against a gateway of its own."""
    async with asyncio.timeout(60 + load.calls + load.seconds), stage(pinned=True) as here:
        await warm_up(here)
        try:
            return await measure(here, load)
        finally:
            gc.enable()
            gc.unfreeze()


_DELAY = f"{'p50':>7}{'p99':>7}{'max':>8}|"
HEAD = (
    f"{'':15}|{'up, ms':^22}|{'down, ms':^22}|{'clear, ms':^22}|"
    f"{'CPU ms':>8}{'RSS MB':>8}{'waited':>8}{'stolen':>8}|{'lag, ms':^22}|\n"
    f"{'calls  model':>15}|{_DELAY * 3}{'/call-s':>8}{'/call':>8}{'':16}|{_DELAY} faults"
)


def row(result: Result) -> str:
    load = result.load
    what = ", ".join(f"{text} ({count}x)" for text, count in result.faults.most_common(3)) or "none"
    delays = f"{result.up}|{result.down}|{result.clear}"
    server = f"{result.cpu_ms:8.1f}{result.rss_mb:8.2f}{result.waited:7.1f}%{result.stolen:7.1f}%"
    return f"{load.calls:>5}  {load.model_ms:>4} ms |{delays}|{server}|{result.lag}| {what}"


def judge(result: Result) -> list[str]:
    """The targets, at 40 calls on one core."""
    up, down, clear = result.up, result.down, result.clear
    return [
        verdict(up.p50 <= 2 and up.p99 <= 10, f"up      p50 <= 2 ms, p99 <= 10 ms: {up.p50:.2f}, {up.p99:.2f}"),
        verdict(down.p50 <= 2 and down.p99 <= 10, f"down    p50 <= 2 ms, p99 <= 10 ms: {down.p50:.2f}, {down.p99:.2f}"),
        verdict(clear.p99 <= 5, f"clear   p99 <= 5 ms: {clear.p99:.2f}"),
        verdict(result.rss_mb <= 1, f"memory  <= 1 MB per call: {result.rss_mb:.2f}"),
        verdict(not result.faults, "sound   none lost, none doubled"),
    ]


def find(seconds: float, model_ms: int) -> int:
    """The largest number of calls served well: halving, each number given two chances. 0 where not even the least."""
    low, high = -1, len(FIND)
    while high - low > 1:
        middle = (low + high) // 2
        if _serves(Load(FIND[middle], seconds, model_ms)):
            low = middle
        else:
            high = middle
    return FIND[low] if low >= 0 else 0


def _serves(load: Load) -> bool:
    for _ in range(2):
        result = asyncio.run(run(load))
        print(row(result), flush=True)
        if result.within:
            return True
    return False


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("bench.load", description="Calls in real time against one core.")
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 10, 40])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--model-ms", type=int, default=40, help="sound in each of the model's messages")
    parser.add_argument("--find", action="store_true", help="the largest number of calls served well")
    given = parser.parse_args(arguments)
    print(HEAD, flush=True)
    if given.find:
        print(f"calls on one core with p99 of up and down below {LIMIT_MS:.0f} ms: {find(5.0, given.model_ms)}")
        return 0
    well = True
    for calls in given.calls:
        result = asyncio.run(run(Load(calls, given.seconds, given.model_ms)))
        print(row(result), flush=True)
        if calls == 40:
            print("\n".join(lines := judge(result)))
            well = not any(line.startswith("MISS") for line in lines)
    return 0 if well else 1


if __name__ == "__main__":
    raise SystemExit(main())

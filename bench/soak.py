"""A thousand short calls, and then callers who are no callers: what stays behind in the gateway?

    python -m bench.soak [--calls 1000]

Twenty calls at a time, five times as fast as life: sound both ways, a barge-in, and an end of each kind. Then garbage:
streams that break the protocol in every way we know, after which the gateway must still serve. Takes about a minute.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.child import Stage, stage
from bench.load import measure_short
from bench.peers import HOST, PATIENCE_S, STREAM_PATH, Call, Model, clock
from bench.rubbish import STALLS, outcome, rubbish
from bench.table import verdict

AT_ONCE = 20
FRAMES = 30  # 0.6 s of sound, a frame every 4 ms
FRAME_S = 0.004
GARBAGE_S = 10.0  # the gateway gives a stream 5 s to begin
GROWTH_MB = 3.0  # a leak of 5 kB a call, once seen here, makes 4
STILL_OPEN = "still open"
Ending = Callable[[Call, Model], Awaitable[None]]


@dataclass(frozen=True)
class Sample:
    """The server at one moment."""

    calls: int
    rss_mb: float
    descriptors: int
    threads: int


def sample(here: Stage, calls: int) -> Sample:
    gateway = here.gateway
    return Sample(calls, gateway.rss_mb(), gateway.descriptors(), gateway.threads())


async def _stop(call: Call, model: Model) -> None:
    call.phone.stop()


async def _close(call: Call, model: Model) -> None:
    call.phone.close()


async def _reset(call: Call, model: Model) -> None:
    call.phone.vanish(reset=True)


async def _finish(call: Call, model: Model) -> None:
    call.phone.vanish(reset=False)


async def _model_closes(call: Call, model: Model) -> None:
    model.close(1008, b"API key not valid")


async def _model_breaks(call: Call, model: Model) -> None:
    """The session goes on in another connection, until the caller hangs up."""
    model.vanish()
    await asyncio.sleep(0.1)
    call.phone.stop()


# How a call may end, and what the gateway calls that.
ENDINGS: tuple[tuple[str, Ending, str], ...] = (
    ("stop", _stop, "caller-hung-up"),
    ("reset (RST)", _reset, "phone-gone"),
    ("stop", _stop, "caller-hung-up"),
    ("end without close (FIN)", _finish, "phone-gone"),
    ("close without stop", _close, "phone-gone"),
    ("model refuses our key, 1008", _model_closes, "model-gone"),
    ("model's socket breaks", _model_breaks, "caller-hung-up"),
)


async def short_call(here: Stage, end: Ending) -> list[str]:
    """One call, whole; the faults of its sound. Raises TimeoutError."""
    call = await here.desk.call(here.gateway.port)
    model = await call.model()
    for frame in range(FRAMES):
        now = clock()
        call.phone.say(now)
        if frame % 2 == 0:
            model.answer(now)
        if frame == FRAMES // 2:
            model.interrupt(clock())
        await asyncio.sleep(FRAME_S)
    await _quiet(call)
    faults = call.ledger.close()
    await end(call, model)
    async with asyncio.timeout(PATIENCE_S):
        await call.phone.over.wait()
    return faults


async def _quiet(call: Call) -> None:
    """Until all that was said is there: the gateway sends no faster than its lead over play-out allows."""
    async with asyncio.timeout(PATIENCE_S):
        while call.ledger.close():  # noqa: ASYNC110  the ledger is plain data
            await asyncio.sleep(0.01)


async def churn(here: Stage, calls: int) -> Counter[str]:
    """That many calls, AT_ONCE at a time, endings in turn. What went wrong, by name."""
    wrong: Counter[str] = Counter()
    numbers = iter(range(calls))

    async def place() -> None:
        for n in numbers:
            name, end, _ = ENDINGS[n % len(ENDINGS)]
            try:
                wrong.update(await short_call(here, end))
            except (TimeoutError, OSError) as failed:
                wrong[f"{name}: {type(failed).__name__}"] += 1

    async with asyncio.TaskGroup() as group:
        for n in range(min(AT_ONCE, calls)):
            group.create_task(place(), name=f"caller-{n}")
    return wrong


async def settled(here: Stage, descriptors: int) -> None:
    """Give the server up to 5 s to close what is over."""
    deadline = clock() + 5
    while here.gateway.descriptors() > descriptors and clock() < deadline:  # noqa: ASYNC110  the kernel tells nobody
        await asyncio.sleep(0.02)


def ended(here: Stage) -> Counter[str]:
    """How the calls ended, as the gateway has it."""
    return Counter(str(note["ended"]) for note in here.gateway.notes("call-ended"))


def expected(calls: int) -> Counter[str]:
    return Counter(ENDINGS[n % len(ENDINGS)][2] for n in range(calls))


async def garbage(here: Stage, streams: int) -> Counter[str]:
    """That many broken streams at once; how each ended, by kind."""
    ends: Counter[str] = Counter()

    async def one(name: str, pieces: tuple[bytes, ...]) -> None:
        ends[f"{name}: {await _throw(here.gateway.port, pieces)}"] += 1

    host = f"{HOST}:{here.gateway.port}"
    async with asyncio.TaskGroup() as group:
        for n in range(streams):
            kinds = list(rubbish(host, STREAM_PATH, f"MZbad{n}"))
            group.create_task(one(*kinds[n % len(kinds)]), name=f"garbage-{n}")
    return ends


async def _throw(port: int, pieces: tuple[bytes, ...]) -> str:
    """Send, and wait for the end: its close code or HTTP status, or the lack of both."""
    reader, writer = await asyncio.open_connection(HOST, port)
    answer = b""
    try:
        async with asyncio.timeout(GARBAGE_S):
            writer.write(pieces[0])
            if len(pieces) > 1:
                answer = await reader.readuntil(b"\r\n\r\n")  # as every client that may speak waits for it
                writer.writelines(pieces[1:])
            return outcome(answer + await reader.read())
    except TimeoutError:
        return STILL_OPEN
    except (ConnectionError, asyncio.IncompleteReadError):
        return "reset"
    finally:
        writer.close()


async def healthy(here: Stage) -> str:
    """What /readyz says."""
    reader, writer = await asyncio.open_connection(HOST, here.gateway.port)
    writer.write(f"GET /readyz HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(PATIENCE_S):
        answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n\r\n")[2].decode().strip()


@dataclass(frozen=True)
class Report:
    samples: list[Sample]
    wrong: Counter[str]
    ended: Counter[str]
    garbage: Counter[str]
    ready: str

    @property
    def growth_mb(self) -> float:
        """From a quarter of the calls to the last one."""
        return self.samples[4].rss_mb - self.samples[1].rss_mb

    @property
    def leaked(self) -> int:
        """Descriptors more than at the start."""
        return self.samples[-1].descriptors - self.samples[0].descriptors


async def soak(here: Stage, calls: int, streams: int) -> Report:
    """Samples: before, after each quarter of the calls, and after the garbage."""
    await measure_short(here)
    await healthy(here)
    samples = [sample(here, 0)]
    before = ended(here)
    wrong: Counter[str] = Counter()
    for quarter in range(1, 5):
        wrong += await churn(here, calls // 4)
        await settled(here, samples[0].descriptors)
        samples.append(sample(here, quarter * (calls // 4)))
    ends = ended(here) - before
    thrown = await garbage(here, streams)
    await settled(here, samples[0].descriptors)
    wrong += await churn(here, min(AT_ONCE, calls))
    await settled(here, samples[0].descriptors)
    samples.append(sample(here, calls))
    return Report(samples, wrong, ends, thrown, await healthy(here))


async def _run(calls: int, streams: int) -> Report:
    async with asyncio.timeout(120 + calls / 5), stage() as here:
        return await soak(here, calls, streams)


def show(report: Report, calls: int) -> None:
    print(f"{'calls':>20}{'RSS MB':>9}{'descriptors':>13}{'threads':>9}")
    names = [str(taken.calls) for taken in report.samples[:-1]] + ["after the garbage"]
    for name, taken in zip(names, report.samples, strict=True):
        print(f"{name:>20}{taken.rss_mb:9.1f}{taken.descriptors:13}{taken.threads:9}")
    print(f"\nhow the gateway says that calls ended (expected: {dict(expected(calls // 4))} a quarter)")
    for text, found in (("", report.ended), ("what went wrong", report.wrong), ("garbage", report.garbage)):
        print("\n".join([text] * bool(text) + [f"{number:6}  {name}" for name, number in sorted(found.items())]))
    print(f"ready: {report.ready}\n")


def judge(report: Report, calls: int) -> list[str]:
    quarter = expected(calls // 4)
    wanted = quarter + quarter + quarter + quarter
    stuck = (end for end in report.garbage if end.endswith(STILL_OPEN) and end.partition(":")[0] not in STALLS)
    still = sum(report.garbage[end] for end in stuck)
    return [
        verdict(report.growth_mb <= GROWTH_MB, f"memory       grows <= {GROWTH_MB:.0f} MB: {report.growth_mb:.1f}"),
        verdict(report.leaked <= 0, f"descriptors  as at the start: {report.leaked:+}"),
        verdict(report.ended == wanted, "endings      each call ended once, as it was ended"),
        verdict(not report.wrong, f"sound        none lost, none doubled, nobody left waiting: {report.wrong.total()}"),
        verdict(still == 0, f"garbage      every stream was closed, but for stalled ones: {still} open"),
        verdict('"calls":0' in report.ready and '"ready":true' in report.ready, "ready        serves, and has no call"),
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("bench.soak", description="What many calls leave behind.")
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--garbage", type=int, default=51, help="broken streams")
    given = parser.parse_args(arguments)
    begun = clock()
    report = asyncio.run(_run(given.calls, given.garbage))
    show(report, given.calls)
    lines = judge(report, given.calls)
    print("\n".join(lines) + f"\n{clock() - begun:.0f} s")
    return 0 if all(line.startswith("ok") for line in lines) else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""Strangers at the door: 10,000 handshakes that nobody signed, while 20 calls talk. No call may suffer.

    python -m bench.flood

The gateway checks signatures and tokens, as in service; the calls have theirs. Delays are those of `bench.load`: first
without strangers, then with. Server and generator have a core each, and the generator is the strangers too. On a lent
machine a run of which the host took over 1 % (`stolen`) says little of delays: it is repeated, three times at most.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from bench import load
from bench.child import Stage, stage
from bench.frames import upgrade
from bench.load import Load, Result
from bench.peers import HOST, STREAM_PATH, Sealed
from bench.table import verdict
from gateway.twilio import signature, token

CALLS, SECONDS, STRANGERS, AT_ONCE = 20, 20.0, 10_000, 20
AUTH_TOKEN, STREAM_SECRET = "0123456789abcdef0123456789abcdef", "a secret of the benchmark's"
SECURE = {"AUTH": "required", "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "STREAM_SECRET": STREAM_SECRET}
P99_MS = 20.0  # of up and down: one frame
STOLEN, RUNS = 1.0, 4  # percent of a core's time, and how often a run that lost more is tried
SHARE = 0.05  # of what a second of a call costs, for one stranger


def seal(port: int, call_sid: str) -> Sealed:
    """As Twilio and our Functions do it."""
    signed = signature.sign(f"ws://{HOST}:{port}{STREAM_PATH}", {}, AUTH_TOKEN)
    claims = token.StreamClaims(call_sid, "AC1", "bench", "line", "mute")
    parameters = {"token": token.mint(STREAM_SECRET, claims, time.time(), call_sid)}
    return Sealed((f"{signature.HEADER}: {signed}",), parameters)


async def knock(port: int, answers: Counter[str]) -> None:
    """One stranger: a whole handshake with a forged signature, and what it is answered."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(upgrade(f"{HOST}:{port}", STREAM_PATH, f"{signature.HEADER}: Zm9yZ2Vk"))
        head = await reader.read(200)
        answers[head[9:12].decode("latin1") or "no answer"] += 1
    except OSError as failed:
        answers[type(failed).__name__] += 1
    finally:
        writer.close()


async def flood(port: int, answers: Counter[str]) -> None:
    """STRANGERS of them, AT_ONCE at a time, spread over the time that counts."""
    left = iter(range(STRANGERS))
    pause = AT_ONCE * (SECONDS - 2) / STRANGERS

    async def stranger() -> None:
        for _ in left:
            begun = time.monotonic()
            await knock(port, answers)
            await asyncio.sleep(max(0.0, begun + pause - time.monotonic()))

    async with asyncio.TaskGroup() as group:
        for nth in range(AT_ONCE):
            group.create_task(stranger(), name=f"stranger-{nth}")


async def measure(strangers: bool) -> tuple[Result, Counter[str]]:
    answers: Counter[str] = Counter()
    async with asyncio.timeout(120 + SECONDS), stage(pinned=True, **SECURE) as here:
        here.desk.seal = seal
        await load.warm_up(here)
        async with asyncio.TaskGroup() as group:
            if strangers:
                group.create_task(_later(here, answers), name="flood")
            measured = group.create_task(load.measure(here, Load(CALLS, SECONDS)), name="calls")
        return measured.result(), answers


async def _later(here: Stage, answers: Counter[str]) -> None:
    await asyncio.sleep(load.SETTLE_S + 0.5)
    await flood(here.gateway.port, answers)


def undisturbed(strangers: bool) -> tuple[Result, Counter[str]]:
    """The first run that the machine's host let be, or the last."""
    for _ in range(RUNS):
        result, answers = asyncio.run(measure(strangers))
        print(load.row(result), flush=True)
        if result.stolen <= STOLEN:
            break
    return result, answers


def share(alone: Result, among: Result) -> float:
    """What refusing one stranger costs, in seconds of a call: processor time of one run by that of another."""
    more = (among.cpu_ms - alone.cpu_ms) * CALLS * SECONDS
    return more / STRANGERS / alone.cpu_ms


def main() -> int:
    print(load.HEAD, flush=True)
    alone, _ = undisturbed(strangers=False)
    among, answers = undisturbed(strangers=True)
    print("strangers:", ", ".join(f"{count} answered {answer}" for answer, count in sorted(answers.items())))
    cost = share(alone, among)
    worst = max(among.up.p99, among.down.p99)
    lines = [
        verdict(answers == {"403": STRANGERS}, f"{STRANGERS} strangers, each refused with 403"),
        verdict(not among.faults, "sound   none lost, none doubled, no call ended"),
        verdict(cost <= SHARE, f"a stranger costs <= {SHARE} of a call's second: {cost:.3f}"),
        verdict(
            worst <= P99_MS,
            f"up and down p99 <= {P99_MS:.0f} ms among strangers: {worst:.2f}"
            f" ({among.stolen:.1f} % of the time stolen)",
        ),
    ]
    print("\n".join(lines))
    return 0 if all(line.startswith("ok") for line in lines) else 1


if __name__ == "__main__":
    raise SystemExit(main())

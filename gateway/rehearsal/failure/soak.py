"""Short calls, many at once, while the gateways are replaced one after the other."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from contextlib import suppress

from gateway.rehearsal.failure.caller import Caller
from gateway.rehearsal.failure.stage import DIALLED, Stage
from gateway.rehearsal.failure.twilio import Account, Call
from gateway.rehearsal.webhook import Dialled

AT_ONCE = 40
TALK_S = 3.5  # then the caller leaves when the agent has finished: calls of 4 to 6 s
REPLACED_EVERY_S = 20.0
LONGEST_S = 60.0  # of one call: it never ended
SPREAD_S = 0.12  # between the first calls


async def soak(here: Stage, account: Account, calls: int) -> list[Call]:
    """That many calls, AT_ONCE at a time, to their end. At least one gateway is replaced on the way."""
    placed = [call_of(account, number) for number in range(calls)]
    waiting = iter(placed)
    async with asyncio.TaskGroup() as group:
        replacing = group.create_task(_replace(here), name="deploy")
        async with asyncio.TaskGroup() as callers:
            for at in range(min(AT_ONCE, calls)):
                callers.create_task(_one_after_another(waiting, at * SPREAD_S), name=f"caller-{at}")
        replacing.cancel()
    return placed


def call_of(account: Account, number: int) -> Call:
    """The call of that number, not placed yet."""
    return Call(account, Caller(time.monotonic), Dialled(f"CA{number:032x}", f"+1415556{number:04d}", DIALLED))


async def _one_after_another(waiting: Iterator[Call], after_s: float) -> None:
    await asyncio.sleep(after_s)
    loop = asyncio.get_running_loop()
    for call in waiting:
        call.caller.begin()
        leaving = loop.call_later(TALK_S, call.caller.leave)
        with suppress(TimeoutError):  # it has no end then, and that is its outcome
            async with asyncio.timeout(LONGEST_S):
                await call.run()
        leaving.cancel()


async def _replace(here: Stage) -> None:
    """One gateway after the other, the oldest first. The next is begun while the last still leaves."""
    async with asyncio.TaskGroup() as leaving:
        for at in itertools.count():
            old = here.instances[at]
            await here.add()
            await here.balancer.remove(old.port)
            leaving.create_task(old.leave(), name=f"leave-{old.name}")
            await asyncio.sleep(REPLACED_EVERY_S)

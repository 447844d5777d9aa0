"""One run of a scenario: calls placed, something fails, callers hang up, and what became of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.rehearsal.failure.balancer import Kind
from gateway.rehearsal.failure.measure import Outcome, outcome
from gateway.rehearsal.failure.scenarios import Play, Scenario
from gateway.rehearsal.failure.soak import call_of, soak
from gateway.rehearsal.failure.stage import Stage, stage
from gateway.rehearsal.failure.twilio import Account, Call
from gateway.rehearsal.failure.valkey import Left

CYCLE_S = 3.4  # of a turn of each side: the calls begin spread over it, so that a fault finds them all over it
SETTLED_S = 25.0  # for all calls to be talking
AFTER_S = 6.0  # they go on talking
HANG_UP_S = 15.0


@dataclass(frozen=True, slots=True)
class Exit:
    """How an instance that was asked to leave did. `code` is below 0 where it had to be killed."""

    name: str
    after_s: float
    code: int


@dataclass(frozen=True, slots=True)
class Run:
    outcomes: tuple[Outcome, ...]
    left: Left | None
    exits: tuple[Exit, ...]


async def rehearse(scenario: Scenario, calls: int, balancer: Kind, logs: Path | None = None) -> Run:
    """`logs`: a folder that keeps what the parts wrote. Raises what `stage` raises."""
    async with stage(replace(scenario.setting, balancer=balancer, logs=logs)) as here:
        account = Account(here.exchange, scenario.after_loss)
        play = scenario.play
        placed = await (soak(here, account, calls) if play is None else _together(here, account, calls, play))
        outcomes = tuple(outcome(call, here.journal.of(call.dialled.caller), here.fault_at) for call in placed)
        return Run(outcomes, await here.valkey.left(), _exits(here))


async def _together(here: Stage, account: Account, calls: int, play: Play) -> list[Call]:
    """Calls that are all up when something fails, and go on after it."""
    placed = [call_of(account, number) for number in range(calls)]
    async with asyncio.TaskGroup() as group:
        talking = [
            group.create_task(_later(call, CYCLE_S * at / calls), name=f"call-{at}") for at, call in enumerate(placed)
        ]
        await _settled(here, placed)
        await play(here)
        await asyncio.sleep(AFTER_S)
        await _hang_up(placed, talking)
    return placed


async def _later(call: Call, after_s: float) -> None:
    await asyncio.sleep(after_s)
    call.caller.begin()
    await call.run()


async def _settled(here: Stage, calls: Sequence[Call]) -> None:
    """Until every call that is up has had its first turn, or that takes too long: the outcome will tell."""
    until = time.monotonic() + SETTLED_S
    while time.monotonic() < until:
        if all(call.end or _talks(here, call) for call in calls):
            return
        await asyncio.sleep(0.05)


def _talks(here: Stage, call: Call) -> bool:
    return any(connection.heard for connection in here.journal.of(call.dialled.caller))


async def _hang_up(calls: Sequence[Call], talking: Sequence[asyncio.Task[None]]) -> None:
    for call in calls:
        call.caller.leave()
    _, still = await asyncio.wait(talking, timeout=HANG_UP_S)
    for task in still:
        task.cancel()


def _exits(here: Stage) -> tuple[Exit, ...]:
    return tuple(
        Exit(instance.name, instance.left_after_s, instance.code if instance.code is not None else 0)
        for instance in here.instances
        if instance.left_after_s is not None
    )

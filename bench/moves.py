"""The model's connection changes while calls go on: how long the model hears nothing, and whether a frame is lost.

    python -m bench.moves                     1,000 moves after goAway, then 200 losses

    gap     from the old connection's end to the new one's setupComplete, as the gateway tells it (`model-back`)
    sound   the caller's frames are counted across all sessions of a call: each is heard once, none twice. After a loss
            the caller's turn without an answer is sent again, so there it only counts that none is missing

The caller speaks all the time, so no move waits for a quiet moment: the hardest case. The sessions end on this machine:
Google's own handshake and setup come on top.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable

from bench.child import Stage, stage
from bench.load import FRAME_S, hang_up
from bench.peers import PATIENCE_S, Call, Model, clock
from bench.table import Spread, spread, verdict

CALLS = 10
MOVE_MS, LOSS_S = 300, 1.0  # the targets: p99 of the gap after goAway, of the gap after a loss
DOUBLED = "up: more sound than was sent"
REST_S = 0.1  # between a session's beginning and its end
SLACK = 8 * 40  # of the sound may still be gathered for a message


async def talk(call: Call) -> None:
    """The caller's line, 50 frames a second, silence or not."""
    due = clock()
    while not call.phone.over.is_set():
        call.phone.say(clock())
        due += FRAME_S
        await asyncio.sleep(max(0.0, due - clock()))


async def moved(call: Call, model: Model) -> Model:
    """The session moves: announced, left, taken up by the next connection."""
    model.leave()
    async with asyncio.timeout(PATIENCE_S):
        return await call.next.get()


async def lost(call: Call, model: Model) -> Model:
    """The connection breaks without a word."""
    model.vanish()
    async with asyncio.timeout(PATIENCE_S):
        return await call.next.get()


Change = Callable[[Call, Model], Awaitable[Model]]


async def change(here: Stage, times: int, how: Change) -> list[str]:
    """One call that changes its connection so often. What was wrong with its sound."""
    call = await here.desk.call(here.gateway.port)
    async with asyncio.TaskGroup() as group:
        talking = group.create_task(talk(call), name="talk")
        model = await call.model()
        for _ in range(times):
            await asyncio.sleep(REST_S)
            model = await how(call, model)
        await asyncio.sleep(REST_S)
        talking.cancel()
    await asyncio.sleep(REST_S)
    faults = call.ledger.close(SLACK)
    await hang_up([call])
    return faults


async def run(total: int, how: Change, each: int) -> tuple[Spread, list[str]]:
    """So many changes, `each` of them in one call, CALLS calls at a time."""
    env = {"LIVE_FRAME_MS": "40"}
    async with asyncio.timeout(60 + total), stage(pinned=True, **env) as here:
        here.desk.keep = True
        faults: list[str] = []
        for _ in range(total // (CALLS * each)):
            async with asyncio.TaskGroup() as group:
                calls = [group.create_task(change(here, each, how), name=f"call-{n}") for n in range(CALLS)]
            faults += [fault for call in calls for fault in call.result()]
        gaps = [float(str(note["gap_ms"])) / 1000 for note in here.gateway.notes("model-back")]
        return spread(gaps), faults


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("bench.moves", description="Connections that change while calls go on.")
    parser.add_argument("--moves", type=int, default=1000)
    parser.add_argument("--losses", type=int, default=200)
    given = parser.parse_args(arguments)
    print(f"{'':22}{'count':>7}|{'gap, ms':^22}| faults\n{'':22}{'':7}|{'p50':>7}{'p99':>7}{'max':>8}|", flush=True)
    moves, odd = asyncio.run(run(given.moves, moved, max(1, given.moves // CALLS)))
    print(f"{'moves after goAway':22}{moves.count:7}|{moves}| {', '.join(sorted(set(odd))) or 'none'}", flush=True)
    losses, again = asyncio.run(run(given.losses, lost, 1))
    broken = [fault for fault in again if fault != DOUBLED]
    print(f"{'losses':22}{losses.count:7}|{losses}| {', '.join(sorted(set(broken))) or 'none'}")
    lines = [
        verdict(
            moves.count == given.moves // CALLS * CALLS and not odd, "moves: no frame of the caller lost or doubled"
        ),
        verdict(moves.p99 <= MOVE_MS, f"moves: gap p99 <= {MOVE_MS} ms: {moves.p99:.0f}"),
        verdict(not broken, "losses: no frame of the caller lost"),
        verdict(losses.p99 <= LOSS_S * 1000, f"losses: gap p99 <= {LOSS_S:.0f} s: {losses.p99:.0f} ms"),
    ]
    print("\n" + "\n".join(lines))
    return 0 if all(line.startswith("ok") for line in lines) else 1


if __name__ == "__main__":
    raise SystemExit(main())

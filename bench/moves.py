"""The model's connection changes while calls go on: what is heard of it, and whether a frame is lost.

    python -m bench.moves      1,000 moves after goAway, 100 in mid-sentence, 100 of callers who just began, 200 losses

    gap       from the old connection's end to the new one's setupComplete, as the gateway tells it (`model-back`)
    audible   the agent speaks all the time: how long the phone had nothing to play
    accepted  from the connection's end to the first of the caller's sound at the new one, on the model's side
    sound     the caller's frames say their numbers (bench.count), and all sessions of a call together hear each of
              them once, in order. After a loss the caller's turn without an answer is sent again, so there it only
              counts that none is missing

The caller speaks all the time, so no move waits for a quiet moment: the hardest case. They have done so for a while
when the first move comes, but for the callers who just began: one who began less than a second before the handle is
heard from the beginning again, and one who began less than two seconds ago over the agent has cut in (docs/design.md,
2026-11-27). The sessions end on this machine: Google's own handshake and setup come on top.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import orjson

from bench import count
from bench.child import Stage, stage
from bench.load import FRAME_S, hang_up
from bench.peers import PATIENCE_S, Call, Model, clock
from bench.table import Spread, spread, verdict

CALLS = 10
MOVE_MS, LOSS_MS = 300, 1000  # the targets: p99 of the gaps after goAway, and of sound accepted after a loss
DOUBLED = "up: more sound than was sent"
BEFORE_S = 2.5  # the caller speaks before the first move
REST_S = 0.1  # between a session's beginning and its end
SPOKEN_S = 0.04  # a message of the agent's
SLACK = 8 * 40  # of the sound may still be gathered for a message


@dataclass
class Seen:
    """What the changes of all calls brought: seconds, and faults."""

    audible: list[float] = field(default_factory=list)
    accepted: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


async def talk(call: Call) -> None:
    """The caller's line, 50 frames a second, silence or not."""
    due = clock()
    while not call.phone.over.is_set():
        call.phone.say(clock())
        due += FRAME_S
        await asyncio.sleep(max(0.0, due - clock()))


async def speak(model: Model) -> None:
    """The agent's voice in one session, without a pause."""
    due = clock()
    while not model.over:
        model.answer(clock())
        due += SPOKEN_S
        await asyncio.sleep(max(0.0, due - clock()))


async def following(call: Call) -> Model:
    async with asyncio.timeout(PATIENCE_S):
        return await call.next.get()


async def moved(call: Call, model: Model, seen: Seen) -> Model:
    """The session moves: announced, left, taken up by the next connection."""
    model.leave()
    return await following(call)


async def moved_early(call: Call, model: Model, seen: Seen) -> Model:
    """The same with a caller who has just begun."""
    return await moved(call, model, seen)


async def moved_in_speech(call: Call, model: Model, seen: Seen) -> Model:
    """The same while the agent speaks, and it speaks on as soon as it is there."""
    async with asyncio.TaskGroup() as group:
        group.create_task(speak(model))
        await asyncio.sleep(3 * REST_S)
        call.phone.gaps.clear()
        model.leave()
        after = await following(call)
        speaking = group.create_task(speak(after))
        await asyncio.sleep(3 * REST_S)
        seen.audible.append(max(call.phone.gaps, default=0.0))
        speaking.cancel()
    return after


async def lost(call: Call, model: Model, seen: Seen) -> Model:
    """The connection breaks without a word."""
    began = clock()
    model.vanish()
    after = await following(call)
    async with asyncio.timeout(PATIENCE_S):
        seen.accepted.append(await after.heard_at - began)
    return after


Change = Callable[[Call, Model, Seen], Awaitable[Model]]


async def change(here: Stage, times: int, how: Change, seen: Seen) -> None:
    """One call that changes its connection so often. What was wrong with its sound."""
    call = await here.desk.call(here.gateway.port)
    call.phone.pieces = count.pieces()
    async with asyncio.TaskGroup() as group:
        talking = group.create_task(talk(call), name="talk")
        model = await call.model()
        await asyncio.sleep(BEFORE_S if how in (moved, moved_in_speech) else 0.0)
        for _ in range(times):
            await asyncio.sleep(REST_S)
            model = await how(call, model, seen)
        await asyncio.sleep(REST_S)
        talking.cancel()
    await asyncio.sleep(REST_S)
    seen.faults += call.ledger.close(SLACK)
    if how is not lost:
        seen.faults += count.faults(heard(call))
    await hang_up([call])


def heard(call: Call) -> bytes:
    """The caller's sound as all sessions of the call heard it, one after the other."""
    messages = (orjson.loads(message)["realtimeInput"]["audio"]["data"] for message in call.ledger.sound)
    return b"".join(base64.b64decode(data) for data in messages)


async def run(total: int, how: Change, each: int) -> tuple[Spread, Seen]:
    """So many changes, `each` of them in one call, CALLS calls at a time."""
    env = {"LIVE_FRAME_MS": "40"}
    async with asyncio.timeout(60 + total), stage(pinned=True, **env) as here:
        here.desk.keep = True
        seen = Seen()
        for _ in range(total // (CALLS * each)):
            async with asyncio.TaskGroup() as group:
                for n in range(CALLS):
                    group.create_task(change(here, each, how, seen), name=f"call-{n}")
        gaps = [float(str(note["gap_ms"])) / 1000 for note in here.gateway.notes("model-back")]
        return spread(gaps), seen


def row(name: str, spread: Spread, faults: list[str] | None = None) -> None:
    told = "" if faults is None else ", ".join(sorted(set(faults))) or "none"
    print(f"{name:34}{spread.count:7}|{spread}| {told}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("bench.moves", description="Connections that change while calls go on.")
    parser.add_argument("--moves", type=int, default=1000)
    parser.add_argument("--spoken", type=int, default=100)
    parser.add_argument("--early", type=int, default=100)
    parser.add_argument("--losses", type=int, default=200)
    given = parser.parse_args(arguments)
    print(f"{'':34}{'count':>7}|{'ms':^22}| faults\n{'':34}{'':7}|{'p50':>7}{'p99':>7}{'max':>8}|", flush=True)
    moves, seen = asyncio.run(run(given.moves, moved, max(1, given.moves // CALLS)))
    row("moves after goAway: gap", moves, seen.faults)
    _, spoken = asyncio.run(run(given.spoken, moved_in_speech, max(1, given.spoken // CALLS)))
    audible, cut = spread(spoken.audible), [fault for fault in spoken.faults if not fault.startswith("down")]
    row("moves in mid-sentence: audible", audible, cut)
    early, begun = asyncio.run(run(given.early, moved_early, 1))
    missing = [fault for fault in begun.faults if "doubled" not in fault and fault != DOUBLED]
    row("moves of callers who just began", early, missing)
    losses, again = asyncio.run(run(given.losses, lost, 1))
    accepted, broken = spread(again.accepted), [fault for fault in again.faults if fault != DOUBLED]
    row("losses: gap", losses, broken)
    row("losses: sound accepted", accepted)
    whole = moves.count == given.moves // CALLS * CALLS
    lines = [
        verdict(whole and not seen.faults, "moves: no frame of the caller lost or doubled, by their numbers"),
        verdict(moves.p99 <= MOVE_MS, f"moves: gap p99 <= {MOVE_MS} ms: {moves.p99:.0f}"),
        verdict(not cut, "moves in mid-sentence: no frame of the caller lost or doubled"),
        verdict(audible.p99 <= MOVE_MS, f"moves in mid-sentence: audible gap p99 <= {MOVE_MS} ms: {audible.p99:.0f}"),
        verdict(not missing, "moves of callers who just began: no frame of the caller lost"),
        verdict(not broken, "losses: no frame of the caller lost"),
        verdict(accepted.p99 <= LOSS_MS, f"losses: sound accepted again p99 <= {LOSS_MS} ms: {accepted.p99:.0f}"),
    ]
    print("\n" + "\n".join(lines))
    return 0 if all(line.startswith("ok") for line in lines) else 1


if __name__ == "__main__":
    raise SystemExit(main())

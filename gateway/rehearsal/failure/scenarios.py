"""What fails, and what must become of the calls all the same. A scenario is data; what happens in it is one function.

The figures of `Expected` are this project's: they hold on loopback, with eight calls on two cores.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.rehearsal.failure.balancer import Patience, Rules
from gateway.rehearsal.failure.stage import Setting, Stage
from gateway.rehearsal.failure.twilio import AfterLoss

LOOSE_GAP_S = 5.0
PAUSE_S = 1.0  # between a fault of the store and an instance's
QUIET_S = 4.0  # in which a fault that moves no call would show
STREAM_S = 6  # of a planned move
HASTY = Rules(patience=Patience(1.0, 2))
HOUR_S = 10.0  # what the balancer takes for an hour, where moves are planned

Play = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Expected:
    """Shares of the calls: `kept` of all, `same` (session) of those that moved. `gap_s`: the strict bound of the
    median; without --strict LOOSE_GAP_S holds. `moved`: at least so many, or nothing was rehearsed. `orderly`: every
    stream ends with a close frame."""

    kept: float = 1.0
    same: float = 1.0
    gap_s: float = LOOSE_GAP_S
    moved: float = 0.0
    orderly: bool = False
    twice: bool = False  # a frozen instance keeps its connections to the model


@dataclass(frozen=True, slots=True)
class Scenario:
    """`play` None: many short calls while the gateways are replaced (`soak`)."""

    name: str
    about: str
    play: Play | None
    expected: Expected = Expected()
    after_loss: AfterLoss = "continue"
    setting: Setting = field(default_factory=Setting)


async def _nothing(stage: Stage) -> None:
    await asyncio.sleep(QUIET_S)


async def _sigterm(stage: Stage) -> None:
    """As Cloud Run documents it: new requests go to other instances, then SIGTERM, 10 s later SIGKILL."""
    victim = stage.instances[0]
    await stage.balancer.remove(victim.port)
    await victim.leave()


async def _sigterm_unannounced(stage: Stage) -> None:
    await stage.instances[0].leave()


async def _sigkill(stage: Stage) -> None:
    stage.strike()
    await stage.instances[0].kill()


async def _sigstop(stage: Stage) -> None:
    """The balancer's checks find it, and the platform ends what answers no check."""
    stage.strike()
    stage.instances[0].signal(signal.SIGSTOP)
    await stage.instances[0].gone(30.0)


async def _thaw(stage: Stage) -> None:
    """Its calls have gone elsewhere when it wakes; then they come back to it, and what it remembers is old."""
    stage.strike()
    frozen, other = stage.instances[0], stage.instances[1]
    frozen.signal(signal.SIGSTOP)
    await asyncio.sleep(2 * QUIET_S)
    frozen.signal(signal.SIGCONT)
    await asyncio.sleep(QUIET_S)
    await stage.balancer.remove(other.port)
    await other.leave()


async def _redis_killed(stage: Stage) -> None:
    await stage.valkey.kill()
    await asyncio.sleep(QUIET_S)


async def _redis_frozen(stage: Stage) -> None:
    stage.valkey.freeze()
    await asyncio.sleep(QUIET_S)


async def _redis_wiped(stage: Stage) -> None:
    await stage.valkey.wipe()
    await asyncio.sleep(QUIET_S)


async def _redis_killed_then_sigterm(stage: Stage) -> None:
    await stage.valkey.kill()
    await asyncio.sleep(PAUSE_S)
    await _sigterm(stage)


async def _redis_frozen_then_sigterm(stage: Stage) -> None:
    stage.valkey.freeze()
    await asyncio.sleep(PAUSE_S)
    await _sigterm(stage)


async def _redis_wiped_then_sigterm(stage: Stage) -> None:
    await stage.valkey.wipe()
    await asyncio.sleep(PAUSE_S)
    await _sigterm(stage)


async def _live_cut(stage: Stage) -> None:
    stage.break_models()
    await asyncio.sleep(QUIET_S)


async def _deploy(stage: Stage) -> None:
    """One new instance for each old one, one after the other."""
    for old in stage.instances[:2]:
        await stage.add()
        await stage.balancer.remove(old.port)
        await old.leave()


async def _balancer_restart(stage: Stage) -> None:
    stage.strike()
    await stage.balancer.restart()
    await asyncio.sleep(QUIET_S)


async def _hour_cut(stage: Stage) -> None:
    stage.strike()
    await stage.balancer.cut()
    await asyncio.sleep(QUIET_S)


async def _planned_move(stage: Stage) -> None:
    await asyncio.sleep(HOUR_S + 2)


_KILLED = Expected(same=0.95, gap_s=1.5, moved=0.25)

SCENARIOS: tuple[Scenario, ...] = (
    Scenario("none", "nothing fails", _nothing),
    Scenario("sigterm", "an instance is asked to leave", _sigterm, Expected(gap_s=0.5, moved=0.25, orderly=True)),
    Scenario(
        "sigterm-unannounced",
        "the same, and the balancer learns it from the readiness check alone",
        _sigterm_unannounced,
        Expected(moved=0.25, orderly=True),
    ),
    Scenario("sigkill-continue", "an instance is killed; Twilio goes on with the TwiML", _sigkill, _KILLED),
    Scenario(
        "sigkill-hangup",
        "an instance is killed; Twilio hangs up",
        _sigkill,
        Expected(kept=0.5, same=0.0),
        after_loss="hang-up",
    ),
    Scenario(
        "sigstop",
        "an instance freezes; checks cut its sessions and end it",
        _sigstop,
        Expected(moved=0.25),
        setting=Setting(rules=HASTY),
    ),
    Scenario(
        "thaw-then-sigterm",
        "an instance freezes, its calls move, it wakes, and the other is asked to leave",
        _thaw,
        Expected(same=0.0, moved=0.5, twice=True),
        setting=Setting(rules=HASTY, liveness=False),
    ),
    Scenario("redis-killed", "the store is gone", _redis_killed),
    Scenario("redis-frozen", "the store answers nothing", _redis_frozen),
    Scenario("redis-wiped", "the store lost everything and is back", _redis_wiped),
    Scenario(
        "redis-killed-then-sigterm",
        "the store is gone, then an instance is asked to leave",
        _redis_killed_then_sigterm,
        Expected(same=0.0, moved=0.25, orderly=True),
    ),
    Scenario(
        "redis-frozen-then-sigterm",
        "the store answers nothing, then an instance is asked to leave",
        _redis_frozen_then_sigterm,
        Expected(same=0.0, moved=0.25, orderly=True),
    ),
    Scenario(
        "redis-wiped-then-sigterm",
        "the store lost everything and is back, then an instance is asked to leave",
        _redis_wiped_then_sigterm,
        Expected(moved=0.25, orderly=True),
    ),
    Scenario("live-cut", "every connection to the model breaks", _live_cut, Expected(gap_s=1.0, moved=1.0)),
    Scenario(
        "deploy",
        "both instances are replaced, one after the other",
        _deploy,
        Expected(gap_s=0.5, moved=1.0, orderly=True),
    ),
    Scenario(
        "balancer-restart", "the balancer breaks every stream and is back", _balancer_restart, Expected(moved=1.0)
    ),
    Scenario("hour-cut", "the platform cuts every stream without a close frame", _hour_cut, Expected(moved=1.0)),
    Scenario(
        "planned-move",
        "streams move before the platform would cut them",
        _planned_move,
        Expected(gap_s=0.5, moved=1.0, orderly=True),
        setting=Setting(env={"MAX_STREAM_S": str(STREAM_S)}, rules=Rules(limit_s=HOUR_S)),
    ),
    Scenario(
        "rolling",
        "a thousand short calls, and a gateway is replaced every 20 s (only when named; three minutes)",
        None,
        Expected(same=0.95, orderly=True, moved=0.01),
    ),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
ALL = tuple(scenario.name for scenario in SCENARIOS if scenario.play is not None)
SOAK_CALLS = 1000
QUICK = ("sigterm", "sigkill-continue", "redis-killed-then-sigterm")

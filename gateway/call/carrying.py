"""A call taken out of one stream, and into another: what each of its machines keeps, and what the model is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from gateway.call.carry import Carry, Unheard
from gateway.call.due import Cue
from gateway.call.ledger import Ledger
from gateway.call.parts import UNHEARD, Parts
from gateway.call.plan import Plan
from gateway.call.recovery import Recovery
from gateway.call.span import Span
from gateway.call.transcript import Line
from gateway.call.turn import Signal, State
from gateway.flow.model import Greeting
from gateway.live import cues

LAST_LINES = 4  # of the transcript, for a session that may have missed the end of it


@dataclass(frozen=True, slots=True)
class Whole:
    """The machines of a call that keep something of it."""

    parts: Parts
    span: Span
    recovery: Recovery


@dataclass(frozen=True, slots=True)
class Cut:
    """What was under way when the stream ended: the agent's turn that wasn't heard, the caller's that has no answer."""

    state: State
    agent: Unheard | None
    caller: bytes
    spoken: str


def cut(whole: Whole, now: float) -> Cut:
    """What is under way; the caller's ear is shut and empty afterwards."""
    parts = whole.parts
    state = parts.turn.state
    sound, agent = parts.hearing.kept(again=parts.unheard(now)), parts.speech.unheard(now)
    if agent is not None and whole.recovery.broke_off:
        agent = replace(agent, complete=False)
    return Cut(state, agent, sound, parts.hearing.spoken)


def glance(whole: Whole) -> Cut:
    """The same without the sound, which is too much to write all the time."""
    parts = whole.parts
    said = parts.speech.said
    agent = None if said is None else Unheard(said, "", b"", complete=parts.speech.unfinished is None)
    return Cut(parts.turn.state, agent, b"", parts.hearing.spoken)


def carry(whole: Whole, under_way: Cut, prompts: int, now: float, *, ended: bool) -> Carry:
    """What another stream has to know; `under_way` is of the moment before the turns were closed, where the stream has
    `ended`."""
    parts = whole.parts
    handle, handle_at = whole.recovery.handle
    return Carry(
        state=under_way.state.name,
        handle=handle,
        handle_s=now - handle_at,
        prompts=prompts,
        left=whole.span.left(now),
        ledger=parts.ledger.kept(now),
        agent=under_way.agent,
        caller=under_way.caller,
        errands=parts.errands.kept(now),
        closing=parts.errands.closing,
        whole=ended,
        spoken=under_way.spoken,
        missed=parts.ledger.missed,
        owing=whole.recovery.due.owing,
        hush=whole.recovery.hush,
        context=whole.recovery.memory.kept,
        seed=whole.recovery.seed,
        distrusts=whole.recovery.distrusts,
    )


def take_up(whole: Whole, carried: Carry, greeting: Greeting | None, now: float) -> None:
    """Go on where the other stream ended. A call whose model was never there begins anew; any other is not greeted
    again, but for a greeting that broke off unheard."""
    parts, state = whole.parts, State[carried.state]
    parts.ledger.goes_on(carried.ledger, _missed(carried))
    whole.span.goes_on(carried.left, now)
    if state is State.OPENING:
        return
    parts.errands.goes_on(carried.errands, now, closing=carried.closing)
    parts.turn.take(Signal.GREET if state is State.GREETING and greeting else Signal.READY, now)
    parts.hearing.goes_on(carried.caller, understood=bool(carried.spoken) and state in UNHEARD)
    if carried.agent is not None and carried.agent.sound:
        parts.speech.goes_on(carried.agent, 0)
        parts.errands.sound(now)
        parts.turn.take(Signal.AGENT_SOUND, now)
    cue = _cue(carried, parts.ledger.history)
    whole.recovery.goes_on(carried.handle, now - carried.handle_s, now, cue)
    whole.recovery.hush = carried.hush
    if carried.distrusts:
        whole.recovery.distrust()
    whole.recovery.memory.goes_on(carried.context)
    whole.recovery.seed = carried.seed
    owing = bool(cue) or carried.owing
    if owing:
        whole.recovery.due.owes()
    if owing or (carried.caller and state in UNHEARD):
        parts.turn.take(Signal.PROMPTED, now)


def forgotten(plan: Plan, now: float) -> Carry:
    """Of a call of which nothing is known but that it was answered before."""
    left = Span(plan, now).left(now)
    ledger = Ledger(plan.persona.model.name, now).kept(now)
    return Carry(State.LISTENING.name, "", 0.0, 0, left, ledger, forgotten=True)


def _missed(carried: Carry) -> tuple[Line, ...]:
    """What the handle doesn't know. After a crash the caller's words are all that is left of their turn; of the agent's
    it isn't known what was heard, and the cue says so."""
    spoken = "" if carried.whole else carried.spoken
    return (*carried.missed, *((Line("caller", spoken),) if spoken else ()))


def _cue(carried: Carry, history: str) -> Cue | None:
    """What the session is told first; nothing where it has nothing to say."""
    if carried.forgotten:
        return lambda _before: cues.forgotten()
    agent, state = carried.agent, State[carried.state]
    if state is State.GREETING and not (agent and agent.sound):
        return None  # the greeting is said again
    if agent is not None and carried.whole:
        return None if agent.complete else partial(cues.go_on, agent.said)
    if agent is None and (state is not State.ANSWERING or carried.caller):
        return None
    lines = history.splitlines()[-max(LAST_LINES, len(carried.missed)) :]
    lines += [f"caller: {carried.spoken}"] if carried.spoken else []
    lines += [f"agent: {agent.said}"] if agent is not None and agent.said else []
    return lambda _before: cues.interrupted("\n".join(lines))

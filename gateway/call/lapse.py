"""What a call does when nothing happens: the idle policy, the warning that the end is near, a state that lasts longer
than it may. It ends no call: that is told by what it returns."""

from __future__ import annotations

from functools import partial

from gateway.call.due import Cue
from gateway.call.facts import Order
from gateway.call.parts import Parts
from gateway.call.plan import Plan
from gateway.call.recovery import Recovery
from gateway.call.span import Span
from gateway.call.turn import Signal, State
from gateway.live import cues
from gateway.live import messages as live

THINKING_S = 20.0  # of a model that has said that it thinks: its caller was told "one moment"
WAITING = (State.ANSWERING, State.SPEAKING)  # not measured while a tool runs: its own deadline is


class Lapse:
    """One call's. Seconds, monotonic. `prompts`: how often in a row a silent caller was asked; `span`: how long the
    call may last."""

    __slots__ = ("_parts", "_plan", "_recovery", "prompts", "span")

    def __init__(self, plan: Plan, parts: Parts, span: Span, recovery: Recovery) -> None:
        self._plan = plan
        self._parts = parts
        self.span = span
        self._recovery = recovery
        self.prompts = 0

    def due(self) -> float | None:
        """When the state is left by time. While the model is away only its coming is waited for."""
        parts, state = self._parts, self._parts.turn.state
        if not self._recovery.live and state is not State.OPENING:
            return None
        if parts.errands.closing or (parts.errands.pending and state in WAITING):
            return None
        if state is State.ANSWERING and (since := self._thinking_since) is not None:
            return max(since, parts.speech.free_at) + THINKING_S
        return parts.turn.due(self._plan.patience, parts.speech.free_at)

    @property
    def _thinking_since(self) -> float | None:
        """Since when the model thinks, and the caller waits for it: they have said nothing since."""
        since, parts = self._recovery.due.thinking_since, self._parts
        return None if since is None or parts.hearing.asked_since(parts.ledger.ms(since)) else since

    def agent_done(self, signal: Signal, now: float) -> None:
        """The agent's turn is over; a caller who has been speaking meanwhile is being heard. An agent whose tool runs,
        or who has its result, speaks next."""
        parts = self._parts
        parts.turn.take(signal, now)
        if parts.hearing.speaking:
            parts.turn.take(Signal.CALLER_BEGAN, now)
        elif self.agent_due:
            parts.turn.take(Signal.PROMPTED, now)

    @property
    def agent_due(self) -> bool:
        errands = self._parts.errands
        return (errands.pending or self._recovery.due.owing) and not errands.closing

    # the end is near

    @property
    def may_warn(self) -> bool:
        parts = self._parts
        return parts.turn.state is State.LISTENING and self._recovery.live and not parts.errands.closing

    def warn(self, now: float) -> list[Order]:
        """Tell the agent, in a moment when nobody speaks, that the call ends soon: words in mid-turn cut it short."""
        left_s = self.span.warn(now) if self.may_warn else None
        if left_s is None:
            return []
        note = self._parts.ledger.note("ends-soon", now, {"left_s": left_s})
        return [note, self._prompt(cues.wind_up(left_s), now)]

    # too long

    def idle(self, now: float) -> list[Order] | None:
        """Both are silent: the caller is asked, or, None, has been asked often enough."""
        idle = self._plan.idle
        if idle is None or self.prompts >= idle.times:
            return None
        self.prompts += 1
        note = self._parts.ledger.note("idle-prompt", now, {"nth": self.prompts})
        return [note, self._prompt(cues.say(idle.say), now)]

    def expired(self, now: float) -> list[Order]:
        """The agent, or the caller, took longer than the state may last: say so and listen; but a model that owes an
        answer and says nothing is stuck. Afterwards `Recovery.lost` says whether that is all."""
        parts, recovery = self._parts, self._recovery
        state = parts.turn.state
        owing = recovery.due.owing or recovery.due.nudged or parts.hearing.owed(recovery.sign_ms)
        if state is State.ANSWERING and owing:
            return recovery.stuck(now)
        cue = self._owed_cue(state)
        parts.errands.heard()
        spoken = parts.speech.cut(now, parts.ledger.ms(now))
        if state is State.HEARING:
            parts.turn.take(Signal.EXPIRED, now)  # what never stops is noise: it is not heard again as speech
        else:
            self.agent_done(Signal.EXPIRED, now)
        note = parts.ledger.note("state-expired", now, {"state": state.name.lower()}, severity="warning")
        orders: list[Order] = [note, *parts.ledger.turn(spoken, now)]
        if cue is None or parts.hearing.speaking:
            return orders
        parts.turn.take(Signal.PROMPTED, now)
        return [*orders, *recovery.stuck(now, cue)]

    def _owed_cue(self, state: State) -> Cue | None:
        """What to tell a model that stopped in mid-sentence, or never began its greeting."""
        speech = self._parts.speech
        if state in (State.SPEAKING, State.GREETING) and speech.unfinished is not None:
            return partial(cues.go_on, speech.unfinished)
        if state is State.GREETING and speech.said is None:
            return lambda _before: cues.say(self._plan.greeting)
        return None

    def _prompt(self, words: str, now: float) -> Order:
        """The agent is to speak; what it says next answers us, not the caller. One that doesn't is asked again."""
        self._parts.turn.take(Signal.PROMPTED, now)
        self._parts.hearing.answered()
        self._recovery.due.owes(lambda _before: words)
        return live.SendText(words)

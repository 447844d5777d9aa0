"""The model's side of a call: what each of its messages means for what is heard, sent and told.

The same machines as in `call`, which hands every message over and does what time brings.
"""

from __future__ import annotations

from gateway.call.errands import Errands
from gateway.call.facts import Order
from gateway.call.hearing import Hearing
from gateway.call.lapse import Lapse
from gateway.call.ledger import Ledger
from gateway.call.parts import Parts
from gateway.call.plan import Plan
from gateway.call.recovery import Recovery
from gateway.call.speech import Speech
from gateway.call.transcript import AgentTurn
from gateway.call.turn import Signal, State, Turn
from gateway.live import cues
from gateway.live import messages as live

LATE_WORDS_S = 2.0  # a transcript after the agent was heard to its end
UNREMARKABLE = ("", "TURN_COMPLETE_REASON_UNSPECIFIED")
WILLING = (*UNREMARKABLE, "NEED_MORE_INPUT")  # of a model that has chosen to say nothing


class Agent:
    """One call's. Each handler takes a message and the moment (seconds, monotonic) and returns what to do."""

    __slots__ = ("_errands", "_hearing", "_lapse", "_ledger", "_plan", "_recovery", "_speech", "_turn")

    def __init__(self, plan: Plan, parts: Parts, recovery: Recovery, lapse: Lapse) -> None:
        self._plan = plan
        self._hearing: Hearing = parts.hearing
        self._speech: Speech = parts.speech
        self._turn: Turn = parts.turn
        self._errands: Errands = parts.errands
        self._ledger: Ledger = parts.ledger
        self._recovery = recovery
        self._lapse = lapse

    def ready(self, fact: live.Ready, now: float) -> list[Order]:
        found = self._recovery.ready(now)
        if found is None:
            return []
        arrival, orders = found
        greeting = self._plan.persona.greeting
        if arrival.how != "first" and self._turn.state is not State.OPENING:
            if self._turn.state is State.GREETING and greeting and greeting.interruptible:
                orders += self.open_ears(now)
            return [*orders, *self._greet_again(now)]
        orders.append(self._ledger.note("model-ready", now, {"after_ms": self._ledger.ms(now)}))
        if greeting is None:
            self._turn.take(Signal.READY, now)
            return orders
        if greeting.interruptible:
            orders += self.open_ears(now)
        self._turn.take(Signal.GREET, now)
        return [*orders, live.SendText(cues.say(self._plan.greeting))]

    def _greet_again(self, now: float) -> list[Order]:
        """The greeting, where the model was lost before its first sound."""
        if self._turn.state is not State.GREETING or self._speech.said is not None:
            return []
        return [live.SendText(cues.say(self._plan.greeting))]

    def audio(self, fact: live.ModelAudio, now: float) -> list[Order]:
        self._recovery.sign(self._ledger.ms(now))
        if self._speech.voids(now):
            return []
        begins, asked = not self._speech.sounded, self._recovery.due.asked is not None
        self._recovery.alive()
        self._errands.sound(now)
        first = self._speech.sound(fact.pcm, now, self._ledger.ms(now))
        self._turn.take(Signal.AGENT_SOUND, now)
        stall_ms = self._speech.stall()
        orders: list[Order] = [self._ledger.stalled(stall_ms, now)] if stall_ms else []
        return [*orders, *self._begun(first, asked, now)] if begins or first else orders

    def _begun(self, first: AgentTurn | None, asked: bool, now: float) -> list[Order]:
        """The server's turn begins to sound; `first`, unless it is heard together with the one before. It answers what
        the caller said, unless we have `asked` for it: not a protected greeting, whose model hasn't heard it."""
        self._ledger.agent_began()
        orders = self._dear(now)
        if self._turn.state is State.GREETING and not self._hearing.is_open:
            return orders
        silent_since = self._hearing.answered(asked=asked or self._turn.state is State.GREETING)
        if first is not None and silent_since is not None:
            first.response_ms = first.start_ms - silent_since
            self._ledger.answered(first.response_ms)
        return [*orders, *self._ledger.turn(self._hearing.close(self._ledger.ms(now)), now)]

    def words(self, fact: live.OutputTranscript, now: float) -> list[Order]:
        self._speech.words(fact.text)
        return []

    def caller_words(self, fact: live.InputTranscript, now: float) -> list[Order]:
        late = self._late_words(now)
        self._hearing.words(fact, self._ledger.ms(now), late=late)
        self._recovery.sign(self._ledger.ms(now))
        if fact.text.strip():
            self._lapse.prompts = 0
            if self._turn.state is State.LISTENING and not late:
                self._turn.take(Signal.CALLER_FINISHED, now)
        return []

    def _late_words(self, now: float) -> bool:
        """Whether words are of a turn that has its answer: transcripts keep no order with it. A caller who is too quiet
        for the level is known by words alone, but not at once."""
        quiet = self._turn.state is State.LISTENING and now >= self._turn.since + LATE_WORDS_S
        return self._hearing.has_answer and not quiet

    def generated(self, fact: live.GenerationComplete, now: float) -> list[Order]:
        self._speech.complete()
        return []

    def turn_complete(self, fact: live.TurnComplete, now: float) -> list[Order]:
        sounded = self._speech.turn_complete()
        if not sounded or not self._hearing.speaking:  # of one who began before it, it tells nothing
            self._recovery.sign(self._ledger.ms(now))
        orders: list[Order] = []
        if fact.status == "IN_PROGRESS":  # more follows: neither the end of the turn nor of what it costs
            self._recovery.due.thinks(now)
            if self._turn.state is State.LISTENING:  # all that it said was heard: the caller waits
                self._turn.take(Signal.PROMPTED, now)
        else:
            self._recovery.due.idles()
            self._errands.complete(now, quiet=not self._speech.open)
            if sounded:
                self._ledger.agent_done()
        if fact.reason not in UNREMARKABLE:
            orders.append(self._ledger.note("turn-refused", now, {"reason": fact.reason}, severity="warning"))
        if not sounded and not self._speech.open:
            self._empty(fact.reason, now)
        return orders

    def _empty(self, reason: str, now: float) -> None:
        """A turn without a sound: the model's right, but for what it was asked for, its greeting, and an answer that
        the service kept back."""
        if self._turn.state is State.GREETING and self._speech.said is None:
            self._recovery.due.owes(lambda _before: cues.say(self._plan.greeting))
            self._lapse.agent_done(Signal.AGENT_PASSED, now)
        elif reason not in WILLING:
            self._recovery.due.owes()
        elif not self._lapse.agent_due and not self._recovery.due.nudged:
            self._turn.take(Signal.AGENT_PASSED, now)

    def interrupted(self, fact: live.Interrupted, now: float) -> list[Order]:
        self._speech.void(None)
        self._recovery.due.idles()
        if self._speech.open:  # who was cut short has more to say, or a new answer: silence is neither
            self._recovery.cut_in()
        return self.cut_in(now)

    def cut_in(self, now: float) -> list[Order]:
        """The caller speaks over the agent."""
        clears, spoken = self._speech.interrupt(now, self._ledger.ms(now))
        orders: list[Order] = [*clears, *self._errands.interrupted(now)]
        if spoken is not None:
            orders.append(self._ledger.barge_in(spoken.heard_ms, now))
            orders += self._ledger.turn(spoken, now)
        self._turn.take(Signal.BARGE_IN, now)
        if not self._hearing.speaking:
            self._turn.take(Signal.CALLER_FINISHED, now)
        return orders

    def waits(self, fact: live.WaitingForInput, now: float) -> list[Order]:
        """The model has heard the caller out and says nothing, on purpose (proactive audio): the turn is over."""
        self._recovery.sign(self._ledger.ms(now))
        due = self._lapse.agent_due and not self._recovery.due.nudged  # asked, it says again that it waits
        if self._speech.open or due or self._turn.state is not State.ANSWERING:
            return []
        self._recovery.due.spoke()
        self._hearing.answered()
        orders = self._ledger.turn(self._hearing.close(self._ledger.ms(now)), now)
        self._turn.take(Signal.AGENT_PASSED, now)
        return orders

    def tool_call(self, fact: live.ToolCall, now: float) -> list[Order]:
        if not self._plan.asynchronous:
            self._speech.complete()  # a model that waits for its tool has said what it says before
        orders = self._errands.called(fact, now)
        if self.hushed:
            self._hearing.hush()
        if self._turn.state is State.LISTENING and self._lapse.agent_due:
            self._turn.take(Signal.PROMPTED, now)
        return orders

    def tool_cancelled(self, fact: live.ToolCallCancelled, now: float) -> list[Order]:
        return self._errands.cancelled(fact, now)

    def got_results(self, now: float) -> None:
        """The model got a tool's result: it answers from now on."""
        if not self._errands.told():
            return
        if self._turn.state is State.ANSWERING:
            self._turn.restart(now)
        if self._errands.closing:
            return
        self._recovery.due.owes()
        if self._turn.state is State.LISTENING:
            self._turn.take(Signal.PROMPTED, now)

    def going_away(self, fact: live.GoingAway, now: float) -> list[Order]:
        return self._recovery.going_away(fact, now)

    def resumption(self, fact: live.ResumptionUpdate, now: float) -> list[Order]:
        self._recovery.update(fact, now)
        return []

    def usage(self, fact: live.Usage, now: float) -> list[Order]:
        return [*self._ledger.used(fact, now), *self._recovery.billed(fact, now), *self._dear(now)]

    def _dear(self, now: float) -> list[Order]:
        """Whether the call has cost what it may: it ends soon."""
        limit = self._plan.max_cost_usd
        if not self._ledger.costs_more_than(limit) or not self._lapse.span.spent(now):
            return []
        return [self._ledger.note("cost-reached", now, {"max_cost_usd": limit}, severity="warning")]

    def unknown(self, fact: live.UnknownMessage, now: float) -> list[Order]:
        keys = self._ledger.unseen(fact.keys)
        return [self._ledger.note("model-unknown-message", now, {"keys": keys}, severity="warning")] if keys else []

    def listens(self, now: float) -> list[Order]:
        """The caller's sound goes to the model, unless it is kept back."""
        return [] if self._hearing.is_open or self.hushed else self.open_ears(now)

    def open_ears(self, now: float) -> list[Order]:
        """The caller's sound goes to the model from here on, what was kept first."""
        orders: list[Order] = [*self._hearing.open()]
        if self._hearing.dropped_ms:
            fields = {"dropped_ms": self._hearing.dropped_ms}
            orders.append(self._ledger.note("caller-audio-dropped", now, fields, severity="warning"))
        return orders

    @property
    def hushed(self) -> bool:
        """Whether the caller's sound is kept while a tool runs: where the model waits for it, and sound meanwhile has
        broken a connection of this call (js-genai#1236)."""
        return self._recovery.hush and not self._plan.asynchronous and self._errands.pending

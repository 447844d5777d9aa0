"""One call, whole: facts in, orders out. Its machines, each with its own file, meet here.

    hearing     the caller's sound and words
    agent       what the model's messages mean
    speech      the agent's sound and words, sent and heard
    turn        whose turn it is, as a table
    recovery    the model's session across connections, and what is done when it says nothing
    errands     what the model asks for: tools, and the end of the call
    span        how long it may last, and cost
    ledger      what is told, and added up
    lapse       what is done when nothing happens
    handover    when the stream is left to another one, which `carrying` takes the call into

`handle` never waits and reads no clock. The shell calls it with every fact, carries out the orders in their order, and
arms one timer for `deadline()`; when it fires, the fact is `Tick`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.call import carrying, facts
from gateway.call.agent import Agent
from gateway.call.carry import Carry
from gateway.call.errands import Errands
from gateway.call.facts import EndReason, Fact, HangUp, Order
from gateway.call.handover import GOES_ON, Handover
from gateway.call.hearing import Hearing
from gateway.call.lapse import Lapse
from gateway.call.ledger import Ledger
from gateway.call.parts import Parts
from gateway.call.plan import Plan
from gateway.call.recovery import Recovery
from gateway.call.span import Span
from gateway.call.speech import Speech
from gateway.call.turn import Signal, State, Turn
from gateway.live import messages as live
from gateway.twilio import media

GOING_AWAY = 1001  # RFC 6455: the endpoint is going away
INTERNAL_ERROR = 1011
TALKING = (State.GREETING, State.SPEAKING)
DEAF = (State.OPENING, State.GREETING, State.ENDED)  # in every other state the caller's sound goes to the model


class Call:
    """`handle(fact, now) -> orders`; `deadline() -> when the next Tick is due`. `now` is seconds, monotonic."""

    __slots__ = (
        "_agent",
        "_errands",
        "_handover",
        "_hearing",
        "_lapse",
        "_ledger",
        "_plan",
        "_recovery",
        "_speech",
        "_turn",
    )

    def __init__(self, plan: Plan, now: float, carried: Carry | None = None) -> None:
        """`carried`: what an earlier stream of the call left; it goes on from there."""
        self._plan = plan
        span = Span(plan, now)
        self._hearing = Hearing(plan.message_ms, plan.persona.vad)
        self._speech = Speech(plan.lead_ms)
        self._turn = Turn(now)
        self._ledger = Ledger(plan.persona.model.name, now)
        self._errands = Errands(plan.tools, self._ledger, asynchronous=plan.asynchronous)
        parts = Parts(self._hearing, self._speech, self._turn, self._errands, self._ledger)
        window = plan.persona.model.context.target
        self._recovery = Recovery(plan.setup, parts, now, takes_content=plan.takes_content, window=window)
        self._lapse = Lapse(plan, parts, span, self._recovery)
        self._agent = Agent(plan, parts, self._recovery, self._lapse)
        whole = carrying.Whole(parts, span, self._recovery)
        self._handover = Handover(whole)
        if carried is not None:
            self._lapse.prompts = carried.prompts
            carrying.take_up(whole, carried, plan.persona.greeting, now)

    def handle(self, fact: Fact, now: float) -> list[Order]:
        """The orders that `fact` leads to, in the order in which they are to be carried out."""
        if self.ended:
            return []
        orders = HANDLERS[type(fact)](self, fact, now)
        if not self.ended:
            orders += self._recovery.pump(now)
            orders += self._unheeded(now) if self._speech.carried(now) else []
            orders += self._speech.pump(now)
            orders += self._heard(now)
            orders += self._errands.expire(now)
            self._agent.got_results(now)
            orders += self._lapse.warn(now)
            orders += self._expire(now)
        if not self.ended:
            orders += self._handover.news(self._lapse.prompts, now)
        if self._turn.state not in DEAF and self._recovery.live:
            orders += self._agent.listens(now)
        return orders

    def deadline(self) -> float | None:
        """When something will be due by time alone; None once the call has ended."""
        if self.ended:
            return None
        span = self._lapse.span.deadline(may_warn=self._lapse.may_warn)
        errands = self._errands.deadline(self._speech.free_at)
        ours, theirs = (
            (self._lapse.due(), self._handover.deadline()),
            (self._speech.deadline(), self._recovery.deadline()),
        )
        times = (span, errands, *ours, *theirs)
        return min(time for time in times if time is not None)

    @property
    def ended(self) -> bool:
        return self._turn.state is State.ENDED

    # the phone

    def _started(self, fact: media.Started, now: float) -> list[Order]:
        plan = self._plan
        fields = {"flow": plan.flow, "line": plan.line, "persona": plan.persona.name, "model": plan.persona.model.name}
        return [self._ledger.note("call-started", now, fields)]

    def _caller_audio(self, fact: media.CallerAudio, now: float) -> list[Order]:
        self._lapse.span.line(now)
        self._hearing.talks(self._turn.state in TALKING)
        messages, signals = self._hearing.push(fact, self._ledger.ms(now))
        orders: list[Order] = [*messages]
        for signal in signals:
            self._lapse.prompts = 0
            orders += self._ledger.turn(self._hearing.late(), now)
            if signal is Signal.CALLER_BEGAN and self._decides and self._may_cut_in:
                orders += self._cut_in(now)
            self._turn.take(signal, now)
        return orders

    def _cut_in(self, now: float) -> list[Order]:
        """A barge-in by the gateway's own word."""
        more = self._speech.unfinished is not None  # sound of the turn that is cut is still to come
        self._recovery.cut_in()  # as where the model tells it: see `Agent.interrupted`
        orders = self._agent.cut_in(now)
        self._speech.void(now if more else None)
        return orders

    def _unheeded(self, now: float) -> list[Order]:
        """What to do where the caller speaks over what a session has said that is no more: nobody else can tell."""
        return self._cut_in(now) if self._may_cut_in and self._hearing.cuts_in(self._ledger.ms(now)) else []

    @property
    def _decides(self) -> bool:
        """Whether the caller's speech is a barge-in by the gateway's own word, without waiting for the model's."""
        return self._plan.persona.vad.mode == "gateway" and self._hearing.is_open

    @property
    def _may_cut_in(self) -> bool:
        persona, state = self._plan.persona, self._turn.state
        protected = state is State.GREETING and not (persona.greeting and persona.greeting.interruptible)
        return persona.barge_in.enabled and not protected and state in TALKING and self._speech.open

    def _mark_played(self, fact: media.MarkPlayed, now: float) -> list[Order]:
        self._speech.mark(fact.name, now)
        return []

    def _digit(self, fact: media.Digit, now: float) -> list[Order]:
        return [self._ledger.note("digit", now, private={"digit": fact.digit})]

    def _unknown_event(self, fact: media.UnknownEvent, now: float) -> list[Order]:
        return [self._ledger.note("phone-unknown-event", now, {"event": fact.event[:40]}, severity="warning")]

    def _stopped(self, fact: media.Stopped, now: float) -> list[Order]:
        return self._end("caller-hung-up", now)

    def _phone_gone(self, fact: facts.PhoneGone, now: float) -> list[Order]:
        return self._end("phone-gone", now)

    def _phone_fault(self, fact: facts.PhoneFault, now: float) -> list[Order]:
        note = self._ledger.note("phone-fault", now, {"code": fact.code}, {"reason": fact.reason}, "warning")
        return [note, *self._end("protocol-error", now, fact.code)]

    # the model

    def _tool_done(self, fact: facts.ToolDone, now: float) -> list[Order]:
        return self._errands.done(fact, now)

    def _model_gone(self, fact: facts.ModelGone, now: float) -> list[Order]:
        return [*self._recovery.gone(fact, now), *self._given_up(now)]

    def _given_up(self, now: float) -> list[Order]:
        """The end, where the model can't be had any more."""
        if not self._recovery.lost:
            return []
        opening = self._turn.state is State.OPENING
        return self._end("model-unavailable" if opening else "model-gone", now, INTERNAL_ERROR)

    # us

    def _draining(self, fact: facts.Draining, now: float) -> list[Order]:
        self._handover.asked(fact, now)
        return []

    def _nothing(self, fact: Fact, now: float) -> list[Order]:
        """Facts that change nothing: thoughts are never spoken."""
        return []

    # what time and play-out bring

    def _heard(self, now: float) -> list[Order]:
        spoken = self._speech.heard(now, self._ledger.ms(now))
        if spoken is None:
            return []
        owed = self._hearing.asked_over(self._recovery.sign_ms)
        caller = None if owed else self._hearing.close(self._ledger.ms(now))
        orders = self._ledger.turn(caller, now) + self._ledger.turn(spoken, now)
        self._errands.heard()
        self._lapse.agent_done(Signal.AGENT_HEARD, now)
        if owed and self._turn.state is State.LISTENING and not self._errands.closing:
            self._turn.take(Signal.CALLER_FINISHED, now)
        return orders

    def _expire(self, now: float) -> list[Order]:
        if self._lapse.span.over(now):
            return self._end(self._lapse.span.reason, now)
        if self._errands.over(now, self._speech.free_at):
            return self._end("agent-hung-up", now)
        if self._lapse.span.silent(now):
            return [self._ledger.note("phone-silent", now, severity="warning"), *self._end("phone-gone", now)]
        if self._recovery.lost:
            return self._given_up(now)
        if self._handover.due(now):
            return self._end(self._handover.reason, now, GOING_AWAY)
        due = self._lapse.due()
        if due is None or now < due:
            return []
        match self._turn.state:
            case State.OPENING:
                return self._opening_expired(now)
            case State.LISTENING:
                prompt = self._lapse.idle(now)
                return self._end("idle", now) if prompt is None else prompt
            case _:
                return [*self._lapse.expired(now), *self._given_up(now)]

    def _opening_expired(self, now: float) -> list[Order]:
        note = self._ledger.note("model-silent", now, {"after_s": self._plan.patience.opening}, severity="error")
        return [note, *self._end("model-unavailable", now, INTERNAL_ERROR)]

    def _end(self, reason: EndReason, now: float, code: int = 1000) -> list[Order]:
        ms, orders = self._ledger.ms(now), self._unheeded(now) if reason in GOES_ON else []
        under_way = self._handover.cut(reason, now)
        if self._speech.sounded:
            self._ledger.agent_done()  # as far as it came: it is billed
        orders += self._ledger.turn(self._hearing.close(ms), now) + self._ledger.turn(self._speech.cut(now, ms), now)
        orders += self._handover.left(under_way, self._lapse.prompts, now)
        self._turn.take(Signal.END, now)
        return [*orders, self._ledger.ended(reason, now), HangUp(reason, code)]


def _agent(told: Callable[[Agent, Any, float], list[Order]]) -> Callable[[Call, Any, float], list[Order]]:
    return lambda call, fact, now: told(call._agent, fact, now)


# Who handles what. A test holds the keys equal to the union `Fact`.
HANDLERS: dict[type, Callable[[Call, Any, float], list[Order]]] = {
    media.Connected: Call._nothing,
    media.Started: Call._started,
    media.CallerAudio: Call._caller_audio,
    media.MarkPlayed: Call._mark_played,
    media.Digit: Call._digit,
    media.Stopped: Call._stopped,
    media.UnknownEvent: Call._unknown_event,
    live.Ready: _agent(Agent.ready),
    live.ModelAudio: _agent(Agent.audio),
    live.ModelText: Call._nothing,
    live.GenerationComplete: _agent(Agent.generated),
    live.TurnComplete: _agent(Agent.turn_complete),
    live.Interrupted: _agent(Agent.interrupted),
    live.WaitingForInput: _agent(Agent.waits),
    live.InputTranscript: _agent(Agent.caller_words),
    live.OutputTranscript: _agent(Agent.words),
    live.ToolCall: _agent(Agent.tool_call),
    live.ToolCallCancelled: _agent(Agent.tool_cancelled),
    live.GoingAway: _agent(Agent.going_away),
    live.ResumptionUpdate: _agent(Agent.resumption),
    live.Usage: _agent(Agent.usage),
    live.VoiceActivity: Call._nothing,
    live.UnknownMessage: _agent(Agent.unknown),
    facts.Tick: Call._nothing,  # `handle` looks at the clock after every fact
    facts.PhoneGone: Call._phone_gone,
    facts.PhoneFault: Call._phone_fault,
    facts.ModelGone: Call._model_gone,
    facts.ToolDone: Call._tool_done,
    facts.Draining: Call._draining,
}

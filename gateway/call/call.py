"""One call, whole: facts in, orders out. Its machines, each with its own file, meet here.

    hearing     the caller's sound and words
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
from gateway.call.carry import Carry
from gateway.call.errands import Errands
from gateway.call.facts import EndReason, Fact, HangUp, Order
from gateway.call.handover import Handover
from gateway.call.hearing import Hearing
from gateway.call.lapse import Lapse
from gateway.call.ledger import Ledger
from gateway.call.plan import Plan
from gateway.call.recovery import Parts, Recovery
from gateway.call.span import Span
from gateway.call.speech import Speech
from gateway.call.turn import Signal, State, Turn
from gateway.live import cues
from gateway.live import messages as live
from gateway.twilio import media

GOING_AWAY = 1001  # RFC 6455: the endpoint is going away
INTERNAL_ERROR = 1011
LATE_WORDS_S = 2.0  # a transcript after the agent was heard to its end
TALKING = (State.GREETING, State.SPEAKING)
DEAF = (State.OPENING, State.GREETING, State.ENDED)  # in every other state the caller's sound goes to the model


class Call:
    """`handle(fact, now) -> orders`; `deadline() -> when the next Tick is due`. `now` is seconds, monotonic."""

    __slots__ = (
        "_errands",
        "_handover",
        "_hearing",
        "_lapse",
        "_ledger",
        "_plan",
        "_recovery",
        "_span",
        "_speech",
        "_turn",
    )

    def __init__(self, plan: Plan, now: float, carried: Carry | None = None) -> None:
        """`carried`: what an earlier stream of the call left; it goes on from there."""
        self._plan = plan
        self._span = Span(plan, now)
        self._hearing = Hearing(plan.message_ms, plan.persona.vad)
        self._speech = Speech(plan.lead_ms)
        self._turn = Turn(now)
        self._ledger = Ledger(plan.persona.model.name, now)
        self._errands = Errands(plan.tools, self._ledger, asynchronous=plan.asynchronous)
        parts = Parts(self._hearing, self._speech, self._turn, self._errands, self._ledger)
        window = plan.persona.model.context.target
        self._recovery = Recovery(plan.setup, parts, now, takes_content=plan.takes_content, window=window)
        self._lapse = Lapse(plan, parts, self._span, self._recovery)
        whole = carrying.Whole(parts, self._span, self._recovery)
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
            orders += self._speech.pump(now)
            orders += self._heard(now)
            orders += self._errands.expire(now)
            self._answered(now)
            orders += self._lapse.warn(now)
            orders += self._expire(now)
        if not self.ended:
            orders += self._handover.news(self._lapse.prompts, now)
        if self._turn.state not in DEAF and self._recovery.live and not self._hearing.is_open and not self._hushed:
            orders += self._open_ears(now)
        return orders

    @property
    def _hushed(self) -> bool:
        """Whether the caller's sound is kept while a tool runs: where the model waits for it, and sound meanwhile has
        broken a connection of this call (js-genai#1236)."""
        return self._recovery.hush and not self._plan.asynchronous and self._errands.pending

    def deadline(self) -> float | None:
        """When something will be due by time alone; None once the call has ended."""
        if self.ended:
            return None
        span, errands = self._span.deadline(may_warn=self._lapse.may_warn), self._errands.deadline(self._speech.free_at)
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
        self._span.line(now)
        self._hearing.talks(self._turn.state in TALKING)
        messages, signals = self._hearing.push(fact, self._ledger.ms(now))
        orders: list[Order] = [*messages]
        for signal in signals:
            self._lapse.prompts = 0
            if signal is Signal.CALLER_BEGAN and self._cuts_in:
                more = self._speech.unfinished is not None  # sound of the turn that is cut is still to come
                self._recovery.owes()  # as where the model tells it: see `_interrupted`
                orders += self._cut_in(now)
                self._speech.void(now if more else None)
            self._turn.take(signal, now)
        return orders

    @property
    def _cuts_in(self) -> bool:
        """Whether the caller's speech is a barge-in by the gateway's own word, without waiting for the model's."""
        persona = self._plan.persona
        decides = persona.vad.mode == "gateway" or self._speech.carried
        listens = persona.barge_in.enabled and self._hearing.is_open
        return decides and listens and self._turn.state in TALKING and self._speech.open

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

    def _ready(self, fact: live.Ready, now: float) -> list[Order]:
        found = self._recovery.ready(now)
        if found is None:
            return []
        arrival, orders = found
        greeting = self._plan.persona.greeting
        if arrival.how != "first" and self._turn.state is not State.OPENING:
            if self._turn.state is State.GREETING and greeting and greeting.interruptible:
                orders += self._open_ears(now)
            return [*orders, *self._greet_again(now)]
        orders.append(self._ledger.note("model-ready", now, {"after_ms": self._ledger.ms(now)}))
        if greeting is None:
            self._turn.take(Signal.READY, now)
            return orders
        if greeting.interruptible:
            orders += self._open_ears(now)
        self._turn.take(Signal.GREET, now)
        return [*orders, live.SendText(cues.say(self._plan.greeting))]

    def _greet_again(self, now: float) -> list[Order]:
        """The greeting, where the model was lost before its first sound."""
        if self._turn.state is not State.GREETING or self._speech.said is not None:
            return []
        return [live.SendText(cues.say(self._plan.greeting))]

    def _model_audio(self, fact: live.ModelAudio, now: float) -> list[Order]:
        self._recovery.alive()
        self._recovery.sign(self._ledger.ms(now))
        self._errands.sound(now)
        first = self._speech.sound(fact.pcm, now, self._ledger.ms(now))
        self._turn.take(Signal.AGENT_SOUND, now)
        if first is None:
            stall_ms = self._speech.stall()
            return [self._ledger.stalled(stall_ms, now)] if stall_ms else []
        silent_since = self._hearing.answered()
        if silent_since is not None:
            first.response_ms = first.start_ms - silent_since
            self._ledger.answered(first.response_ms)
        return self._ledger.turn(self._hearing.close(self._ledger.ms(now)), now)

    def _output_transcript(self, fact: live.OutputTranscript, now: float) -> list[Order]:
        self._speech.words(fact.text)
        return []

    def _input_transcript(self, fact: live.InputTranscript, now: float) -> list[Order]:
        self._hearing.words(fact, self._ledger.ms(now))
        self._recovery.sign(self._ledger.ms(now))
        if fact.text.strip():
            self._lapse.prompts = 0
            if self._turn.state is State.LISTENING and not self._late_words(now):
                self._turn.take(Signal.CALLER_FINISHED, now)
        return []

    def _late_words(self, now: float) -> bool:
        """Whether words that come in a pause are of a turn that has its answer: transcripts keep no order with it. A
        caller who is too quiet for the level is known by words alone, but not at once."""
        return not self._hearing.unanswered and now < self._turn.since + LATE_WORDS_S

    def _generation_complete(self, fact: live.GenerationComplete, now: float) -> list[Order]:
        self._speech.complete()
        return []

    def _turn_complete(self, fact: live.TurnComplete, now: float) -> list[Order]:
        self._recovery.sign(self._ledger.ms(now))
        sounded = self._speech.turn_complete()
        orders: list[Order] = []
        if sounded:
            self._ledger.agent_done()
            orders += self._dear(now)
        self._recovery.thinking = fact.status == "IN_PROGRESS"
        if not self._recovery.thinking:
            self._errands.complete(now, quiet=not self._speech.open)
        if not sounded and not self._speech.open and not self._lapse.agent_due:
            self._turn.take(Signal.AGENT_PASSED, now)
        if fact.reason not in ("", "TURN_COMPLETE_REASON_UNSPECIFIED"):
            orders.append(self._ledger.note("turn-refused", now, {"reason": fact.reason}, severity="warning"))
        return orders

    def _interrupted(self, fact: live.Interrupted, now: float) -> list[Order]:
        self._speech.void(None)
        self._recovery.thinking = False
        if self._speech.open:  # who was cut short has more to say, or a new answer: silence is neither
            self._recovery.owes()
        return self._cut_in(now)

    def _cut_in(self, now: float) -> list[Order]:
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

    def _waiting(self, fact: live.WaitingForInput, now: float) -> list[Order]:
        """The model has heard the caller out and says nothing, on purpose (proactive audio): the turn is over."""
        self._recovery.sign(self._ledger.ms(now))
        if self._speech.open or self._lapse.agent_due or self._turn.state is not State.ANSWERING:
            return []
        self._recovery.passed()
        self._hearing.answered()
        orders = self._ledger.turn(self._hearing.close(self._ledger.ms(now)), now)
        self._turn.take(Signal.AGENT_PASSED, now)
        return orders

    def _tool_call(self, fact: live.ToolCall, now: float) -> list[Order]:
        if not self._plan.asynchronous:
            self._speech.complete()  # a model that waits for its tool has said what it says before
        orders = self._errands.called(fact, now)
        if self._hushed:
            self._hearing.shut(again=False)
        if self._turn.state is State.LISTENING and self._lapse.agent_due:
            self._turn.take(Signal.PROMPTED, now)
        return orders

    def _tool_cancelled(self, fact: live.ToolCallCancelled, now: float) -> list[Order]:
        return self._errands.cancelled(fact, now)

    def _tool_done(self, fact: facts.ToolDone, now: float) -> list[Order]:
        return self._errands.done(fact, now)

    def _answered(self, now: float) -> None:
        """The model got a tool's result: it answers from now on."""
        if not self._errands.told():
            return
        if self._turn.state is State.ANSWERING:
            self._turn.restart(now)
        if self._errands.closing:
            return
        self._recovery.owes()
        if self._turn.state is State.LISTENING:
            self._turn.take(Signal.PROMPTED, now)

    def _going_away(self, fact: live.GoingAway, now: float) -> list[Order]:
        return self._recovery.going_away(fact, now)

    def _resumption(self, fact: live.ResumptionUpdate, now: float) -> list[Order]:
        self._recovery.update(fact, now)
        return []

    def _usage(self, fact: live.Usage, now: float) -> list[Order]:
        return [*self._ledger.used(fact, now), *self._recovery.billed(fact, now), *self._dear(now)]

    def _dear(self, now: float) -> list[Order]:
        """Whether the call has cost what it may: it ends soon."""
        limit = self._plan.max_cost_usd
        if not self._ledger.costs_more_than(limit) or not self._span.spent(now):
            return []
        return [self._ledger.note("cost-reached", now, {"max_cost_usd": limit}, severity="warning")]

    def _unknown_message(self, fact: live.UnknownMessage, now: float) -> list[Order]:
        keys = self._ledger.unseen(fact.keys)
        return [self._ledger.note("model-unknown-message", now, {"keys": keys}, severity="warning")] if keys else []

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
        orders = self._ledger.turn(self._hearing.close(self._ledger.ms(now)), now) + self._ledger.turn(spoken, now)
        self._errands.heard()
        self._lapse.agent_done(Signal.AGENT_HEARD, now)
        return orders

    def _expire(self, now: float) -> list[Order]:
        if self._span.over(now):
            return self._end(self._span.reason, now)
        if self._errands.over(now, self._speech.free_at):
            return self._end("agent-hung-up", now)
        if self._span.silent(now):
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

    def _open_ears(self, now: float) -> list[Order]:
        """The caller's sound goes to the model from here on, what was kept first."""
        orders: list[Order] = [*self._hearing.open()]
        if self._hearing.dropped_ms:
            fields = {"dropped_ms": self._hearing.dropped_ms}
            orders.append(self._ledger.note("caller-audio-dropped", now, fields, severity="warning"))
        return orders

    def _end(self, reason: EndReason, now: float, code: int = 1000) -> list[Order]:
        ms, under_way = self._ledger.ms(now), self._handover.cut(reason, now)
        orders = self._ledger.turn(self._hearing.close(ms), now) + self._ledger.turn(self._speech.cut(now, ms), now)
        orders += self._handover.left(under_way, self._lapse.prompts, now)
        self._turn.take(Signal.END, now)
        return [*orders, self._ledger.ended(reason, now), HangUp(reason, code)]


# Who handles what. A test holds the keys equal to the union `Fact`.
HANDLERS: dict[type, Callable[[Call, Any, float], list[Order]]] = {
    media.Connected: Call._nothing,
    media.Started: Call._started,
    media.CallerAudio: Call._caller_audio,
    media.MarkPlayed: Call._mark_played,
    media.Digit: Call._digit,
    media.Stopped: Call._stopped,
    media.UnknownEvent: Call._unknown_event,
    live.Ready: Call._ready,
    live.ModelAudio: Call._model_audio,
    live.ModelText: Call._nothing,
    live.GenerationComplete: Call._generation_complete,
    live.TurnComplete: Call._turn_complete,
    live.Interrupted: Call._interrupted,
    live.WaitingForInput: Call._waiting,
    live.InputTranscript: Call._input_transcript,
    live.OutputTranscript: Call._output_transcript,
    live.ToolCall: Call._tool_call,
    live.ToolCallCancelled: Call._tool_cancelled,
    live.GoingAway: Call._going_away,
    live.ResumptionUpdate: Call._resumption,
    live.Usage: Call._usage,
    live.VoiceActivity: Call._nothing,
    live.UnknownMessage: Call._unknown_message,
    facts.Tick: Call._nothing,  # `handle` looks at the clock after every fact
    facts.PhoneGone: Call._phone_gone,
    facts.PhoneFault: Call._phone_fault,
    facts.ModelGone: Call._model_gone,
    facts.ToolDone: Call._tool_done,
    facts.Draining: Call._draining,
}

"""What a call does when the model is lost, is about to be, or says nothing: the caller is to go on talking to the same
agent, who was told what was said. `Link` knows when; this knows what.

    goAway    a socket is prepared; the session moves when nobody speaks, at the latest in time
    loss      tries by handle, then anew with the transcript; the caller's sound is kept, a tone fills a longer wait
    return    a session that goes on by its handle is told what was said since, where its model takes that
    forgot    one that took its handle and knows nothing is left for another when nobody speaks; no handle is used again
    silence   a nudge, the session by its handle, a fresh one, the end
"""

from __future__ import annotations

from functools import partial

from gateway.audio.filler import FILLER
from gateway.call import facts
from gateway.call.context import before_the_agent, context
from gateway.call.due import Cue, Due, Step, nudge
from gateway.call.facts import OpenModel, Order, PrepareModel
from gateway.call.link import Arrival, Link, Phase
from gateway.call.memory import Memory
from gateway.call.parts import Parts
from gateway.call.transcript import Line
from gateway.call.turn import State
from gateway.live import cues
from gateway.live import messages as live
from gateway.live.again import resumed, seeded
from gateway.live.closing import Verdict, classify

FILLER_AFTER_S = 1.5  # of a gap: a shorter one passes for a pause
FILLER_EVERY_S = 3.0
LATE = Verdict("transient", retry=True, resume=True)  # no setupComplete in time
NEAR_MS = 1_000  # so little of an utterance before a handle is heard twice rather than the rest of it never


class Recovery:
    """One call's link to its model. Orders are carried out in their order."""

    __slots__ = (
        "_broke_off",
        "_filler_at",
        "_forgot",
        "_link",
        "_owed",
        "_parts",
        "_setup",
        "_takes_content",
        "_told",
        "_why",
        "due",
        "hush",
        "memory",
        "seed",
        "sign_ms",
    )

    def __init__(self, setup: live.Setup, parts: Parts, now: float, *, takes_content: bool, window: int) -> None:
        """`takes_content`: the model takes history in mid-session. `window`: tokens, what compression leaves of it."""
        self._setup = setup
        self._parts = parts
        self._link = Link(now)
        self._takes_content = takes_content
        self._told = False  # history, and the model has given no sign since
        self._forgot = False  # the session is to be left for another one, when nobody speaks
        self.memory = Memory(window)
        self.seed = ""  # the transcript in the session's instructions: whoever resumes it says it again
        self._owed: Cue | None = None  # what the model is told when it is back, again until it gives a sign
        self._broke_off = False
        self._filler_at = 0.0
        self._why = ""
        self.hush = False  # a connection broke because sound came while it waited for a tool's result
        self.due = Due()
        self.sign_ms = 0  # the model's last sign of life, on the call's clock

    def goes_on(self, handle: str, handle_at: float, now: float, cue: Cue | None) -> None:
        """The session of an earlier stream of the call is taken up; `cue`, if any, is what it is told then."""
        self._why = "handed-over"
        self._link.goes_on(handle, handle_at, now)
        self._owed = cue

    # what the model's side tells

    def ready(self, now: float) -> tuple[Arrival, list[Order]] | None:
        """A connection is ready: which one, and what to tell the model first. None for one that nobody waits for."""
        arrival = self._link.ready(now)
        if arrival is None:
            return None
        cue = self._owed
        if arrival.how == "resumed":
            self.memory.resumed()
        else:
            self.memory.fresh()
        if arrival.how == "first":
            return arrival, []
        self._parts.turn.restart(now)
        lacks = self._lacks() if arrival.how == "resumed" else ()
        self._told = self._takes_content and bool(lacks)
        before = "" if self._told else before_the_agent(lacks)
        fields = {"how": arrival.how, "gap_ms": round(arrival.gap_s * 1000), "why": self._why, "lacks": len(lacks)}
        note = self._parts.ledger.back(arrival.how, fields, now)
        results = self._parts.errands.resumed(now, self._link.used_at if arrival.how == "resumed" else None)
        told: list[Order] = [context(lacks)] if self._told else []
        return arrival, [note, *told, *results, *([live.SendText(cue(before))] if cue else [])]

    def _lacks(self) -> tuple[Line, ...]:
        """What was said since the handle, but for what the session will hear: turns that are over, and those that
        aren't."""
        parts = self._parts
        agent, caller = Line("agent", parts.speech.new), Line("caller", parts.hearing.new)
        return (*parts.ledger.missed, *(line for line in (agent, caller) if line.text))

    def update(self, fact: live.ResumptionUpdate, now: float) -> None:
        self._link.update(fact, now)
        if fact.resumable and fact.handle:
            self._parts.ledger.settle()
            self._parts.speech.settle()

    def going_away(self, fact: live.GoingAway, now: float) -> list[Order]:
        self._link.going_away(fact.time_left_s, now)
        note = self._parts.ledger.note("model-going-away", now, {"time_left_s": fact.time_left_s})
        return [note, *([PrepareModel()] if self._link.leaving else [])]

    def gone(self, fact: facts.ModelGone, now: float) -> list[Order]:
        """The connection ended, or none could be had. Afterwards `lost` says whether that is all."""
        verdict = classify(fact.code, fact.reason, resuming=self._link.begun)
        self.hush = self.hush or verdict.kind == "tools"
        if self._told and verdict.kind == "handle":  # whatever its page says, this model refuses it
            self._takes_content = False
        fields = {"code": fact.code, "kind": verdict.kind}
        note = self._parts.ledger.note("model-gone", now, fields, {"reason": fact.reason}, "warning")
        return [note, *self._gone(verdict, now)]

    def billed(self, usage: live.Usage, now: float) -> list[Order]:
        """A turn's bill tells whether a session that was resumed still knows the call."""
        before = self.memory.context
        if not self.memory.billed(usage.prompt):
            return []
        self._forgot = True
        self.distrust()
        fields = {"known": before.known, "knows": usage.prompt - before.first}
        return [self._parts.ledger.note("session-forgot", now, fields, severity="warning"), PrepareModel()]

    def distrust(self) -> None:
        """Handles are taken here and mean nothing: the call goes on without."""
        self._link.distrust()

    @property
    def distrusts(self) -> bool:
        return self._link.distrusts

    def alive(self) -> None:
        """The agent speaks: it isn't stuck."""
        self.due.spoke()
        self._owed = None
        self._link.generates()

    def cut_in(self) -> None:
        """The caller has cut the agent short: the model has that to answer, not a sentence to go on with."""
        self._owed = None
        self.due.owes()

    def sign(self, now_ms: int) -> None:
        """The model tells something: it hears, at least, but for a caller whose sound is kept."""
        if self._parts.hearing.is_open:
            self.sign_ms = now_ms
        self._told = False

    # what time brings

    def pump(self, now: float) -> list[Order]:
        """What is due: to leave a connection that goes away, to ask for one, to fill the wait."""
        orders: list[Order] = []
        parts = self._parts
        if self._link.late(now):
            orders += [parts.ledger.note("model-late", now, severity="warning"), *self._gone(LATE, now)]
        if self._link.leave(now, quiet=self.quiet):
            self._cut("going-away", now, again=self._unknown)
        if self._forgot and self.quiet:
            self._cut("forgot", now, again=False)
            self._link.restart(now, fresh=True)
        if self._link.open(now):
            orders.append(self._open())
        self._fill(now)
        return orders

    def stuck(self, now: float, cue: Cue | None = None) -> list[Order]:
        """The model owes an answer and is silent; the nudge is `cue`, or a plain one. Another session is asked the
        same, unless it hears the caller's own words. Afterwards `lost` says whether that is all."""
        parts = self._parts
        step = self.due.press(cue or self._asked)
        note = parts.ledger.stuck(step, now)
        parts.turn.restart(now)
        if step is Step.NUDGE:
            return [note, live.SendText(self.due.cue(""))]
        self._cut("silent", now, again=True)
        if step is Step.GIVE_UP:
            self._link.give_up(now)
            return [note]
        if self._owed is None and (self.due.cue is not nudge or not parts.hearing.spoke_since(0)):
            self._owed = self.due.cue
        self._link.restart(now, fresh=step is Step.FRESH)
        return [note, *self.pump(now)]

    def deadline(self) -> float | None:
        times = [self._link.deadline(quiet=self.quiet), self._filler_due()]
        return min((time for time in times if time is not None), default=None)

    @property
    def broke_off(self) -> bool:
        """Whether the agent's sentence broke off with its session, and no other has gone on with it."""
        return self._broke_off and self._owed is not None

    @property
    def live(self) -> bool:
        return self._link.live

    @property
    def lost(self) -> bool:
        return self._link.phase is Phase.LOST

    @property
    def handle(self) -> tuple[str, float]:
        """See `Link.handle`."""
        return self._link.handle

    @property
    def quiet(self) -> bool:
        """Whether nobody speaks, nobody is due to, the model waits for nothing, and its handle knows all that was said:
        a session that is left before is resumed without its last turn."""
        parts = self._parts
        silent = parts.turn.state is State.LISTENING and not parts.hearing.speaking
        return silent and not parts.errands.pending and not self._link.behind

    @property
    def _unknown(self) -> bool:
        """Whether what the caller says, or said last, began after the handle, or shortly before: the session that it
        leads to never heard it. Of what began earlier it has heard too much for it to be said twice."""
        handle, at = self._link.handle
        return not handle or self._parts.hearing.began_ms > self._parts.ledger.ms(at) - NEAR_MS

    @property
    def _history(self) -> str:
        """All that was said, with what a fresh session won't hear of turns that aren't over."""
        parts = self._parts
        caller, said = parts.hearing.new, parts.speech.said
        lines = (parts.ledger.history, f"caller: {caller}" if caller else "", f"agent: {said}" if said else "")
        return "\n".join(line for line in lines if line)

    def _open(self) -> OpenModel:
        if self._link.used:
            return OpenModel(resumed(seeded(self._setup, self.seed), self._link.used))
        self.seed = self._history
        return OpenModel(seeded(self._setup, self.seed))

    def _gone(self, verdict: Verdict, now: float) -> list[Order]:
        if self._link.live:
            self._cut(verdict.kind, now, again=True)
        self._link.gone(verdict, now)
        return []

    def _cut(self, why: str, now: float, *, again: bool) -> None:
        """The connection is no more. What the caller said without an answer is said again to the next one, where the
        last one broke; of a sentence that was begun the next one is told the beginning."""
        parts, unfinished = self._parts, self._parts.speech.unfinished
        self._why, self._told, self._forgot = why, False, False
        self._filler_at = 0.0
        parts.errands.lost(now)
        if parts.speech.sounded:
            parts.ledger.agent_done()  # it was billed, whether that is told or not
        parts.speech.lost()
        parts.hearing.shut(again=again and parts.unheard(now))
        self._broke_off = unfinished is not None or self.broke_off
        if unfinished is not None:
            self._owed = partial(cues.go_on, unfinished)
        elif self.due.thinking_since is not None:
            self._owed = nudge
        else:
            self._owed = self._asked or self._owed
        self.due.lost(unfinished=unfinished is not None)

    @property
    def _asked(self) -> Cue | None:
        """What we asked the model to say, unless the caller has spoken since: then that is to be answered."""
        return None if self._parts.hearing.spoke_since(0) else self.due.asked

    def _filler_due(self) -> float | None:
        since = self._link.gap_since
        if since is None:
            return None
        return max(since + FILLER_AFTER_S, self._filler_at, self._parts.speech.free_at)

    def _fill(self, now: float) -> None:
        due = self._filler_due()
        if due is not None and now >= due:
            self._parts.speech.fill(FILLER)
            self._filler_at = now + FILLER_EVERY_S

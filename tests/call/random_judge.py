"""What holds in every call, whatever comes: each law has a name, and looks on from outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.call.facts import Fact, ModelGone, Note, OpenModel, Order
from gateway.call.plan import Plan
from gateway.live import messages as live
from gateway.twilio.media import CallerAudio
from tests.call.script import T0

if TYPE_CHECKING:
    from tests.call.random_calls import RandomCall

APART_S = 0.32  # what is said without such a pause is one utterance, for the level of the line too
CROSSES_S = 0.18  # speech that ended so lately goes on across the agent's first sound
VOID_S = 2.0
MOST = 3  # faults of one name that are told


@dataclass(frozen=True)
class Fault:
    name: str
    at_s: float
    words: str


@dataclass
class Utterance:
    """What the caller said in one go. `over`: some of it while the agent was heard, or began to be; `words`: the model
    has told words since it began; `answered`: the agent, or an empty turn, has answered it."""

    first: int
    start_s: float
    last: int = 0
    end_s: float = 0.0
    over: bool = False
    words: bool = False
    answered: bool = False

    @property
    def ms(self) -> int:
        return round((self.end_s - self.start_s) * 1000) + 20


@dataclass
class Truth:
    """What was said, and what answered it."""

    plan: Plan
    utterances: list[Utterance] = field(default_factory=list)
    serial: int = 0
    answered_to: int = 0  # frames before this one have their answer
    sign_s: float = 0.0  # the model's last sign of life
    void_until: float = 0.0  # sound that comes before belongs to a turn that was cut
    sounded: bool = False  # the server's turn
    closed: bool = False  # the agent's turn was told, and none has begun since
    open: bool = False  # more of the agent's sentence is to come
    greeted: bool = False  # the agent's first sound was there
    notes: dict[str, float] = field(default_factory=dict)  # when each was told last

    @property
    def last(self) -> Utterance | None:
        return self.utterances[-1] if self.utterances else None

    def fact(self, fact: Fact, call: RandomCall) -> None:
        if isinstance(fact, live.ModelAudio | live.InputTranscript | live.TurnComplete | live.WaitingForInput):
            self.sign_s = call.now
        match fact:
            case CallerAudio(chunk=serial):
                self._frame(serial, call)
            case live.InputTranscript():
                for utterance in self.utterances:
                    utterance.words = True
            case live.ModelAudio() if call.now >= self.void_until:
                self._sounds(call.now)
            case live.TurnComplete() | live.WaitingForInput():
                self._ends(complete=isinstance(fact, live.TurnComplete))
            case live.GenerationComplete() | live.Interrupted():
                self.open = False
            case live.ToolCall() if not self.plan.asynchronous:
                self.open = False
            case _:
                pass

    def _sounds(self, now: float) -> None:
        if not self.sounded or self.closed:
            self._answers(now)
        self.closed = False
        self.sounded = self.open = self.greeted = True

    def _ends(self, *, complete: bool) -> None:
        """The model has ended its turn, or chosen to wait: without a sound that is its answer."""
        if not (complete and self.sounded):
            self._passes()
        if complete:
            self.sounded = self.open = False
            self.void_until = 0.0

    def forget(self) -> None:
        """Whatever was owed: it was told."""
        self.open = False
        self._passes()

    def lost(self) -> None:
        """The session is no more."""
        self.sounded = self.open = False
        self.void_until = 0.0

    def step(self, orders: list[Order], now: float) -> None:
        for order in orders:
            if isinstance(order, Note):
                self.notes[order.name] = now
                self.greeted |= order.name == "state-expired"  # it is not waited for any more
                if order.name == "barge-in" and self.open:
                    self.open, self.void_until = False, now + VOID_S
                if order.name == "turn" and order.fields["speaker"] == "agent":
                    self.closed, self.open = True, False

    def _frame(self, serial: int, call: RandomCall) -> None:
        self.serial = serial
        over = call.phone.free_at > call.now or call.phone.quiet_at > call.now or self.open
        last = self.last
        if not call.loud[serial]:
            return
        if last is None or call.now - last.end_s > APART_S:
            last = Utterance(serial, call.now)
            self.utterances.append(last)
        last.last, last.end_s = serial, call.now
        last.over |= over

    def _answers(self, now: float) -> None:
        """The agent begins to sound. A greeting that nobody may cut into answers nothing."""
        greeting = self.plan.persona.greeting
        if greeting and not greeting.interruptible and not self.greeted:
            return
        last, self.answered_to = self.last, self.serial
        for utterance in self.utterances:
            utterance.answered = True
        if last and now - last.end_s <= CROSSES_S:
            last.answered, last.over, self.answered_to = False, True, last.first

    def _passes(self) -> None:
        for utterance in self.utterances:
            utterance.answered = True


class Law:
    """Looks on at one call."""

    name = ""

    def __init__(self, judge: Judge) -> None:
        self.judge, self.truth, self.plan = judge, judge.truth, judge.plan

    def broken(self, now: float, words: str) -> None:
        self.judge.fault(self.name, now, words)

    def fact(self, fact: Fact, call: RandomCall) -> None:
        """Before the call is told it."""

    def order(self, order: Order, call: RandomCall) -> None:
        """Before it is carried out."""

    def tick(self, call: RandomCall) -> None:
        """After each 20 ms."""

    def end(self, call: RandomCall) -> None:
        """After the call."""


class Judge:
    def __init__(self, plan: Plan) -> None:
        from tests.call.random_laws import LAWS

        self.plan, self.truth = plan, Truth(plan)
        self.faults: list[Fault] = []
        self.orders: list[Order] = []  # of this step
        self.laws = [law(self) for law in LAWS]

    def fault(self, name: str, now: float, words: str) -> None:
        if sum(fault.name == name for fault in self.faults) < MOST:
            self.faults.append(Fault(name, now - T0, words))

    def fact(self, fact: Fact, call: RandomCall) -> None:
        for law in self.laws:
            law.fact(fact, call)
        self.truth.fact(fact, call)
        if isinstance(fact, ModelGone):
            self.truth.lost()

    def step(self, orders: list[Order], call: RandomCall) -> None:
        self.orders = orders
        self.truth.step(orders, call.now)

    def order(self, order: Order, call: RandomCall) -> None:
        for law in self.laws:
            law.order(order, call)
        if isinstance(order, OpenModel):
            self.truth.lost()

    def tick(self, call: RandomCall) -> None:
        for law in self.laws:
            law.tick(call)

    def end(self, call: RandomCall) -> None:
        for law in self.laws:
            law.end(call)

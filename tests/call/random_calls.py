"""Whole calls from a seed: a caller, a phone, a model and its tools, each with its moods; `random_judge` judges them.

Sound goes through unchanged here (`Glass`), so that each of the caller's frames and each of the agent's words is known
again wherever it comes out. A call that went wrong is printed as a script in the words of `tests.call.script`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from traceback import format_exception
from unittest.mock import patch

from gateway.call.facts import Fact, HangUp, ModelGone, OpenModel, Order, PhoneGone, Tick, ToolDone
from gateway.call.plan import Plan
from gateway.call.playback import LOST_MARK_S
from gateway.call.requests import RunTool
from gateway.flow.model import BargeIn
from gateway.live import messages as live
from gateway.twilio.media import CallerAudio, Clear, Mark, MarkPlayed, Play, Stopped
from tests.call.random_judge import Fault, Judge
from tests.call.random_model import Model
from tests.call.random_sound import Glass, frame, serials, word_in
from tests.call.script import FRAME_MS, GREETING, IDLE, PROTECTED, STARTED, T0, Script, plan

LONGEST_S = 50.0  # of a call: by then it has ended
TICKS = 60  # in 20 ms: a deadline that passing doesn't move is a loop without end


class Phone:
    """Plays what it is sent, in order; a mark comes back when the sound before it was played, sooner or later."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._usual_s = random.choice((0.0, 0.03, 0.15))
        self._marks: list[tuple[float, str]] = []
        self._back_at = 0.0
        self.quiet_at = 0.0  # by then the call knows that all was heard
        self.played: list[tuple[float, float, bytes]] = []  # from when to when which sound
        self.free_at = 0.0

    def takes(self, order: Order, now: float) -> None:
        match order:
            case Play(mulaw=mulaw):
                begins = max(now, self.free_at)
                self.free_at = begins + len(mulaw) / 8000
                self.played.append((begins, self.free_at, mulaw))
            case Mark(name=name):
                self._back(name, max(now, self.free_at))
            case Clear():
                self.played = [(a, min(b, now), sound) for a, b, sound in self.played if a < now]
                self.free_at = now
                waiting, self._marks = self._marks, []
                for _, name in waiting:
                    self._back(name, now)
            case _:
                pass

    def _back(self, name: str, at: float) -> None:
        chance = self._random.random()
        if chance < 0.01:  # lost
            self.quiet_at = max(self.quiet_at, at + LOST_MARK_S)
            return
        late_s = self._random.uniform(0.3, 1.5) if chance < 0.05 else self._usual_s
        self._back_at = max(self._back_at, at + late_s)
        self.quiet_at = max(self.quiet_at, self._back_at)
        self._marks.append((self._back_at, name))

    def due(self, now: float) -> Iterator[Fact]:
        while self._marks and self._marks[0][0] <= now:
            yield MarkPlayed(self._marks.pop(0)[1])

    def heard(self, now: float) -> set[int]:
        """The agent's words of which something was heard."""
        words = set()
        for begins, ends, sound in self.played:
            whole = int((min(now, ends) - begins) * 1000 + 0.5)
            words |= {word_in(sound[ms * 8 : ms * 8 + 8]) for ms in range(0, max(0, whole), 20)}
        return {word for word in words if word is not None}


@dataclass
class Caller:
    """Speaks, says "mhm", coughs and is silent, in stretches; hangs up in the end."""

    random: Random
    leaves_at: float
    left_ms: int = 400
    loud: bool = False
    told: str = "silent"

    def next(self, *, over: bool) -> bool:
        """Whether the next 20 ms are loud; `over`: the agent is heard."""
        if self.left_ms <= 0:
            self._turns(over=over)
        self.left_ms -= FRAME_MS
        gap = self.told == "speaks" and (self.left_ms // FRAME_MS) % 10 in (4, 5, 6)  # all speech has gaps
        return self.loud and not gap

    def _turns(self, *, over: bool) -> None:
        draw = self.random
        chances = (0.15, 0.1, 0.1) if over else (0.5, 0.04, 0.08)
        if self.loud or (chance := draw.random()) > sum(chances):
            long = not over and draw.random() < (0.3 if self.told == "speaks" else 0.1)
            self.told, ms = "silent", draw.randint(6_000, 14_000) if long else draw.randint(200, 3_000)
        elif chance < chances[0]:
            self.told, ms = "speaks", draw.randint(500, 7_000 if draw.random() < 0.1 else 3_000)
        elif chance < sum(chances[:2]):
            self.told, ms = "mhm", draw.randint(240, 360)
        else:
            self.told, ms = "coughs", draw.randint(80, 140)
        self.loud = self.told != "silent"
        self.left_ms = ms - ms % FRAME_MS


class RandomCall(Script):
    """See `run`. As a text it is its script."""

    def __init__(self, seed: int) -> None:
        self.seed, self.random = seed, Random(seed)
        draw = self.random
        self.loud: list[bool] = [False]  # by serial; Twilio counts from one
        self.lines: list[str] = []
        self.hung_up: str | None = None
        some = self._plan(draw)
        self.phone = Phone(draw)
        self.caller_side = Caller(draw, T0 + draw.uniform(12, 45))
        self.model = Model(draw, self.loud, interrupts=some.persona.barge_in.enabled, thinks=draw.random() < 0.5)
        self.tools: list[tuple[float, Fact]] = []
        self.judge = Judge(some)
        super().__init__(some)

    def _plan(self, draw: Random) -> Plan:
        some = plan(
            greeting=draw.choice((None, GREETING, PROTECTED)),
            idle=draw.choice((None, replace(IDLE, after_ms=6_000))),
            tools={"find": "http", "goodbye": "hangup"},
            asynchronous=draw.random() < 0.3,
            takes_content=draw.random() < 0.7,
            max_duration_s=draw.choice((LONGEST_S, 30.0)),
            warn_at_s=draw.choice((None, 15.0)),
            message_ms=draw.choice((20, 40)),
        )
        vad = replace(some.persona.vad, mode=draw.choice(("model", "model", "gateway")))
        persona = replace(some.persona, vad=vad, barge_in=BargeIn(draw.random() < 0.75))
        self.lines.append(
            f"plan: greeting {persona.greeting}, idle {persona.idle is not None}, vad {vad.mode}, barge-in "
            f"{persona.barge_in.enabled}, asynchronous {some.asynchronous}, content {some.takes_content}, "
            f"{some.message_ms} ms, ends {some.max_duration_s} s, warns {some.warn_at_s}"
        )
        return replace(some, persona=persona)

    # the call

    def run(self) -> None:
        try:
            self(STARTED)
            while self.ended is None and self.now < T0 + LONGEST_S + 1:
                self._step()
        except Exception as fault:  # noqa: BLE001 - it is what we look for
            self.judge.fault("exception", self.now, "".join(format_exception(fault)[-2:]))
        self.judge.end(self)

    def _step(self) -> None:
        """20 ms of everything."""
        self._ticks(self.now + FRAME_MS / 1000)
        self._frame()
        if self.ended is None and self.now >= self.caller_side.leaves_at:
            self(Stopped("CA1", 1) if self.random.random() < 0.7 else PhoneGone("reset"))
        for side in (self.phone, self.model):
            for fact in side.due(self.now):
                if self.ended is None:
                    self(fact)
        for at, fact in [*self.tools]:
            if at <= self.now and self.ended is None:
                self.tools.remove((at, fact))
                self(fact)
        self.judge.tick(self)

    def _ticks(self, end: float) -> None:
        for _ in range(TICKS):
            due = self.call.deadline()
            if due is None or due > end:
                self.now = end
                return
            self.now = max(self.now, due)
            self(Tick())
        raise AssertionError("a deadline that never passes")

    def _frame(self) -> None:
        loud = self.caller_side.next(over=self.phone.free_at > self.now)
        self.loud.append(loud)
        self.chunk += 1
        self(CallerAudio(frame(self.chunk, loud=loud), self.chunk, self.chunk * FRAME_MS))

    def __call__(self, fact: Fact) -> RandomCall:
        self._writes(fact)
        self.judge.fact(fact, self)
        super().__call__(fact)
        self.hung_up = next((order.reason for order in self.last if isinstance(order, HangUp)), self.hung_up)
        self.judge.step(self.last, self)
        for order in self.last:
            self._carries_out(order)
        return self

    def _carries_out(self, order: Order) -> None:
        self.judge.order(order, self)
        self.phone.takes(order, self.now)
        self.model.hears(order, self.now)
        match order:
            case live.SendAudio(pcm=sound):
                self.model.frames(serials(sound), self.now, decides=self.judge.plan.persona.vad.mode == "model")
            case RunTool():
                at = self.now + self.random.choice((0.1, 0.5, 2.0, 5.0, 7.9, 12.0, 12.0))
                result = {"status": self.random.choice(("ok", "ok", "ok", "error"))}
                self.tools.append((at, ToolDone(order.id, result, closes=order.name == "goodbye")))
            case OpenModel() | HangUp() | live.SendText() | live.SendContent() | live.SendToolResults() | Clear():
                self._line(f"    # -> {str(order)[:160] if not isinstance(order, OpenModel) else self._opens()}")
            case _:
                pass

    def _opens(self) -> str:
        handle = self.model.connection.handle if self.model.connection else ""
        return f"OpenModel, handle {handle or None!r}"

    # as a script

    def _writes(self, fact: Fact) -> None:
        match fact:
            case Tick():
                return
            case CallerAudio():
                told = self.caller_side.told
                if self.lines and self.lines[-1].startswith(f"call.{told}("):
                    ms = int(self.lines[-1].split("(")[1].split(")")[0]) + FRAME_MS
                    self.lines[-1] = f"call.{told}({ms})  # until {self.now - T0:.2f}"
                else:
                    self.lines.append(f"call.{told}({FRAME_MS})")
            case live.ModelAudio(pcm=sound):
                self._line(f"call(live.ModelAudio(pcm({len(sound) // 8})))")
            case ModelGone() | MarkPlayed() | ToolDone():
                self._line(f"call({fact})")
            case _:
                self._line(f"call(live.{fact})")

    def _line(self, text: str) -> None:
        self.lines.append(f"{text}  # {self.now - T0:.2f}")

    @property
    def ended(self) -> str | None:
        return self.hung_up

    @property
    def faults(self) -> list[Fault]:
        return self.judge.faults

    def __str__(self) -> str:
        faults = [f"{fault.name} at {fault.at_s:.2f} s: {fault.words}" for fault in self.faults]
        return "\n".join([f"seed {self.seed}", *faults, *self.lines])


def run(seed: int) -> RandomCall:
    """A whole call; `faults` says what was wrong in it."""
    with (
        patch("gateway.call.intake.Uplink", Glass),
        patch("gateway.call.gate.Uplink", Glass),
        patch("gateway.call.speech.Downlink", Glass),
    ):
        call = RandomCall(seed)
        call.run()
    return call

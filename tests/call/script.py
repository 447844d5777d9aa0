"""A call as a script: facts at times, and exactly the orders that they lead to."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

import numpy as np

from gateway.audio.mulaw import encode
from gateway.call.call import Call
from gateway.call.carry import Carry
from gateway.call.facts import Fact, HangUp, Note, OpenModel, Order, Remember, Tick
from gateway.call.plan import Plan
from gateway.call.turn import Patience
from gateway.flow.model import BargeIn, Greeting, Idle, Languages, Model, Persona, Vad, Voice
from gateway.live.messages import SendAudio, SendContent, SendText, SendToolResults, Setup
from gateway.twilio.media import CallerAudio, Clear, Mark, Play, Started

T0 = 1000.0
INSTRUCTION = {"role": "user", "parts": [{"text": "Answer."}]}
SETUP = Setup({"model": "models/gemini-3.8-live", "systemInstruction": INSTRUCTION, "sessionResumption": {}})
STARTED = Started("MZ1", "CA1", "AC1")
FRAME_MS = 20

PERSONA = Persona(
    name="ava",
    instructions="Answer.",
    greeting=None,
    languages=Languages("en-US", ("en-US",)),
    voice=Voice("Aoede"),
    model=Model("gemini-3.8-live"),
    vad=Vad("low", "low", 20, 500),
    barge_in=BargeIn(True),
    idle=None,
)
GREETING = Greeting("Good day.", interruptible=True)
PROTECTED = Greeting("Good day.", interruptible=False)
IDLE = Idle(after_ms=2000, say="Are you there?", times=2, then="hangup")


def plan(greeting: Greeting | None = None, idle: Idle | None = None, **changes: object) -> Plan:
    """A plan with 20 ms messages, 400 ms lead and the patience of a test."""
    base = Plan(
        flow="clinic",
        line="front-desk",
        persona=replace(PERSONA, greeting=greeting, idle=idle),
        setup=SETUP,
        greeting=greeting.text if greeting else "",
        idle=idle,
        max_duration_s=600,
        warn_at_s=None,
        tools={},
        asynchronous=False,
        takes_content=True,
        max_cost_usd=None,
        message_ms=20,
        lead_ms=400,
        patience=Patience(listening=idle.after_ms / 1000 if idle else None),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def tone(ms: int, rate: int = 8000, amplitude: float = 9000) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """A loud sound that counts as speech."""
    time = np.arange(rate * ms // 1000) / rate
    return (amplitude * np.sin(2 * np.pi * 440 * time)).astype(np.int16)


def pcm(ms: int) -> bytes:
    """A model's sound of that length."""
    return tone(ms, 24_000).tobytes()


SPEECH = encode(tone(FRAME_MS))
SILENCE = b"\xff" * 160


class Script:
    """`script.at(0.1)(fact)` tells the call a fact 100 ms after its start; the orders are kept in `last` and `all`, but
    what another stream would have to know, which comes with most steps: the newest of it is `carry`."""

    def __init__(self, plan: Plan, carried: Carry | None = None) -> None:
        self.call = Call(plan, T0, carried)
        self.carry: Carry | None = None
        self.now = T0
        self.last: list[Order] = []
        self.all: list[Order] = []
        self.chunk = 0

    def at(self, seconds: float) -> Self:
        self.now = T0 + seconds
        return self

    def wait(self, seconds: float) -> Self:
        """Let time pass, with a Tick at each deadline, as the shell does."""
        end = self.now + seconds
        collected: list[Order] = []
        while (due := self.call.deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            self(Tick())
            collected += self.last
        self.now = end
        self.last = collected
        return self

    def __call__(self, fact: Fact) -> Self:
        orders = self.call.handle(fact, self.now)
        self.last = [order for order in orders if not isinstance(order, Remember)]
        self.carry = next((order.carry for order in reversed(orders) if isinstance(order, Remember)), self.carry)
        self.all += self.last
        return self

    def caller(self, *frames: bytes) -> Self:
        """Frames of 20 ms each, in real time."""
        collected: list[Order] = []
        for frame in frames:
            self.wait(FRAME_MS / 1000)
            collected += self.last
            self.chunk += 1
            self(CallerAudio(frame, self.chunk, self.chunk * FRAME_MS))
            collected += self.last
        self.last = collected
        return self

    def speaks(self, ms: int) -> Self:
        return self.caller(*[SPEECH] * (ms // FRAME_MS))

    def silent(self, ms: int) -> Self:
        return self.caller(*[SILENCE] * (ms // FRAME_MS))

    def heard(self) -> Self:
        """Twilio returns every mark that was sent so far, as it does once the sound was played."""
        from gateway.twilio.media import MarkPlayed

        collected: list[Order] = []
        for mark in [order for order in self.all if isinstance(order, Mark)]:
            self(MarkPlayed(mark.name))
            collected += self.last
        self.last = collected
        return self

    # what came of it

    def notes(self, name: str) -> list[Note]:
        return [order for order in self.all if isinstance(order, Note) and order.name == name]

    def said(self) -> list[tuple[object, str]]:
        """The turns noted so far: speaker and words."""
        return [(note.fields["speaker"], note.private["text"]) for note in self.notes("turn")]

    @property
    def ended(self) -> str | None:
        return next((order.reason for order in self.all if isinstance(order, HangUp)), None)

    def played_ms(self, orders: list[Order] | None = None) -> float:
        return sum(len(order.mulaw) for order in orders or self.all if isinstance(order, Play)) / 8

    def kinds(self) -> list[str]:
        """The last step's orders by name, notes by theirs."""
        return [order.name if isinstance(order, Note) else type(order).__name__ for order in self.last]


def is_for_phone(order: Order) -> bool:
    return isinstance(order, Play | Mark | Clear)


def is_for_model(order: Order) -> bool:
    return isinstance(order, SendAudio | SendText | SendContent | SendToolResults | OpenModel)

"""A conversation in which the gateway says when the caller speaks: the gate's messages, over the wire's own JSON, to
the stand-in's session, with people's voices and the real ears."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gateway.audio.mulaw import encode
from gateway.call.gate import Gate, Message
from gateway.flow.model import Vad
from gateway.live.messages import (
    ClientMessage,
    GenerationComplete,
    InputTranscript,
    Interrupted,
    ModelAudio,
    SendActivityStart,
    ServerMessage,
    TurnComplete,
    build,
    build_server,
    parse,
    parse_client,
)
from gateway.live.setup import Session as Wanted
from gateway.live.setup import setup_message
from gateway.rehearsal.ears import Ears
from gateway.rehearsal.rates import resample
from gateway.rehearsal.standin.orders import Close, Orders, Recognise, Send, Synthesise
from gateway.rehearsal.standin.resumption import Resumption
from gateway.rehearsal.standin.script import Reply, Script
from gateway.rehearsal.standin.session import Session
from gateway.rehearsal.standin.talk import House
from gateway.twilio.media import CallerAudio
from tests.live.samples import PLAIN
from tests.rehearsal.standin.house import recorded

CARDS, MAN = "ten of clubs", "he was not an ill disposed young man"
SCRIPT = Script((Reply(CARDS, "A fine card."), Reply(MAN, "So he was not.")), ("Pardon?",))
VAD = Vad("low", "low", 80, 500, "gateway")
SETUP = setup_message(replace(PLAIN, vad=VAD), "Play cards.", Wanted("developer"))
ANSWER = np.full(24_000, 5000, np.int16).tobytes()  # a second of the agent


class Table:
    """One call at the stand-in, in time: a frame of the caller each 20 ms. `came` is what the gateway is told."""

    def __init__(self) -> None:
        self.session = Session(House(SCRIPT, Resumption()), "developer", "v1beta", 0.0)
        self.ears = Ears((CARDS, MAN))
        self.gate = Gate(40, VAD)
        self.came: list[ServerMessage] = []
        self.sent: list[Message] = []
        self.turns: list[float] = []  # seconds of sound between a start and its end
        self.now, self.chunk = 0.0, 0
        self.obey(self.session.handle(over_the_wire(SETUP), self.now))
        self.send(self.gate.open())

    def says(self, sound: bytes) -> None:
        for at in range(0, len(sound) - 159, 160):
            self.now += 0.02
            self.chunk += 1
            messages, _ = self.gate.push(CallerAudio(sound[at : at + 160], self.chunk, self.chunk * 20))
            self.send(messages)
            while (due := self.session.deadline()) is not None and due <= self.now:
                self.obey(self.session.tick(due))

    def send(self, messages: list[Message]) -> None:
        self.sent += messages
        for message in messages:
            self.obey(self.session.handle(over_the_wire(message), self.now))

    def obey(self, orders: Orders) -> None:
        for order in orders:
            match order:
                case Send():
                    self.came += parse(build_server(*order.messages))
                case Recognise():
                    self.turns.append(order.speech.seconds)
                    words = self.ears.hear(order.speech.pcm, order.speech.rate)
                    self.obey(self.session.recognised(order.speech, words, self.now))
                case Synthesise():
                    self.session.synthesised(order.work, order.text, ANSWER)
                    self.session.synthesised(order.work, "", b"")
                case Close():
                    raise AssertionError(order.reason)
                case _:
                    pass

    @property
    def understood(self) -> list[str]:
        return [message.text for message in self.came if isinstance(message, InputTranscript)]

    def count(self, kind: type) -> int:
        return sum(isinstance(message, kind) for message in self.came)


def over_the_wire(message: ClientMessage) -> ClientMessage:
    (read,) = parse_client(build(message))
    return read


def person(name: str) -> bytes:
    return encode(np.frombuffer(resample(recorded(name), 16_000, 8_000), np.int16))


def silence(ms: int) -> bytes:
    level = np.random.default_rng(1).normal(0, 30, ms * 8)
    return encode(level.astype(np.int16))


@pytest.fixture
def table() -> Table:
    pytest.importorskip("pocketsphinx")
    return Table()


def test_the_setup_leaves_it_to_the_gateway() -> None:
    assert SETUP.setup["realtimeInputConfig"]["automaticActivityDetection"] == {"disabled": True}


def test_a_conversation_goes_on(table: Table) -> None:
    table.says(silence(1000) + person("cards-001") + silence(3500) + person("librivox-0880") + silence(3500))
    assert table.understood == [CARDS, MAN]
    assert (table.count(GenerationComplete), table.count(TurnComplete), table.count(Interrupted)) == (2, 2, 0)
    assert sum(len(message.pcm) for message in table.came if isinstance(message, ModelAudio)) == 2 * len(ANSWER)
    spoken = [1.095, 2.99]
    assert all(length - 0.3 < turn < length + 1.2 for turn, length in zip(table.turns, spoken, strict=True))


def test_a_caller_who_cuts_in_is_heard_at_once(table: Table) -> None:
    table.says(silence(1000) + person("cards-001") + silence(900))
    assert (table.count(ModelAudio) > 0, table.count(Interrupted)) == (True, False)
    sent = len(table.sent)
    table.says(person("librivox-0880")[: 400 * 8])
    starts = [message for message in table.sent[sent:] if isinstance(message, SendActivityStart)]
    assert (len(starts), table.count(Interrupted)) == (1, 1)
    table.says(person("librivox-0880")[400 * 8 :] + silence(3500))
    assert table.understood == [CARDS, MAN]
    assert table.count(TurnComplete) == 2


def test_what_was_said_before_the_model_was_there_is_answered() -> None:
    pytest.importorskip("pocketsphinx")
    table = Table()
    table.gate.shut(again=False)
    table.says(silence(500) + person("cards-001") + silence(1000))
    assert not table.turns
    table.send(table.gate.open())
    assert table.understood == [CARDS]

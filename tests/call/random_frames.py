"""The laws of `random_judge` about the caller's frames: none is lost, none comes twice to a session that heard it, and
what has no answer is heard by the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.call.facts import Fact, ModelGone, Note, OpenModel, Order
from gateway.call.recovery import NEAR_MS
from gateway.live import messages as live
from tests.call.random_judge import Judge, Law, Utterance
from tests.call.random_sound import serials
from tests.call.script import FRAME_MS

if TYPE_CHECKING:
    from tests.call.random_calls import RandomCall

BEFORE = 26  # frames: the roll before what is said (300 ms), and how long it takes to be noticed
WORD = 12  # frames of speech in a row, that none may be left out of
NOTICED_S = 0.2
UNNOTICED = 5  # frames: the first of what is said, until it is taken for speech
REPLAYED_MS = 840  # of speech: surely no noise
KEPT_S = 12.0  # sound older than 15 s is dropped
PASSED = ("idle-prompt", "ends-soon", "state-expired")  # after that what was said is not owed any more


class Moves(Law):
    """Knows how the last connection was left."""

    def __init__(self, judge: Judge) -> None:
        super().__init__(judge)
        self.handle_at = 0.0
        self.going: object = None
        self.moving = (False, False)  # to another one, and what the caller says began before the handle: likely, surely
        self.cut = self.moving

    def fact(self, fact: Fact, call: RandomCall) -> None:
        match fact:
            case live.ResumptionUpdate(resumable=True):
                self.handle_at = call.now
            case live.GoingAway():
                self.going = call.model.connection
            case live.Ready():
                self.cut, self.moving = self.moving, (False, False)
            case _:
                pass

    def order(self, order: Order, call: RandomCall) -> None:
        connection = call.model.connection
        if isinstance(order, OpenModel) and connection is not None and connection.live:
            silent = any(isinstance(one, Note) and one.name == "model-silent" for one in self.judge.orders)
            began = self.truth.utterances[-1].start_s if self.truth.utterances else 0.0
            early_s = (self.handle_at - NEAR_MS / 1000 - began) if connection is self.going and not silent else -1.0
            self.moving = early_s > 0.0, early_s > NOTICED_S


class Frames(Moves):
    """One after the other, to whoever listens."""

    name = "frames"

    def __init__(self, judge: Judge) -> None:
        super().__init__(judge)
        self.sent: set[int] = set()  # on this connection
        self.last = 0
        self.most = 0
        self.floor = 0  # an earlier frame has its answer, and is not sent again

    def fact(self, fact: Fact, call: RandomCall) -> None:
        super().fact(fact, call)
        if isinstance(fact, live.Ready):
            self.sent, self.last = set(), 0
            self.floor = self.truth.serial + 1 if self.cut[1] else self.truth.answered_to - BEFORE

    def order(self, order: Order, call: RandomCall) -> None:
        super().order(order, call)
        if isinstance(order, live.SendAudio) and call.model.connection is not None:
            for serial in serials(order.pcm):
                self._frame(serial, call)

    def _frame(self, serial: int, call: RandomCall) -> None:
        assert call.model.connection is not None
        known = call.model.connection.memory.frames
        if serial in self.sent or (serial in known and serial < self.floor):
            self.broken(call.now, f"frame {serial} comes twice, said {call.now - serial * 0.02 - 1000:.2f} s ago")
        before = self.last or min(self.most, serial - 1)
        if not before < serial:
            self.broken(call.now, f"frame {serial} after {before}")
        elif self._lost(call, before, serial) and not self._dropped():
            self.broken(call.now, f"frames between {before} and {serial} are lost")
        self.sent.add(serial)
        self.last, self.most = serial, max(self.most, serial)

    def _lost(self, call: RandomCall, before: int, serial: int) -> bool:
        between = call.loud[before + 1 : serial]
        return bool(between) if self.plan.persona.vad.mode == "model" else sum(between) >= WORD

    def _dropped(self) -> bool:
        return any(isinstance(one, Note) and one.name == "caller-audio-dropped" for one in self.judge.orders)


class Replay(Moves):
    """What the caller said without an answer is heard by the next session."""

    name = "replay"

    def __init__(self, judge: Judge) -> None:
        super().__init__(judge)
        self.due: list[Utterance] = []
        self.hushed = False
        self.ready_at = 0.0

    def fact(self, fact: Fact, call: RandomCall) -> None:
        super().fact(fact, call)
        match fact:
            case ModelGone(reason=reason) if "not implemented" in reason:
                self.hushed = True
            case live.Ready():
                self.ready_at = call.now
                self.due = [] if self.cut[0] else [one for one in self.truth.utterances if self._owed(one, call.now)]
            case _:
                pass

    def _owed(self, said: Utterance, now: float) -> bool:
        passed = any(self.truth.notes.get(note, 0.0) >= said.start_s for note in PASSED)
        recent = now - said.start_s < KEPT_S
        return recent and said.ms >= REPLAYED_MS and not (said.over or said.answered or passed)

    def tick(self, call: RandomCall) -> None:
        connection = call.model.connection
        if not self.due or connection is None or call.now < self.ready_at + 0.06:
            return
        if connection.live and not call.call._hearing.is_open:
            return  # while a greeting is protected, or a tool runs
        if connection.live and connection.ready_at == self.ready_at and not self.hushed:
            for said in self.due:
                loud = {serial for serial in range(said.first, said.last + 1) if call.loud[serial]}
                missing = {serial for serial in loud - connection.memory.frames if serial < self.truth.serial - 3}
                if len(missing) > UNNOTICED:
                    ms = len(missing) * FRAME_MS
                    self.broken(call.now, f"{ms} ms of what was said at {said.start_s - 1000:.2f} s are not heard")
        self.due = []

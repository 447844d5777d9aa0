"""The laws of `random_judge`, but for silence and the caller's frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.call.facts import Fact, HangUp, Note, OpenModel, Order, Tick
from gateway.call.requests import LIMIT_S, RunTool
from gateway.live import cues
from gateway.live import messages as live
from gateway.twilio.media import Play
from tests.call.random_frames import Frames, Replay
from tests.call.random_judge import Judge, Law
from tests.call.random_silence import Silence
from tests.call.random_sound import word_in
from tests.call.script import T0, is_for_model

if TYPE_CHECKING:
    from tests.call.random_calls import RandomCall

SLACK_S = 0.3
NOTICED_MS = 200  # speech is noticed so late: words of a turn before may come in between


class Ends(Law):
    """The call ends in time, and is then at rest."""

    name = "ends"

    def end(self, call: RandomCall) -> None:
        if any(fault.name == "exception" for fault in self.judge.faults):
            return
        if call.ended is None:
            self.broken(call.now, "the call goes on")
        elif call.now - T0 > self.plan.max_duration_s + 0.1:
            self.broken(call.now, "too late")
        elif call.call.deadline() is not None or call.call.handle(Tick(), call.now):
            self.broken(call.now, "something is due after the end")


class Sessions(Law):
    """Never two at once, and nothing is sent where there is none."""

    name = "sessions"

    def __init__(self, judge: Judge) -> None:
        super().__init__(judge)
        self.asked_at = 0.0
        self.leaves: object = None  # the connection that there is a reason to leave

    def fact(self, fact: Fact, call: RandomCall) -> None:
        if isinstance(fact, live.GoingAway):
            self.leaves = call.model.connection

    def order(self, order: Order, call: RandomCall) -> None:
        connection = call.model.connection
        match order:
            case Note(name="model-silent" | "session-forgot" | "model-late"):
                self.leaves = connection
            case OpenModel():
                if connection is not None and connection is not self.leaves:
                    self.broken(call.now, "another one is asked for while one is there")
                self.asked_at = call.now
            case _ if is_for_model(order) and (connection is None or not connection.live):
                self.broken(call.now, f"{type(order).__name__} while there is none")
            case _:
                pass


class Greeting(Law):
    """It is asked for when the model is ready, and never again once the agent was heard."""

    name = "greeting"

    def __init__(self, judge: Judge) -> None:
        super().__init__(judge)
        self.heard = False
        self.asked = 0

    def order(self, order: Order, call: RandomCall) -> None:
        match order:
            case Play(mulaw=mulaw) if word_in(mulaw) is not None:
                self.heard = True
            case live.SendText(text=text) if text == cues.say(self.plan.greeting):
                self.asked += 1
                if self.heard:
                    self.broken(call.now, "the agent was heard already")
            case _:
                pass

    def end(self, call: RandomCall) -> None:
        if self.plan.persona.greeting and "model-ready" in self.truth.notes and not self.asked:
            self.broken(call.now, "never asked for")


class Tools(Law):
    """Each call that the session knows is answered once, in time, and each wish is carried out once."""

    name = "tools"

    def __init__(self, judge: Judge) -> None:
        super().__init__(judge)
        self.asked_at: dict[str, float] = {}
        self.runs: set[object] = set()

    def fact(self, fact: Fact, call: RandomCall) -> None:
        if isinstance(fact, live.ToolCall):
            for one in fact.calls:
                self.asked_at.setdefault(one.id, call.now)

    def order(self, order: Order, call: RandomCall) -> None:
        match order:
            case live.SendToolResults(results=results) if call.model.connection:
                known = call.model.connection.memory.tools
                for one in results:
                    if (state := known.get(one.id, "unknown to the session")) != "due":
                        self.broken(call.now, f"{one.id} is answered, and was {state}")
            case RunTool(args=args):
                if args["day"] in self.runs:
                    self.broken(call.now, f"{args} is carried out twice")
                self.runs.add(args["day"])
            case _:
                pass

    def tick(self, call: RandomCall) -> None:
        connection = call.model.connection
        if connection is None or not connection.live or call.ended is not None:
            return
        for id, state in connection.memory.tools.items():
            since = max(self.asked_at[id], connection.ready_at)
            if state == "due" and call.now - since > LIMIT_S + SLACK_S:
                self.broken(call.now, f"{id} has no answer")


class Transcript(Law):
    """Times go forward, and no word is told twice."""

    name = "transcript"

    def __init__(self, judge: Judge) -> None:
        super().__init__(judge)
        self.words: set[str] = set()
        self.start_ms: dict[str, int] = {}

    def order(self, order: Order, call: RandomCall) -> None:
        if not isinstance(order, Note) or order.name != "turn":
            return
        speaker, start, end = (order.fields[name] for name in ("speaker", "start_ms", "end_ms"))
        if not 0 <= start <= end <= order.at_ms:
            self.broken(call.now, f"{speaker} from {start} to {end}, told at {order.at_ms}")
        if start < self.start_ms.get(speaker, 0) - NOTICED_MS:
            self.broken(call.now, f"{speaker} from {start}, after a turn that began at {self.start_ms[speaker]}")
        self.start_ms[speaker] = start
        words = order.private["text"].split()
        again = self.words & {*words} if speaker == "agent" else set()  # a caller's may come after the answer, twice
        if again or len({*words}) < len(words):
            self.broken(call.now, f"told twice: {order.private['text']}")
        self.words |= {*words}


class Heard(Law):
    """What the agent is told to have said was heard at the phone."""

    name = "heard"

    def order(self, order: Order, call: RandomCall) -> None:
        if not isinstance(order, Note) or order.name != "turn" or order.fields["speaker"] != "agent":
            return
        words = {int(word[1:]) for word in order.private["text"].split()}
        unheard = words - call.phone.heard(call.now)
        if len(unheard) > 2:  # words are cut by their share of the sound, and may come late
            self.broken(call.now, f"{len(unheard)} words too many: {sorted(unheard)}")


class Bill(Law):
    """What the model told is billed once, and no turn is counted that was none."""

    name = "bill"

    def __init__(self, judge: Judge) -> None:
        super().__init__(judge)
        self.usages: dict[int, live.Usage] = {}  # by their prompts, which only grow
        self.turns = self.told = 0

    def fact(self, fact: Fact, call: RandomCall) -> None:
        match fact:
            case live.Usage():
                self.usages[fact.prompt] = fact
            case live.ModelAudio() if not self.truth.sounded:
                self.turns += 1
            case _:
                pass

    def order(self, order: Order, call: RandomCall) -> None:
        match order:
            case Note(name="turn"):
                self.told += 1
            case Note(name="call-ended", fields=fields):
                self._sums(fields, call.now)
            case HangUp() if "call-ended" not in self.truth.notes:
                self.broken(call.now, "the call's sum is not told")
            case _:
                pass

    def _sums(self, fields: object, now: float) -> None:
        assert isinstance(fields, dict)
        billed, assumed, cost = fields["turns_billed"], fields["turns_assumed"], fields["cost_usd"]
        if billed != len(self.usages):
            self.broken(now, f"{billed} billed of {len(self.usages)} that were told")
        if billed + assumed > max(self.turns, billed) + len(self.usages):
            self.broken(now, f"{billed} and {assumed} assumed, of {self.turns} turns")
        if cost is not None and cost < 0:
            self.broken(now, f"{cost} USD")
        if fields["prompt_tokens"] != sum(usage.prompt for usage in self.usages.values()):
            self.broken(now, "tokens are not added up")
        if fields["turns"] != self.told:
            self.broken(now, f"{fields['turns']} turns counted, {self.told} told")


LAWS = (Ends, Silence, Sessions, Greeting, Tools, Transcript, Heard, Bill, Frames, Replay)

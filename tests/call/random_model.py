"""The model's side of a random call: it hears, answers, breaks, as the facts of the field have it. Everything is drawn
from one seed; what it tells is on the connection's agenda and falls away with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from random import Random

from gateway.call.facts import Fact, ModelGone, OpenModel, Order
from gateway.live import cues
from gateway.live import messages as live
from tests.call.random_sound import WORD_MS, sound

BEGAN, OVER = 10, 25  # frames: 200 ms of speech begin a turn, 500 ms of silence end it
NO_OPERATION = "Operation is not implemented, or supported, or enabled."
ABORTED = ModelGone(1008, "The operation was aborted.")
REFUSED = ModelGone(1007, "Request contains an invalid argument.")
BREAKS = (ModelGone(1011, "Internal error"), ModelGone(1006), ModelGone(1008, NO_OPERATION))
REACTIONS = {
    "answers": 11,
    "mute": 3,
    "empty": 1,
    "waits": 1,
    "thinks": 1,
    "calls a tool": 3,
    "stops in mid-sentence": 1,
    "breaks in mid-sentence": 2,
}


@dataclass
class Memory:
    """What a session knows: the caller's frames, and its tool calls: "due", "answered" or "cancelled"."""

    frames: set[int] = field(default_factory=set)
    tools: dict[str, str] = field(default_factory=dict)

    def copy(self) -> Memory:
        return Memory(set(self.frames), dict(self.tools))


@dataclass
class Connection:
    handle: str
    memory: Memory
    live: bool = False
    ready_at: float = 0.0
    agenda: list[tuple[float, int, str, Fact]] = field(default_factory=list)
    turn_from: float = 0.0  # of the model's own turn, as it takes it to be played
    turn_until: float = 0.0
    first: int = 0  # frame of what the caller says
    loud: int = 0
    quiet: int = OVER


class Model:
    """`loud` says of each of the caller's frames whether it is speech; `interrupts`: whether the caller may cut in."""

    def __init__(self, random: Random, loud: list[bool], *, interrupts: bool, thinks: bool) -> None:
        self.random = random
        self.loud = loud
        self.interrupts = interrupts
        self.thinks = thinks
        self.connection: Connection | None = None
        self.kept: dict[str, Memory] = {}  # by handle
        self.words = self.tools = self.handles = self.count = 0
        self.prompt = 200

    # to the call

    def due(self, now: float) -> Iterator[Fact]:
        """What it tells until now. One at a time: what the call does about it may change the rest."""
        while (connection := self.connection) and connection.agenda and connection.agenda[0][0] <= now:
            fact = heappop(connection.agenda)[3]
            self._tells(connection, fact, now)
            yield fact

    def _tells(self, connection: Connection, fact: Fact, now: float) -> None:
        match fact:
            case live.Ready():
                connection.live, connection.ready_at = True, now
                self._fate(now)
            case ModelGone():
                self.connection = None
            case live.ResumptionUpdate(handle=handle) if handle:
                self.kept[handle] = connection.memory.copy()
            case live.ToolCall(calls=calls):
                connection.memory.tools |= {one.id: "due" for one in calls if one.id not in connection.memory.tools}
            case live.ToolCallCancelled(ids=ids):
                due = [id for id in ids if connection.memory.tools.get(id) == "due"]
                connection.memory.tools |= dict.fromkeys(due, "cancelled")
            case _:
                pass

    def _fate(self, now: float) -> None:
        """How long the connection lasts."""
        draw = self.random
        if draw.random() < 0.3:
            self._goes(now + draw.uniform(1, 12))
        if draw.random() < 0.4:
            self._at(now + draw.uniform(0.3, 18), "", draw.choice(BREAKS))
        if draw.random() < 0.4:
            at = now + draw.uniform(0.3, 12)
            self.handles += 1
            self._at(at, "", live.ResumptionUpdate(f"h{self.handles}", True))
            if draw.random() < 0.5:
                self._goes(at + draw.uniform(0.1, 1.0))

    def _goes(self, at: float) -> None:
        left = self.random.choice((0.0, 3.0, 6.0, 8.0, 12.0, 50.0))
        self._at(at, "", live.GoingAway(left))
        self._at(at + left, "", ABORTED)

    def _at(self, at: float, turn: str, *facts: Fact) -> None:
        assert self.connection is not None
        for fact in facts:
            self.count += 1
            heappush(self.connection.agenda, (at, self.count, turn, fact))

    # from the call

    def hears(self, order: Order, now: float) -> None:
        match order:
            case OpenModel():
                self._asked(order, now)
            case live.SendText(text=text):
                self._told(text, now)
            case live.SendToolResults(results=results) if self.connection:
                self.connection.memory.tools |= {result.id: "answered" for result in results}
                if self.random.random() < 0.85:
                    self._says(now + self.random.uniform(0.2, 1.5))
            case live.SendActivityEnd() if self.connection:
                self._ended(now)
            case _:
                pass

    def _asked(self, order: OpenModel, now: float) -> None:
        handle = str(order.setup.setup["sessionResumption"].get("handle") or "")
        self.connection = Connection(handle, self.kept[handle].copy() if handle else Memory())
        chance, at = self.random.random(), now + self.random.choice((0.02, 0.2, 0.2, 0.6, 2.0))
        if chance < 0.08:
            self._at(at, "", ModelGone(1006))
        elif chance < 0.2 and handle:
            self._at(at, "", REFUSED)
        elif chance < 0.97:
            self._at(at, "", live.Ready())

    def _told(self, text: str, now: float) -> None:
        """A cue. One that thinks of it as a nudge may go on saying nothing."""
        if self.random.random() < (0.9 if cues.parse_say(text) else 0.6):
            self._says(now + self.random.uniform(0.2, 2.0))

    def frames(self, serials: list[int], now: float, *, decides: bool) -> None:
        """The caller's sound; `decides`: the model tells by itself where turns begin and end."""
        connection = self.connection
        if connection is None:
            return
        connection.memory.frames |= {*serials}
        for serial in serials:
            if self.loud[serial]:
                connection.first = connection.first if connection.loud else serial
                connection.loud, connection.quiet = connection.loud + 1, 0
                if connection.loud == BEGAN:
                    self._began(now)
                continue
            connection.quiet += 1
            if connection.quiet == OVER and decides:
                if connection.loud >= BEGAN:
                    self._ended(now)
                connection.loud = 0

    def _began(self, now: float) -> None:
        """The caller speaks: an answer that has not begun is for nothing, one that is heard may be cut."""
        connection = self.connection
        assert connection is not None
        if now < connection.turn_from and self.random.random() < 0.7:
            self._drop(now)
            connection.turn_until = now
        elif now < connection.turn_until and self.interrupts and self.random.random() < 0.85:
            at = now + self.random.uniform(0.05, 0.6)
            self._drop(at)
            connection.turn_until = at
            self._at(at, "", live.Interrupted(), live.TurnComplete())
            self._bills(at)

    def _drop(self, at: float) -> None:
        connection = self.connection
        assert connection is not None
        connection.agenda = [one for one in connection.agenda if one[2] != "turn" or one[0] < at]
        heapify(connection.agenda)

    def _ended(self, now: float) -> None:
        """The caller has finished."""
        connection = self.connection
        assert connection is not None
        connection.loud = 0
        if now < connection.turn_until and self.random.random() < 0.7:
            return  # "mhm"
        at = max(now, connection.turn_until) + self.random.uniform(0.1, 1.5)
        self._understands(now, at)
        (reaction,) = self.random.choices([*REACTIONS], [*REACTIONS.values()])
        self._reacts(reaction, at)

    def _understands(self, now: float, at: float) -> None:
        """The caller's words: before the answer, after it, or never."""
        assert self.connection is not None
        words = live.InputTranscript(f"c{self.connection.first} ")  # the same for what it hears again
        chance = self.random.random()
        if chance < 0.6:
            self._at(self.random.uniform(now, at), "", words)
        elif chance < 0.85:
            self._at(at + self.random.uniform(0.1, 2.0), "", words)

    def _reacts(self, reaction: str, at: float) -> None:
        match reaction:
            case "answers":
                self._says(at)
            case "empty":
                self._at(at, "turn", live.TurnComplete())
            case "waits":
                self._at(at, "turn", live.WaitingForInput())
            case "thinks" if self.thinks:
                self._says(at, words=1, status="IN_PROGRESS")
                if self.random.random() < 0.7:
                    self._says(at + self.random.uniform(2, 8))
            case "calls a tool":
                self._calls(at)
            case "stops in mid-sentence":
                self._says(at, stops=True)
            case "breaks in mid-sentence":
                self._says(at, stops=True)
                self._at(at + self.random.uniform(0.1, 2.0), "turn", self.random.choice(BREAKS))
            case _:
                pass

    def _says(self, at: float, words: int = 0, status: str = "", *, stops: bool = False) -> None:
        """A turn: words and sound, five times faster than it is heard; then its end, its bill and a handle."""
        connection, draw = self.connection, self.random
        if connection is None:
            return
        at, words = max(at, connection.turn_until + 0.1), words or draw.randint(1, 12)  # one turn at a time
        connection.turn_from, connection.turn_until = at, at + words * WORD_MS / 1000 + draw.uniform(0.0, 0.4)
        self._at(at - 0.02, "turn", live.ResumptionUpdate())
        late = 0.5 if draw.random() < 0.2 else 0.0
        for nth in range(words):
            self.words += 1
            self._at(at + nth * 0.06 + late, "turn", live.OutputTranscript(f"w{self.words} "))
            self._at(at + nth * 0.06, "turn", live.ModelAudio(sound(self.words)))
        if stops:
            return
        if draw.random() < 0.92:
            self._at(at + words * 0.06 + 0.05, "turn", live.GenerationComplete())
        end = connection.turn_until
        if draw.random() < 0.95:
            self._at(end, "turn", live.TurnComplete("", status))
        if not status:
            self._bills(end)
        if draw.random() < 0.9:
            self.handles += 1
            self._at(end + 0.1, "turn", live.ResumptionUpdate(f"h{self.handles}", True))

    def _bills(self, at: float) -> None:
        """One turn's usage, or none, or twice."""
        if self.random.random() < 0.15:
            return
        self.prompt += self.random.randint(20, 90)
        usage = live.Usage(self.prompt, self.random.randint(10, 60))
        self._at(at + self.random.choice((-0.05, 0.0, 0.05)), "turn", usage)
        if self.random.random() < 0.1:
            self._at(at + 0.3, "turn", usage)

    def _calls(self, at: float) -> None:
        """A tool, once; or twice by one id, or by two, or taken back."""
        draw = self.random
        self.tools += 1
        name = "goodbye" if draw.random() < 0.05 else "find"
        call = live.FunctionCall(f"t{self.tools}", name, {"day": self.tools})
        self._at(at, "turn", live.ToolCall((call,)))
        chance = draw.random()
        if chance < 0.2:
            self._at(at + draw.uniform(0.05, 1.5), "turn", live.ToolCall((call,)))
        elif chance < 0.35:
            other = live.FunctionCall(f"t{self.tools}b", name, call.args)
            self._at(at + draw.uniform(0.0, 1.5), "turn", live.ToolCall((other,)))
        elif chance < 0.45:
            self._at(at + draw.uniform(0.1, 3.0), "turn", live.ToolCallCancelled((call.id,)))

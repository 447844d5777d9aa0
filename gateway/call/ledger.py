"""What a call tells: notes with the call's own clock, turns as they end, and the sum at the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from gateway.call import tally
from gateway.call.bill import Bill
from gateway.call.facts import EndReason, Note, Order
from gateway.call.tally import Tally
from gateway.call.transcript import Line, Spoken
from gateway.live.messages import Usage
from gateway.live.prices import PRICES

MAX_TURNS, MAX_TEXT = 60, 1_000  # of the transcript that another session is told: some 15,000 tokens at most
MAX_KEYS = 32  # of the model's unknown keys, told in one call


class Ledger:
    """`ms` is the stream's clock: milliseconds since it began. What is added up is the whole call; its earlier streams
    took `_before_ms`."""

    __slots__ = ("_before_ms", "_began", "_bill", "_missed", "_said", "_seen", "_tally")

    def __init__(self, model: str, now: float) -> None:
        self._began = now
        self._before_ms = 0
        self._tally = Tally()
        self._bill = Bill(model, PRICES)
        self._said: deque[str] = deque(maxlen=MAX_TURNS)
        self._missed: deque[Line] = deque(maxlen=MAX_TURNS)
        self._seen: set[str] = set()

    def kept(self, now: float) -> Mapping[str, Any]:
        """For the stream that goes on with the call."""
        said, sums = [*self._said], {"tally": self._tally.kept(), "bill": self._bill.kept()}
        return {"ms": self._before_ms + self.ms(now), "said": said, **sums}

    def goes_on(self, kept: Mapping[str, Any], missed: Iterable[Line] = ()) -> None:
        """From what `kept` said in an earlier stream of the call; `missed`: what its session's handle doesn't know."""
        self._missed.extend(missed)
        self._before_ms = kept["ms"]
        self._said.extend(kept["said"])
        self._tally = tally.read(kept["tally"])
        self._bill.goes_on(kept["bill"])

    def ms(self, now: float) -> int:
        return round((now - self._began) * 1000)

    def note(
        self,
        name: str,
        now: float,
        fields: Mapping[str, object] | None = None,
        private: Mapping[str, str] | None = None,
        severity: Literal["debug", "info", "warning", "error"] = "info",
    ) -> Note:
        """A note of this moment. The caller's words and numbers belong into `private`."""
        return Note(name, self.ms(now), fields or {}, private or {}, severity)

    def turn(self, spoken: Spoken | None, now: float) -> list[Order]:
        """The note of a finished turn, if there was one."""
        if spoken is None:
            return []
        self._tally.turns += 1
        if spoken.text:
            self._said.append(f"{spoken.speaker}: {spoken.text[:MAX_TEXT]}")
        if spoken.new:
            self._missed.append(Line(spoken.speaker, spoken.new[:MAX_TEXT]))
        return [self.note("turn", now, spoken.fields(), {"text": spoken.text})]

    @property
    def turns(self) -> int:
        return self._tally.turns

    @property
    def history(self) -> str:
        """What was said so far and heard, a line a turn."""
        return "\n".join(self._said)

    def settle(self) -> None:
        """The session's handle knows all that was said so far."""
        self._missed.clear()

    @property
    def missed(self) -> tuple[Line, ...]:
        """What was said in turns that are over, and the session's last handle doesn't know."""
        return tuple(self._missed)

    def back(self, how: str, fields: Mapping[str, object], now: float) -> Note:
        """The model is back in another connection."""
        self._tally.connections[how] += 1
        return self.note("model-back", now, fields)

    def stuck(self, step: int, now: float) -> Note:
        """The model owed an answer and was silent."""
        self._tally.silences += 1
        return self.note("model-silent", now, {"step": step}, severity="warning")

    def stalled(self, gap_ms: int, now: float) -> Note:
        """The agent's sound ran dry in mid-sentence."""
        self._tally.stalls.append(gap_ms)
        return self.note("agent-stalled", now, {"gap_ms": gap_ms})

    def barge_in(self, heard_ms: int, now: float) -> Note:
        self._tally.barge_ins += 1
        return self.note("barge-in", now, {"heard_ms": heard_ms})

    def answered(self, response_ms: int) -> None:
        """The agent began to answer, so long after the caller's last sound."""
        self._tally.responses.append(response_ms)

    def unseen(self, keys: tuple[str, ...]) -> list[str]:
        """Count a message with unknown keys; those that were not told yet. A new field may stand in every message."""
        self._tally.unknown += 1
        new = [key[:64] for key in keys if key[:64] not in self._seen][: MAX_KEYS - len(self._seen)]
        self._seen.update(new)
        return new

    def used(self, usage: Usage, now: float) -> list[Order]:
        """One usage message: a turn's. The note of it, unless it told nothing new."""
        tokens = self._bill.count(usage, self.ms(now))
        if tokens:
            self._tally.count(usage)
        return [self.note("turn-billed", now, {"tokens": tokens, "cost_usd": self._bill.cost_usd})] if tokens else []

    def agent_began(self) -> None:
        """The agent's turn begins to sound."""
        self._bill.begun()

    def agent_done(self) -> None:
        """The agent's turn is complete, as the model tells it: its bill is due."""
        self._bill.complete()

    def costs_more_than(self, limit_usd: float | None) -> bool:
        """Whether the estimate exceeds it; without a limit, or a price, it doesn't."""
        return self._bill.exceeds(limit_usd)

    def ended(self, reason: EndReason, now: float) -> Note:
        """The last note of a call."""
        self._bill.begun()  # a turn that nothing has told of stays untold
        lasted = {"duration_ms": self._before_ms + self.ms(now)}
        return self.note("call-ended", now, {"ended": reason, **lasted, **self._tally.fields(), **self._bill.fields()})

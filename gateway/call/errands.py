"""The model's tool calls as orders and notes, and the agent's own end of the call. `Toolbox` and `Farewell` decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.call.carry import Errand
from gateway.call.facts import Order, ToolDone
from gateway.call.farewell import Farewell
from gateway.call.ledger import Ledger
from gateway.call.requests import NOTHING, Outcome
from gateway.call.toolbox import Toolbox
from gateway.live import cues
from gateway.live import messages as live


class Errands:
    """One call's. `tools`: each tool's name and type; `asynchronous`: the model talks on while one runs."""

    __slots__ = ("_farewell", "_ledger", "_told", "_toolbox")

    def __init__(self, tools: Mapping[str, str], ledger: Ledger, *, asynchronous: bool) -> None:
        self._toolbox = Toolbox(tools, asynchronous)
        self._farewell = Farewell(waits=not asynchronous)
        self._ledger = ledger
        self._told = False

    def called(self, fact: live.ToolCall, now: float) -> list[Order]:
        return self._orders(self._toolbox.called(fact, now), now)

    def cancelled(self, fact: live.ToolCallCancelled, now: float) -> list[Order]:
        return self._orders(self._toolbox.cancelled(fact, now), now)

    def done(self, fact: ToolDone, now: float) -> list[Order]:
        return self._orders(self._toolbox.done(fact.id, fact.result, now, closes=fact.closes), now)

    def expire(self, now: float) -> list[Order]:
        return self._orders(self._toolbox.expire(now), now)

    def lost(self, now: float) -> None:
        """The connection is gone; tools run on."""
        self._toolbox.lost(now)

    def resumed(self, now: float, handle_at: float | None) -> list[Order]:
        """Another connection is there; see `Toolbox.resumed`."""
        return self._orders(self._toolbox.resumed(now, handle_at), now)

    def kept(self, now: float) -> tuple[Errand, ...]:
        """For the stream that goes on with the call."""
        return self._toolbox.kept(now)

    def goes_on(self, errands: Iterable[Errand], now: float, *, closing: bool) -> None:
        """From an earlier stream of the call; `closing`: the agent had asked for its end."""
        self._toolbox.goes_on(errands, now)
        if closing:
            self._farewell.asked(now)

    def told(self) -> bool:
        """Whether the model got something to speak about since this was asked last."""
        told, self._told = self._told, False
        return told

    # the agent's last words

    def sound(self, now: float) -> None:
        self._farewell.sound(now)

    def complete(self, now: float, *, quiet: bool) -> None:
        self._farewell.complete(now, quiet=quiet)

    def heard(self) -> None:
        self._farewell.heard()

    def interrupted(self, now: float) -> list[Order]:
        """The caller speaks into the last words: the line stays open."""
        return [self._ledger.note("farewell-interrupted", now)] if self._farewell.interrupted() else []

    def over(self, now: float, free_at: float) -> bool:
        """Whether the agent has said its last words, and the line is to close."""
        return self._farewell.over(now, free_at)

    @property
    def closing(self) -> bool:
        return self._farewell.closing

    @property
    def pending(self) -> bool:
        """Whether the model waits for an answer of ours."""
        return self.due > 0

    @property
    def due(self) -> int:
        """For how many."""
        return self._toolbox.pending

    def deadline(self, free_at: float) -> float | None:
        times = (self._toolbox.deadline(), self._farewell.deadline(free_at))
        return min((time for time in times if time is not None), default=None)

    def _orders(self, outcome: Outcome, now: float) -> list[Order]:
        if outcome is NOTHING:  # as after nearly every fact
            return []
        if outcome.closes:
            self._farewell.asked(now)
        notes = [self._ledger.note(one.name, now, one.fields, one.private, one.severity) for one in outcome.notes]
        orders: list[Order] = [*notes, *outcome.run]
        loud = any(result.scheduling != "SILENT" for result in outcome.results)
        self._told = self._told or loud or bool(outcome.untold)
        if outcome.results:
            orders.append(live.SendToolResults(outcome.results))
        if outcome.untold:
            orders.append(live.SendText(cues.untold({one.name: one.response for one in outcome.untold})))
        return orders

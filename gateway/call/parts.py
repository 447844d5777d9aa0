"""The machines of a call that others work on, and what only several of them know together."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.call.errands import Errands
from gateway.call.hearing import Hearing
from gateway.call.ledger import Ledger
from gateway.call.speech import Speech
from gateway.call.turn import State, Turn

UNHEARD = (State.HEARING, State.ANSWERING)  # what the caller says or said has no answer yet


@dataclass(frozen=True, slots=True)
class Parts:
    """One call's."""

    hearing: Hearing
    speech: Speech
    turn: Turn
    errands: Errands
    ledger: Ledger

    def unheard(self, now: float) -> bool:
        """Whether what the caller says, or said last, has no answer yet: they may be speaking over the agent, and the
        model has not told that it noticed."""
        ungreeted = self.turn.state is State.GREETING and self.speech.said is None
        return self.turn.state in UNHEARD or ungreeted or self.hearing.speaks_over(self.ledger.ms(now))

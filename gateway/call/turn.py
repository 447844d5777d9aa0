"""Whose turn it is: a table, state x signal -> state. Every pair stands in it, so nothing is left to chance.

    OPENING    the phone is there, the model isn't yet       -> out by time: the call ends
    GREETING   the agent was asked to greet, or is greeting  -> out by time: LISTENING
    LISTENING  both are silent; the idle policy's clock runs -> out by time: a prompt, or the end
    HEARING    the caller speaks                             -> out by time: LISTENING
    ANSWERING  the caller (or we) finished; the agent is due -> out by time: LISTENING
    SPEAKING   the agent is heard, or its sound is under way -> out by time: LISTENING
    ENDED      nothing more happens

Signals are what the facts mean: the caller's speech is told by the level of the line, which only times turns and never
decides a barge-in (the model's `interrupted` does).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never


class State(Enum):
    OPENING = auto()
    GREETING = auto()
    LISTENING = auto()
    HEARING = auto()
    ANSWERING = auto()
    SPEAKING = auto()
    ENDED = auto()


class Signal(Enum):
    READY = auto()  # the model's session is open and there is no greeting
    GREET = auto()  # the model's session is open and the greeting was asked for
    CALLER_BEGAN = auto()
    CALLER_FINISHED = auto()
    PROMPTED = auto()  # we asked the agent to speak (idle)
    AGENT_SOUND = auto()
    AGENT_HEARD = auto()  # the turn is complete and its last sound was heard
    AGENT_PASSED = auto()  # the turn is complete without any sound
    BARGE_IN = auto()
    EXPIRED = auto()  # the state's time ran out
    END = auto()


# fmt: off
_O, _G, _L, _H, _A, _S, _E = State
_COLUMNS = (
    Signal.READY, Signal.GREET, Signal.CALLER_BEGAN, Signal.CALLER_FINISHED, Signal.PROMPTED, Signal.AGENT_SOUND,
    Signal.AGENT_HEARD, Signal.AGENT_PASSED, Signal.BARGE_IN, Signal.EXPIRED, Signal.END,
)
_ROWS = {
    #    READY GREET  BEGAN FINISHED PROMPTED  SOUND HEARD PASSED  BARGE_IN EXPIRED END
    _O: (_L, _G, _O, _O, _O, _O, _O, _O, _O, _E, _E),
    _G: (_G, _G, _G, _G, _G, _G, _L, _L, _H, _L, _E),
    _L: (_L, _L, _H, _A, _A, _S, _L, _L, _H, _L, _E),
    _H: (_H, _H, _H, _A, _A, _S, _H, _H, _H, _L, _E),
    _A: (_A, _A, _H, _A, _A, _S, _A, _L, _H, _L, _E),
    _S: (_S, _S, _S, _S, _S, _S, _L, _L, _H, _L, _E),
    _E: (_E, _E, _E, _E, _E, _E, _E, _E, _E, _E, _E),
}
# fmt: on

TABLE = {state: dict(zip(_COLUMNS, row, strict=True)) for state, row in _ROWS.items()}


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds each state may last before it is left by time. LISTENING's is the flow's idle policy."""

    opening: float = 8.0  # the model's session: handshake, setup, setupComplete
    greeting: float = 6.0  # from asking for it to its first sound, and from the end of play-out to its completion
    hearing: float = 60.0  # a caller who never stops is noise
    answering: float = 4.0  # the agent is due (facts of the field: later the caller asks whether anyone is there)
    speaking: float = 6.0  # from the end of play-out to more sound or the turn's completion
    listening: float | None = None
    phone: float = 60.0  # Twilio sends the line's sound all the time, silence too: without it the phone is gone


class Turn:
    """The state and since when. `since` moves with changes of state (but see _GOES_ON) and with signals of life."""

    __slots__ = ("since", "state")

    def __init__(self, now: float) -> None:
        self.state = State.OPENING
        self.since = now

    def take(self, signal: Signal, now: float) -> State:
        """The state after `signal`."""
        before, after = self.state, TABLE[self.state][signal]
        self.state = after
        if (after is not before and (before, signal) not in _GOES_ON) or (after, signal) in _RESTARTS:
            self.since = now
        return after

    def restart(self, now: float) -> None:
        """What the state waits for begins anew: the model was away."""
        self.since = now

    def due(self, patience: Patience, free_at: float) -> float | None:
        """When the state is left by time. `free_at` is the end of play-out: sound that is still to be heard counts."""
        match self.state:
            case State.OPENING:
                return self.since + patience.opening
            case State.GREETING:
                return max(self.since, free_at) + patience.greeting
            case State.LISTENING:
                return None if patience.listening is None else self.since + patience.listening
            case State.HEARING:
                return self.since + patience.hearing
            case State.ANSWERING:
                return self.since + patience.answering
            case State.SPEAKING:
                return max(self.since, free_at) + patience.speaking
            case State.ENDED:
                return None
            case _:
                assert_never(self.state)


# An answer that never came: the caller has been waiting since, so the idle policy's clock counts from there.
_GOES_ON = frozenset({(State.ANSWERING, Signal.EXPIRED)})

# What restarts a state's clock though the state stays: only proof that what the state waits for is under way.
_RESTARTS = frozenset(
    {
        (State.GREETING, Signal.AGENT_SOUND),
        (State.SPEAKING, Signal.AGENT_SOUND),
        (State.HEARING, Signal.CALLER_BEGAN),
        (State.ANSWERING, Signal.CALLER_FINISHED),
    }
)

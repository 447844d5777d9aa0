"""What goes over to the stream that goes on with a call, at this instance or another: plain data, written to the store.

Times are relative to the moment when it was taken, since another instance has another clock: `aged` lets time pass.
Sound is mu-law at 8 kHz.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from gateway.call.memory import UNSURE, Context
from gateway.call.transcript import Line

KEEP_BYTES = 160_000  # of the agent's sound: 20 s; what a model sends ahead beyond that is asked for again
MAX_RESPONSES = 200  # response times that are carried on, for the median at the end


@dataclass(frozen=True, slots=True)
class Unheard:
    """The agent's turn that was cut off. `said`: all its words so far; `text` and `sound`: what of it was not heard;
    `complete`: no more was to come; `known`: so many of the first characters of `text` the handle knows."""

    said: str
    text: str
    sound: bytes
    complete: bool
    known: int = 0


@dataclass(frozen=True, slots=True)
class Errand:
    """A tool call that the model waits for, or was answered a moment ago. `result`: what came of it, if it is known;
    `key`: its name and arguments, hashed."""

    id: str
    name: str
    key: str
    asked_s: float  # ago
    answered_s: float | None
    result: Mapping[str, Any] | None
    closes: bool


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of the time that a call may last; `warn_s`: until the agent is told, None where it has been."""

    reason: str
    end_s: float
    warn_s: float | None


@dataclass(frozen=True, slots=True)
class Carry:
    """`state` is whose turn it was (turn.State's name); `whole`: taken at the stream's end, with what was not heard and
    not answered, where one that was taken before a crash has neither. `missed`: what the handle doesn't know, but for
    what goes over as sound."""

    state: str
    handle: str
    handle_s: float  # its age
    prompts: int
    left: Left
    ledger: Mapping[str, Any]
    agent: Unheard | None = None
    caller: bytes = b""
    errands: tuple[Errand, ...] = ()
    closing: bool = False
    whole: bool = False
    spoken: str = ""  # the caller's words that the model has told of a turn that isn't over
    owing: bool = False  # the model is due to speak whatever the caller does
    hush: bool = False  # sound has broken a connection that waited for a tool's result
    forgotten: bool = False  # nothing is known of the call but that it was answered
    missed: tuple[Line, ...] = ()
    context: Context = UNSURE  # of the handle's session
    seed: str = ""  # the transcript that stands in its instructions
    distrusts: bool = False  # a session of this call has taken its handle and forgotten it: none is used again

    def aged(self, s: float) -> Carry:
        """The same, `s` seconds later."""
        left, errands = self.left, self.errands
        warn_s = None if left.warn_s is None else left.warn_s - s
        later = (
            replace(one, asked_s=one.asked_s + s, answered_s=None if one.answered_s is None else one.answered_s + s)
            for one in errands
        )
        return replace(
            self,
            handle_s=self.handle_s + s,
            left=replace(left, end_s=left.end_s - s, warn_s=warn_s),
            errands=tuple(later),
        )

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        agent = None if self.agent is None else {**_fields(self.agent), "sound": _text(self.agent.sound)}
        rows = {"errands": [_fields(one) for one in self.errands], "missed": [_fields(one) for one in self.missed]}
        nested = {"left": _fields(self.left), "context": _fields(self.context), "agent": agent, **rows}
        return {**_fields(self), **nested, "caller": _text(self.caller)}


def read(said: Mapping[str, Any]) -> Carry:
    """What `plain` wrote. Raises KeyError, TypeError or ValueError of what another release wrote otherwise."""
    agent = said["agent"]
    return Carry(
        **{
            **said,
            "left": Left(**said["left"]),
            "agent": None if agent is None else Unheard(**{**agent, "sound": b64decode(agent["sound"])}),
            "caller": b64decode(said["caller"]),
            "errands": tuple(Errand(**one) for one in said["errands"]),
            "context": Context(**{name: int(count) for name, count in said.get("context", {}).items()}),
            "missed": tuple(_line(**one) for one in said.get("missed", ())),  # the release before knew none
        }
    )


def _line(speaker: str, text: str) -> Line:
    if speaker not in ("caller", "agent") or not isinstance(text, str):
        raise ValueError(f"no line of a transcript: {speaker!r}")
    return Line("caller" if speaker == "caller" else "agent", text)


def _fields(of: Any) -> dict[str, Any]:
    """Without `dataclasses.asdict`, which copies all that is in it: this is done at each turn."""
    return {field.name: getattr(of, field.name) for field in fields(of)}


def _text(sound: bytes) -> str:
    return b64encode(sound).decode()

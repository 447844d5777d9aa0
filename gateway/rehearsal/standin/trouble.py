"""How a stand-in misbehaves: what triggers it, and what the session's orders become. `hostile` has the table. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from gateway.live.messages import GenerationComplete, ModelAudio, Ready, ServerMessage
from gateway.rehearsal.standin.orders import Change, Close, Cut, Order, Orders, Send, Told

_PART = re.compile(r"([a-z0-9-]+)(?:@([1-9][0-9]{0,5})(\+?))?(?:#([1-9][0-9]{0,5}))?", re.ASCII)


class At(Enum):
    """What a trouble waits for, and may end with."""

    UPGRADE = auto()  # the handshake
    READY = auto()  # setupComplete goes out
    RESUMED = auto()  # a setup that named a handle was taken
    SOUND = auto()  # a message with speech goes out
    HEARD = auto()  # the caller has finished a turn
    TEXT = auto()  # the client sent a text
    CONTENT = auto()  # the client sent history
    RESULT = auto()  # the client sent a tool's result
    MEANWHILE = auto()  # the client sent sound, a text or history while a tool call waited


def keep(order: Order) -> Orders:
    return (order,)


@dataclass(frozen=True, slots=True)
class Trouble:
    """`act` is what the `nth` order that `at` names becomes, `change` what every order after it becomes, up to `until`.
    `later` follows `later_s` after it. `hold`: speech is kept until all of a turn is there. At the upgrade: `status`
    refuses, `wait_s` lets wait. Without `pong` pings aren't answered."""

    about: str
    at: At = At.SOUND
    act: Change = keep
    change: Change = keep
    nth: int = 1
    until: At | None = None
    later_s: float = 0.0
    later: Orders = ()
    hold: bool = False
    status: int = 0
    wait_s: float = 0.0
    pong: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """A trouble, and the connections it is for, counted from 1 as they knock. `last` 0: all from `first` on."""

    trouble: Trouble
    first: int = 1
    last: int = 0
    nth: int = 0  # instead of the trouble's own, where not 0

    def plays(self, connection: int) -> bool:
        return self.first <= connection and (not self.last or connection <= self.last)


CALM = Part(Trouble("nothing", At.UPGRADE))


def read_part(text: str, troubles: Mapping[str, Trouble]) -> Part:
    """`NAME`, `NAME@2` (the second connection), `NAME@2+` (from it on), each with `#3` (at the third chance).

    Raises ValueError, with words for whoever wrote it."""
    found = _PART.fullmatch(text)
    if found is None:
        raise ValueError("takes NAME, NAME@CONNECTION or NAME@CONNECTION+, each with #NTH at the end or without")
    name, first, onwards, nth = found.groups()
    if name not in troubles:
        raise ValueError(f"no such trouble (known: {', '.join(sorted(troubles))})")
    number = int(first or 1)
    return Part(troubles[name], number, number if first and not onwards else 0, int(nth or 0))


def part_of(parts: Sequence[Part], connection: int) -> Part:
    """What is played on that connection: the first part that is for it."""
    return next((part for part in parts if part.plays(connection)), CALM)


class Player:
    """One connection's. `play` stands between the session and its socket; `tick` at `deadline()` adds to it."""

    def __init__(self, part: Part) -> None:
        self._trouble = part.trouble
        self._left = part.nth or part.trouble.nth  # chances until it begins
        self._on = False  # `change` is in force
        self._due: float | None = None
        self._held: list[Order] = []
        self._over = False  # the connection's end was ordered

    def play(self, orders: Orders, now: float) -> Orders:
        """What is carried out in place of `orders`."""
        played: list[Order] = []
        for order in orders:
            played += self._one(order, now)
        return self._until_the_end(played)

    def deadline(self) -> float | None:
        return None if self._over else self._due

    def tick(self, now: float) -> Orders:
        if self._due is None or now < self._due:
            return ()
        self._due = None
        return self._until_the_end(self._trouble.later)

    def _one(self, order: Order, now: float) -> Orders:
        trouble = self._trouble
        if self._left and is_at(trouble.at, order):
            self._left -= 1
            if not self._left:
                self._on = True
                self._due = now + trouble.later_s if trouble.later else None
                return trouble.act(order)
        if self._on and trouble.until is not None and is_at(trouble.until, order):
            self._on = False
        if not self._on:
            return (order,)
        return self._hold(order) if trouble.hold else trouble.change(order)

    def _hold(self, order: Order) -> Orders:
        if is_at(At.SOUND, order):
            self._held.append(order)
            return ()
        if not holds(order, GenerationComplete):
            return (order,)
        held, self._held = self._held, []
        return (*held, order)

    def _until_the_end(self, orders: Sequence[Order]) -> Orders:
        """After the end of the connection only what is told goes on."""
        played: list[Order] = []
        for order in orders:
            if not self._over or isinstance(order, Told):
                played.append(order)
            self._over = self._over or isinstance(order, Close | Cut)
        return tuple(played)


def is_at(at: At, order: Order) -> bool:
    """Whether the order is what `at` names."""
    match order:
        case Send():
            return (at is At.READY and holds(order, Ready)) or (at is At.SOUND and holds(order, ModelAudio))
        case Told(event, fields):
            return TOLD.get(event, _no)(fields) is at
        case _:
            return False


def holds(order: Order, kind: type[ServerMessage]) -> bool:
    return isinstance(order, Send) and any(isinstance(message, kind) for message in order.messages)


def _no(_fields: Mapping[str, object]) -> At | None:
    return None


def _by(fields: Mapping[str, object]) -> At | None:
    return {"speech": At.HEARD, "text": At.TEXT, "go-on": At.TEXT}.get(str(fields.get("by")))


# What the session tells, as chances for a trouble.
TOLD: Mapping[str, Callable[[Mapping[str, object]], At | None]] = {
    "setup": lambda fields: At.RESUMED if fields.get("resumed") else None,
    "heard": _by,
    "cue": _by,
    "content": lambda _fields: At.CONTENT,
    "tool-response": lambda _fields: At.RESULT,
    "meanwhile": lambda _fields: At.MEANWHILE,
}

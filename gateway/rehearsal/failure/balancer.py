"""What the rehearsal asks of a load balancer, whichever it is: HAProxy, or one of our own where that isn't there.

An instance whose check answers anything but 200 gets no new connections and keeps those it has: it is leaving, and says
so. One that leaves so many checks unanswered is frozen, and one that refuses them is gone: its sessions are cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["haproxy", "own"]
CHECK_S = 0.3  # from one check to the next
CONNECT_S = 1.0
HEAD_S = 5.0  # for a request's head to be there

Frozen = Callable[[int], None]  # is told the port of an instance that answers no more checks


class BalancerFailed(Exception):
    """It did not come up, or is no longer there, or refuses an order. The text is its own."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a check may take, and so many in a row without an answer make an instance a frozen one. Generous: where
    the machine itself is short of time, a hasty balancer ends instances that are well."""

    answer_s: float = 3.0
    silences: int = 3


@dataclass(frozen=True, slots=True)
class Rules:
    """`limit_s`: how long a connection may last, as a platform's request time-out has it."""

    limit_s: float | None = None
    patience: Patience = Patience()


class Balancer(Protocol):
    """Listens on `port` from `start` on; `watch` must run beside it."""

    port: int

    async def start(self) -> None:
        """Listens. Raises BalancerFailed; nothing of it goes on then."""

    async def stop(self) -> None:
        """Everything it carries is cut, and nobody is taken any more."""

    async def restart(self) -> None:
        """Everything it carries is cut; its address takes connections again at once, as a platform's does."""

    async def cut(self) -> None:
        """Everything it carries is cut, and it goes on."""

    async def add(self, port: int) -> None:
        """An instance that is ready: from now on it may be chosen."""

    async def remove(self, port: int) -> None:
        """The platform routes nothing new there and checks it no more; what is there stays."""

    async def carried(self, port: int) -> int:
        """How many connections it has there."""

    async def watch(self) -> None:
        """Finds what is frozen, and what has lasted too long, for ever. Raises BalancerFailed where it has ended."""

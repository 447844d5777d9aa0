"""HAProxy's runtime API: one command a connection, on its admin socket, and what its answers mean.

The commands and the columns are those of HAProxy's management guide, 9.3 (Unix Socket commands) and 9.1 (CSV format).
"""

from __future__ import annotations

import asyncio
import csv
from dataclasses import dataclass
from pathlib import Path

from gateway.rehearsal.failure.balancer import BalancerFailed
from gateway.rehearsal.failure.haproxy_config import BACKEND

ANSWER_S = 10.0  # a loaded machine
REGISTERED = "New server registered."  # what `add server` says; other orders say nothing


class Gone(BalancerFailed):
    """Nobody answers on the socket, or whoever did has ended."""


@dataclass(frozen=True, slots=True)
class State:
    """What HAProxy knows of one instance. `status`: UP, DOWN, NOLB (stopping), DRAIN ...; `check`: how the last check
    ended."""

    status: str
    check: str
    sessions: int

    @property
    def chosen(self) -> bool:
        """New connections may go there."""
        return self.status.startswith("UP")

    @property
    def silent(self) -> bool:
        """Down because checks were not answered, which is not the same as refused."""
        return self.status.startswith("DOWN") and self.check.endswith("TOUT")


async def order(socket: Path, *commands: str) -> None:
    """Raises BalancerFailed where one is refused, Gone among them."""
    for command in commands:
        answer = (await ask(socket, command)).strip()
        if answer not in ("", REGISTERED):
            raise BalancerFailed(f"HAProxy, asked to {command!r}: {answer.splitlines()[0]}")


async def ask(socket: Path, command: str) -> str:
    """Its answer, whole. Raises Gone."""
    try:
        async with asyncio.timeout(ANSWER_S):
            answer = await _ask(socket, command)
    except OSError as failed:  # TimeoutError among them
        raise Gone(f"HAProxy does not answer {command!r} ({type(failed).__name__})") from failed
    if not answer.endswith("\n"):  # every answer does
        raise Gone(f"HAProxy ended in its answer to {command!r}")
    return answer


async def _ask(socket: Path, command: str) -> str:
    reader, writer = await asyncio.open_unix_connection(socket)
    try:
        writer.write(command.encode() + b"\n")
        return (await reader.read()).decode()
    finally:
        writer.close()


def states(stat: str) -> dict[str, State]:
    """Of `show stat`: the instances by name."""
    rows = csv.DictReader(stat.removeprefix("# ").splitlines())
    return {
        row["svname"]: State(row["status"], row["check_status"].removeprefix("* "), int(row["scur"]))
        for row in rows
        if row["pxname"] == BACKEND and row["svname"] != "BACKEND"
    }


def sessions(shown: str) -> dict[tuple[str, str], str]:
    """Of `show sess`: those that an instance has. By their id and their client's address, for ids are used again;
    the value is the id."""
    found = {}
    for line in shown.splitlines():
        number, _, rest = line.partition(": ")
        words = dict(word.split("=", 1) for word in rest.split() if "=" in word)
        if words.get("be") == BACKEND and words.get("srv", "<none>") != "<none>":
            found[number, words["src"]] = number
    return found

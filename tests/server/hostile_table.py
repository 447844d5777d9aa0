"""Plays hostile mode's rows: many at once, in two processes, the gateway's own times shrunk.

The times are so short that a machine which stands still for a moment, or is too slow for so many calls at once, is a
trouble of its own, and none that a row speaks of: such a row is played again, with fewer beside it; the last time is
judged however it went.
"""

from __future__ import annotations

import asyncio
import io
import logging
import multiprocessing
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gateway.call import link, memory, recovery, toolbox
from gateway.call.turn import Patience
from gateway.server import bridge, live_socket, plans
from gateway.telemetry.log import Log, configure
from tests.server.hostile_rows import Row
from tests.server.hostile_world import GOOD, Lookup, Play, Played, lines, play

PROCESSES = 2
AT_ONCE = (10, 4, 2, 1)  # rows in play, of each process; fewer where they are played again
PATIENCE_S = 4.0  # of a caller, for one answer

# The gateway's own times, a fourth to a tenth of what they are; the order of sizes is the same.
PATIENCE = {"opening": 3.0, "greeting": 1.0, "answering": 1.0, "speaking": 0.8}
IDLE = 1 / 2  # of what the flow says: a caller who speaks again after QUIET_S must not be taken for a silent one
LINK = {"READY_S": 1.8, "FIRST_BUDGET_S": 2.5, "BUDGET_S": 4.0, "STEADY_S": 1.0, "MARGIN_S": 1.0, "PREPARE_S": 0.2}
PAUSES_S = (0.0, 0.1, 0.2, 0.4)
FILLER_AFTER_S = 0.5
OPEN_TIMEOUT_S = 1.6
TOOL_LIMIT_S = 2.8

BEAT_S = 0.05
STILL_S = 0.2  # beyond a beat: then the machine stood still
SLOW = 0.4  # of a beat, on the average: then too much was played at once

Numbered = Sequence[tuple[int, Row]]


@dataclass(frozen=True)
class Everything:
    """All rows by name, every note, and what failed in the rehearsal's own parts."""

    rows: Mapping[str, Played]
    notes: Sequence[Mapping[str, Any]]
    broken: Sequence[str]


class Pulse:
    """How late the loop is. It stands still where the machine does, or is too slow for what is played at once."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._beats: list[tuple[float, float]] = []  # when, and how late

    async def beat(self) -> None:
        """Until cancelled."""
        while True:
            due = self._loop.time() + BEAT_S
            await asyncio.sleep(BEAT_S)
            now = self._loop.time()
            self._beats.append((now, now - due))

    def steady(self, since: float) -> bool:
        """Whether the loop kept time since then, at each moment and on the whole."""
        late = [late for at, late in self._beats if at > since]
        return max(late, default=0.0) < STILL_S and sum(late) <= SLOW * BEAT_S * len(late)


def play_all(rows: Sequence[Row], folder: Path) -> Everything:
    """Every row's call. The slowest stand first, so each process takes every other one."""
    numbered = list(enumerate(rows))
    parts = [(numbered[first::PROCESSES], folder) for first in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(play_part, *zip(*parts, strict=True)))
    notes = [note for part in found for note in part.notes]
    called = {name: replace(row, notes=notes) for part in found for name, row in part.rows.items()}
    return Everything(called, notes, [line for part in found for line in part.broken])


def play_part(rows: Numbered, folder: Path) -> Everything:
    """Some rows' calls, in this process, which does nothing else."""
    warnings.simplefilter("error")
    out = io.StringIO()
    log = configure("json", "info", out)
    with pytest.MonkeyPatch.context() as patch, _broken() as broken:
        hurry(patch)
        found = asyncio.run(_all(rows, folder, log))
    kept = {row.sid for row in found.values()}
    return Everything(found, [note for note in lines(out.getvalue()) if _counts(note, kept)], broken)


def _counts(note: Mapping[str, Any], kept: set[str]) -> bool:
    """A call that was played again says nothing, but that there is a bug."""
    return note.get("call_sid", "") in kept | {""} or note["message"].startswith("bug")


@contextmanager
def _broken() -> Iterator[list[str]]:
    """What the stand-in's library says of handlers that failed, and Python of what nobody waited for."""
    told: list[str] = []

    class Failed(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(f"{record.getMessage()}: {record.exc_info}")

    def unraisable(what: sys.UnraisableHookArgs) -> None:
        told.append(f"{what.err_msg}: {what.exc_value!r}")

    failed, logger, before = Failed(logging.ERROR), logging.getLogger("websockets.server"), sys.unraisablehook
    logger.addHandler(failed)
    sys.unraisablehook = unraisable
    yield told
    sys.unraisablehook = before
    logger.removeHandler(failed)


def hurry(patch: pytest.MonkeyPatch) -> None:
    """Nobody waits as long as a person would."""
    patch.setattr(bridge, "KINDS", {"hangup": Lookup()})
    patch.setattr(plans, "Patience", _patience)
    for name, value in LINK.items():
        patch.setattr(link, name, value)
    patch.setattr(link, "PAUSES_S", PAUSES_S)
    patch.setattr(memory, "LEAST", 20)  # tokens: a call of three turns
    patch.setattr(memory, "RISES", 1)
    patch.setattr(recovery, "FILLER_AFTER_S", FILLER_AFTER_S)
    patch.setattr(toolbox, "LIMIT_S", TOOL_LIMIT_S)
    patch.setattr(live_socket, "OPEN_TIMEOUT_S", OPEN_TIMEOUT_S)


def _patience(listening: float | None = None) -> Patience:
    return Patience(**PATIENCE, listening=None if listening is None else listening * IDLE)


async def _all(rows: Numbered, folder: Path, log: Log) -> dict[str, Played]:
    found: dict[str, Played] = {}
    pulse = Pulse()
    await play(folder, f"H{rows[0][0]}W", Play(GOOD, PATIENCE_S), log)  # what is loaded or compiled but once

    async def one(attempt: int, number: int, row: Row, room: asyncio.Semaphore) -> tuple[int, Row] | None:
        """None, or what is to be played again."""
        async with room:
            name, began = f"H{number}T{attempt}", asyncio.get_running_loop().time()
            (folder / name).mkdir()
            found[row.name] = await play(folder / name, name, Play(row, PATIENCE_S), log)
            return None if pulse.steady(began) else (number, row)

    async with asyncio.TaskGroup() as group:
        heart = group.create_task(pulse.beat())
        for attempt, at_once in enumerate(AT_ONCE):
            room = asyncio.Semaphore(at_once)
            async with asyncio.TaskGroup() as calls:
                played = [calls.create_task(one(attempt, number, row, room)) for number, row in rows]
            rows = [again for call in played if (again := call.result())]
        heart.cancel()
    return found

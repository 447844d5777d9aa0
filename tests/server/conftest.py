"""Hostile mode's rows, played once for all the files that judge them: many at once, the gateway's own times shrunk."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gateway.call import link, memory, recovery, toolbox
from gateway.call.turn import Patience
from gateway.server import bridge, live_socket, plans
from gateway.telemetry.log import Log, configure
from tests.server.hostile_rows import ROWS, Row
from tests.server.hostile_world import Lookup, Play, Played, lines, play

AT_ONCE = 12  # rows in play: most of them wait, but the machine may have two slow cores
PATIENCE_S = 4.0  # of a caller, for one answer

# The gateway's own times, a fourth to a tenth of what they are; the order of sizes is the same.
PATIENCE = {"opening": 3.0, "greeting": 1.0, "answering": 1.0, "speaking": 0.8}
IDLE = 1 / 3  # of what the flow says
LINK = {"READY_S": 1.8, "FIRST_BUDGET_S": 2.5, "BUDGET_S": 4.0, "STEADY_S": 1.0, "MARGIN_S": 1.0, "PREPARE_S": 0.2}
PAUSES_S = (0.0, 0.1, 0.2, 0.4)
FILLER_AFTER_S = 0.5
OPEN_TIMEOUT_S = 1.6
TOOL_LIMIT_S = 2.8


@dataclass(frozen=True)
class Everything:
    """All rows by name, every note, and what the stand-in's library says of handlers that failed."""

    rows: Mapping[str, Played]
    notes: Sequence[Mapping[str, Any]]
    broken: Sequence[logging.LogRecord]


class Failed(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Everything:
    out = io.StringIO()
    log = configure("json", "info", out)
    with pytest.MonkeyPatch.context() as patch, _broken() as broken:
        hurry(patch)
        found = asyncio.run(_all(tmp_path_factory.mktemp("hostile"), log))
    notes = lines(out.getvalue())
    return Everything({name: replace(one, notes=notes) for name, one in found.items()}, notes, broken)


@pytest.fixture(scope="session")
def row_of(hostile: Everything) -> Mapping[str, Played]:
    return hostile.rows


@contextmanager
def _broken() -> Iterator[Sequence[logging.LogRecord]]:
    failed = Failed(logging.ERROR)
    logger = logging.getLogger("websockets.server")
    logger.addHandler(failed)
    yield failed.records
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


async def _all(folder: Path, log: Log) -> dict[str, Played]:
    found: dict[str, Played] = {}
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, row: Row) -> None:
        async with room:
            (folder / str(number)).mkdir()
            found[row.name] = await play(folder / str(number), f"H{number}", Play(row, PATIENCE_S), log)

    async with asyncio.TaskGroup() as group:
        for number, row in enumerate(ROWS):
            group.create_task(one(number, row))
    return found

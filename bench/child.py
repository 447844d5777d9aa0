"""The gateway as a process of its own, and what the kernel says of it (Linux: /proc)."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import IO

from bench.peers import FLOW, HOST, PATIENCE_S, Desk, open_desk

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
END_S = 12.0  # the gateway's own drain takes 9 s at most


class Died(Exception):
    """The child ended where it should serve."""


class Gateway:
    """`gateway serve` in a child, its log in a file."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log
        self.begun = perf_counter()
        self.port = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    async def listening(self) -> None:
        """Wait for the line that names the port. Raises Died, TimeoutError."""
        async with asyncio.timeout(PATIENCE_S):
            while not (said := self.notes("listening")):
                if self._process.poll() is not None:
                    raise Died(self._log.read_text(encoding="utf-8")[-2000:])
                await asyncio.sleep(0.002)
        self.port = int(str(said[0]["url"]).rpartition(":")[2])

    def notes(self, name: str) -> list[dict[str, object]]:
        """The log's whole lines of that message."""
        wanted = f'"message":"{name}"'
        lines = self._log.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if wanted in line and line.endswith("\n")]

    def cpu_s(self) -> float:
        """Processor time so far, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def waited_s(self) -> float:
        """How long its main thread was ready to run and had no processor, so far."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9

    def rss_mb(self) -> float:
        return int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE / 2**20

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/task"))

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """SIGTERM, and SIGKILL for a child that doesn't heed it."""
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def stolen_s() -> float:
    """How long this machine's cores were ready to run and its host ran others on them, so far: all cores together
    (proc(5), /proc/stat, steal). Nobody's processor time has it, everybody's delays do."""
    return int(Path("/proc/stat").read_text(encoding="ascii").split()[8]) / TICKS


@dataclass(frozen=True)
class Stage:
    desk: Desk
    gateway: Gateway


def cores() -> tuple[int, int]:
    """The server's core and the generator's; the same one where there is no other."""
    free = sorted(os.sched_getaffinity(0))
    return free[0], free[-1]


@asynccontextmanager
async def stage(*, pinned: bool = False, **env: str) -> AsyncIterator[Stage]:
    """A gateway that serves FLOW, its models at a desk in this process. The child is always ended.

    Raises SystemExit off Linux."""
    if platform.system() != "Linux":
        raise SystemExit("these figures come from /proc and sched_setaffinity: they need Linux")
    allowed = os.sched_getaffinity(0)
    server, generator = cores()
    async with open_desk() as (desk, port):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            gateway = _start(Path(folder), port, env)
            try:
                if pinned:
                    os.sched_setaffinity(gateway.pid, {server})
                    os.sched_setaffinity(0, {generator})
                await gateway.listening()
                yield Stage(desk, gateway)
            finally:
                os.sched_setaffinity(0, allowed)
                gateway.end()


def _start(folder: Path, model_port: int, env: dict[str, str]) -> Gateway:
    flows = folder / "flows"
    flows.mkdir()
    (flows / "bench.yaml").write_text(FLOW, encoding="utf-8")
    changes = {
        "AUTH": "off",
        "LIVE_BACKEND": "rehearsal",
        "GOOGLE_GEMINI_BASE_URL": f"ws://{HOST}:{model_port}",
        "MAX_CALLS": "1000",
        "LOG_FORMAT": "json",
        "FLOWS_DIR": str(flows),
    }
    log = folder / "log.jsonl"
    with log.open("wb") as out:
        return Gateway(_spawn({**os.environ, **changes, **env}, out), log)


def _spawn(env: dict[str, str], out: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gateway", "serve", "--port", "0"]
    return subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)

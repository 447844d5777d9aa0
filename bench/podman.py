"""A container of the gateway's image, run by podman without a daemon, and what there is to be asked of it."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import time

PODMAN = ("podman", "--cgroup-manager", "cgroupfs", "--runtime", "runc")
# As Cloud Run has it, as near as can be: nothing of the root may be written, /tmp is memory. The limits are those that
# any machine allows; the host's network, so that phone and stand-in are at 127.0.0.1.
LIKE_CLOUD_RUN = (
    *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "all", "--security-opt", "no-new-privileges"),
    *("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000", "--network", "host", "--no-healthcheck"),
)
START_S = 60.0  # a container's first start reads all of it from disk
STOP_S = 20.0  # more than what is allowed, so that what it took can be told
POLL_S = 0.01
TICKS = os.sysconf("SC_CLK_TCK")


class ContainerFailed(Exception):
    """podman, or what it ran, did not do what was asked. The text is what it said."""


def asked(*command: str) -> str:
    """What podman answers. Raises ContainerFailed."""
    done = subprocess.run([*PODMAN, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ContainerFailed(f"podman {' '.join(command[:2])}: {done.stderr.strip()[-2000:]}")
    return done.stdout.strip()


def tried(image: str, options: Sequence[str], env: Mapping[str, str], *command: str) -> tuple[int, str]:
    """The exit code of a container that ends by itself, and all that it said."""
    line = [*PODMAN, "run", "--rm", *options, *_environment(env), image, *command]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=START_S)
    return done.returncode, done.stdout + done.stderr


class Container:
    """A container that runs. Seconds until /readyz: `started_s` since its process began, `whole_s` since podman did;
    `cpu_s` is what the process had of a processor until then."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.whole_s = self.started_s = self.cpu_s = 0.0
        self._process = process
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def notes(self, name: str) -> list[dict[str, object]]:
        """The log's lines of that message."""
        lines = [line for line in self.log.splitlines() if f'"message":"{name}"' in line]
        return [json.loads(line) for line in lines]

    def pid(self) -> int:
        """The process that is number 1 inside, as this machine numbers it."""
        return int(asked("inspect", "--format", "{{.State.Pid}}", self.name))

    async def ready(self, url: str, begun: float) -> None:
        """Waits for /readyz. Raises ContainerFailed."""
        while not await asyncio.to_thread(_answers, f"{url}/readyz"):
            if self._process.returncode is not None or time() - begun > START_S:
                raise ContainerFailed(f"it never became ready:\n{self.log[-3000:]}")
            await asyncio.sleep(POLL_S)
        now = time()
        started = datetime.strptime(
            asked("inspect", "--format", '{{.State.StartedAt.UTC.Format "2006-01-02T15:04:05.000"}}', self.name),
            "%Y-%m-%dT%H:%M:%S.%f",
        ).replace(tzinfo=UTC)
        self.whole_s, self.started_s, self.cpu_s = now - begun, now - started.timestamp(), _cpu_s(self.pid())

    async def terminate(self) -> tuple[int, float]:
        """SIGTERM: the exit code, and the seconds until it came. Raises ContainerFailed of one that stays."""
        begun = time()
        await asyncio.to_thread(asked, "kill", "--signal", "TERM", self.name)
        try:
            async with asyncio.timeout(STOP_S):
                code = await self._process.wait()
        except TimeoutError:
            raise ContainerFailed(f"it still runs {STOP_S:.0f} s after SIGTERM:\n{self.log[-3000:]}") from None
        return code, time() - begun


@asynccontextmanager
async def running(image: str, options: Sequence[str], env: Mapping[str, str], folder: Path) -> AsyncIterator[Container]:
    """The image's own command with this environment, ready for calls at PORT; gone afterwards, whatever happens."""
    name, log, begun = f"gateway-{secrets.token_hex(4)}", folder / "container.log", time()
    command = [*PODMAN, "run", "--rm", "--name", name, *LIKE_CLOUD_RUN, *options, *_environment(env), image]
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(*command, stdout=out, stderr=subprocess.STDOUT)
    try:
        container = Container(name, process, log)
        await container.ready(f"http://127.0.0.1:{env['PORT']}", begun)
        yield container
    finally:
        if process.returncode is None:
            await asyncio.to_thread(subprocess.run, [*PODMAN, "kill", name], capture_output=True, check=False)
            await process.wait()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _environment(env: Mapping[str, str]) -> list[str]:
    return [word for name, value in env.items() for word in ("--env", f"{name}={value}")]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # loopback
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False

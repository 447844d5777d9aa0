"""HAProxy between the phones and the gateways: a child of the rehearsal, steered through its admin socket."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from gateway.rehearsal.failure import haproxy_socket as admin
from gateway.rehearsal.failure.balancer import CHECK_S, BalancerFailed, Frozen, Rules
from gateway.rehearsal.failure.haproxy_config import BACKEND, config, name, server
from gateway.rehearsal.failure.ports import free_port
from gateway.rehearsal.failure.processes import spawn

PROGRAM = "haproxy"
START_S = 15.0
PORTS = 5  # that are tried
TAKEN = "Address already in use"
STOP_S = 5.0
LONGEST = 97 - len("/haproxy-12345678/admin.sock")  # folder's path: of its socket's, HAProxy takes no more than 97
POLL_S = 0.02


class NoHaproxy(BalancerFailed):
    """There is no HAProxy on this machine."""

    def __init__(self) -> None:
        super().__init__("no haproxy on the PATH (Debian: apt-get install haproxy; or --balancer own)")


def found() -> bool:
    return shutil.which(PROGRAM) is not None


def binary() -> str:
    """The program. Raises NoHaproxy."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise NoHaproxy
    return program


def version() -> str:
    """As it tells it: "HAProxy 2.6.12". Raises NoHaproxy."""
    said = subprocess.run([binary(), "-v"], capture_output=True, text=True, timeout=START_S, check=False).stdout
    number = re.search(r"version (\d+(?:\.\d+)+)", said)
    return f"HAProxy {number[1]}" if number else "HAProxy"


class Haproxy:
    """A Balancer. `folder` gets its log; the configuration and the socket stand in a folder of their own with a short
    name, since a socket's path has 108 characters at most."""

    def __init__(self, folder: Path, rules: Rules, frozen: Frozen) -> None:
        self.port = free_port()
        self._rules = rules
        self._frozen = frozen
        self._log = folder / "haproxy.log"
        self._own: tempfile.TemporaryDirectory[str] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._instances: list[int] = []  # that it may choose from
        self._told: set[int] = set()  # frozen ones
        self._since: dict[tuple[str, str], float] = {}  # sessions, and when each was first seen

    @property
    def pid(self) -> int:
        """Raises BalancerFailed where it has ended."""
        return self._running().pid

    async def start(self) -> None:
        near = tempfile.gettempdir()
        self._own = tempfile.TemporaryDirectory(prefix="haproxy-", dir=near if len(near) <= LONGEST else "/tmp")
        try:
            await self._spawn_somewhere()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        if self._process is not None:
            await _end(self._process, 0.0)
        if self._own is not None:
            self._own.cleanup()

    async def restart(self) -> None:
        """As its unit does it, but without grace: the new process takes the address, and tells the old one to end at
        once (`-st`)."""
        old = self._running()
        try:
            await self._spawn("-st", str(old.pid))
        finally:
            await _end(old, STOP_S)

    async def cut(self) -> None:
        for instance in await self._states():
            await admin.order(self._socket, f"shutdown sessions server {BACKEND}/{instance}")

    async def add(self, port: int) -> None:
        one = f"{BACKEND}/{name(port)}"
        listed = f"add server {BACKEND}/{server(port, self._rules.patience)}"
        await admin.order(self._socket, listed, f"enable health {one}", f"enable server {one}")
        self._instances.append(port)
        await self._until_chosen(port)

    async def remove(self, port: int) -> None:
        """Its checks end first: an instance that is gone would be marked down, and its last bytes cut."""
        one = f"{BACKEND}/{name(port)}"
        self._instances.remove(port)
        await admin.order(self._socket, f"disable health {one}", f"set server {one} state drain")

    async def carried(self, port: int) -> int:
        return (await self._states())[name(port)].sessions

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            self._running()
            with suppress(admin.Gone):  # it is being restarted; `_running` tells where it isn't
                await self._find_frozen()
                await self._end_old(time.monotonic())

    async def _find_frozen(self) -> None:
        found = await self._states()
        for port in list(self._instances):
            state = found.get(name(port))
            if state is None or not state.silent:
                self._told.discard(port)
            elif port not in self._told:
                self._told.add(port)
                self._frozen(port)

    async def _end_old(self, now: float) -> None:
        """HAProxy has no limit to the age of a connection; whoever runs it may end one."""
        if self._rules.limit_s is None:
            return
        shown = admin.sessions(await admin.ask(self._socket, "show sess"))
        self._since = {key: self._since.get(key, now) for key in shown}
        for key, since in self._since.items():
            if now - since >= self._rules.limit_s:
                await admin.ask(self._socket, f"shutdown session {shown[key]}")  # "No such session": it has just ended

    async def _states(self) -> dict[str, admin.State]:
        return admin.states(await admin.ask(self._socket, "show stat"))

    async def _until_chosen(self, port: int) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(START_S):
                while not (await self._states())[name(port)].chosen:  # noqa: ASYNC110  another process
                    await asyncio.sleep(POLL_S)
            return
        raise BalancerFailed(f"HAProxy does not choose {name(port)} within {START_S:.0f} s\n{self._tail()}")

    async def _spawn_somewhere(self) -> None:
        """At another port where somebody has taken the free one in the meantime."""
        for left in reversed(range(PORTS)):
            try:
                return await self._spawn()
            except BalancerFailed as failed:
                if not left or TAKEN not in str(failed):
                    raise
                self.port = free_port()

    async def _spawn(self, *more: str) -> None:
        """Returns when that process answers on its socket. Raises BalancerFailed."""
        file = self._folder / "haproxy.cfg"
        file.write_text(config(self.port, self._socket, self._rules.patience, self._instances), "utf-8")
        self._process = await spawn((binary(), "-db", "-f", str(file), *more), {}, self._log)
        with suppress(TimeoutError):
            async with asyncio.timeout(START_S):
                while not await self._answers(self._process.pid):
                    self._running()
                    await asyncio.sleep(POLL_S)
            return
        raise BalancerFailed(f"HAProxy does not answer within {START_S:.0f} s\n{self._tail()}")

    async def _answers(self, pid: int) -> bool:
        """That process, not the one before it."""
        try:
            return f"Pid: {pid}\n" in await admin.ask(self._socket, "show info")
        except admin.Gone:
            return False

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            raise BalancerFailed(f"HAProxy has ended\n{self._tail()}")
        return self._process

    @property
    def _folder(self) -> Path:
        if self._own is None:
            raise BalancerFailed("HAProxy was not started")
        return Path(self._own.name)

    @property
    def _socket(self) -> Path:
        return self._folder / "admin.sock"

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-2000:] if self._log.exists() else ""


async def _end(process: asyncio.subprocess.Process, within_s: float) -> None:
    """Waits for its end; SIGKILL after that time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await process.wait()
            return
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()

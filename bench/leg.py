"""What the Live leg of a call costs: our client beside the unmodified SDK, on the same paced work over TLS.

    python -m bench.leg                       15 calls, 20 ms of the caller's sound in a message; three minutes

Each client is a process of its own on one core; the server, hand-made, is this process on another. Every call sends its
sound on time and is sent 240 ms messages of the agent's, as the Live API sends them. The processor time is the kernel's
(user and system) between two marks, for the whole process.

    pace    the same clockwork without any message
    floor   the same bytes over the same TLS, without a client: ready-made frames out, nothing read of what comes in.
            What the kernel, TLS and the event loop cost whoever talks to the service
    ours    gateway.server.live_socket, as a call uses it
    sdk     google-genai: send_realtime_input, and receive()

`own` is what a client costs above the floor: its JSON, base64, WebSocket frames and objects. `leg` is the whole of it
above pace, kernel and TLS included. The middle of the runs counts; on a busy machine they differ by a millisecond.
`heard` and `got`, in seconds of sound a call, say that all did the same work.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.child import cores
from bench.legs import SECONDS, WARM_S
from bench.link import Link
from bench.peers import HOST, PATIENCE_S, size_of
from bench.sound import model_pieces
from bench.table import verdict
from tests.rehearsal.tls import certificate

CALLS, RUNS = 15, 5
FRAME_MS = 20
ANSWER_MS = 240  # facts of the field: native-audio models send 11,520 bytes at a time
MOST = 0.25  # of the SDK's
_ANSWER = (
    b'{"serverContent":{"modelTurn":{"role":"model","parts":[{"inlineData":{"mimeType":"audio/pcm;rate=24000",'
    b'"data":"%b"}}]}}}'
)


@dataclass
class Session:
    """The server's end of one session: it answers the setup, then speaks all the time."""

    heard: int = 0  # bytes of the caller's sound
    _link: Link = field(init=False, repr=False)
    _told: bool = False
    _timer: asyncio.TimerHandle | None = None

    def opened(self, link: Link) -> None:
        self._link = link

    def heard_frame(self, payload: bytes) -> None:
        if not self._told:
            self._told = True
            self._link.send(b'{"setupComplete":{}}')
            self._speak(asyncio.get_running_loop().time(), 0)
        elif b'"data"' in payload[:200]:
            at = payload.index(b'"data"') + 6
            field_at = payload.index(b'"', at)
            self.heard += size_of(payload[at - 6 :], payload[at - 6 : field_at + 1])

    def gone(self, code: int) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _speak(self, due: float, nth: int) -> None:
        pieces = model_pieces(ANSWER_MS)
        self._link.send(_ANSWER % pieces[nth % len(pieces)])
        following = due + ANSWER_MS / 1000
        self._timer = asyncio.get_running_loop().call_at(following, self._speak, following, nth + 1)


class _Peer:
    """A `Session` as `Link` calls it."""

    def __init__(self, session: Session) -> None:
        self.opened = session.opened
        self.gone = session.gone
        self._session = session

    def heard(self, payload: bytes, at: float) -> None:
        self._session.heard_frame(payload)


@asynccontextmanager
async def served(pem: Path) -> AsyncIterator[tuple[str, list[Session]]]:
    """The server's URL, and its sessions as they come."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    sessions: list[Session] = []

    def meet() -> Link:
        sessions.append(Session())
        return Link(_Peer(sessions[-1]))

    server = await asyncio.get_running_loop().create_server(meet, HOST, 0, ssl=context)
    try:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}", sessions
    finally:
        server.close()


@dataclass(frozen=True)
class Cost:
    """Milliseconds of processor per call and second; `heard`: seconds of the caller's sound that came, per call."""

    cpu_ms: float
    heard_s: float
    got_s: float


async def measure(client: str, frame_ms: int, pem: Path) -> Cost:
    """One client in a process of its own."""
    async with served(pem) as (url, sessions):
        server, generator = cores()
        os.sched_setaffinity(0, {generator})
        env = {**os.environ, "SSL_CERT_FILE": str(pem), "NO_PROXY": "localhost", "no_proxy": "localhost"}
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.legs", client, url, str(CALLS), str(frame_ms)),
            env=env,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            os.sched_setaffinity(child.pid, {server})
            async with asyncio.timeout(WARM_S + SECONDS + 3 * PATIENCE_S):
                out, _ = await child.communicate()
        finally:
            if child.returncode is None:
                child.kill()
        found = json.loads(out)
        heard = sum(session.heard for session in sessions) / 32_000 / CALLS
        return Cost(1000 * found["cpu_s"] / SECONDS / CALLS, heard, found["got_bytes"] / 48_000 / CALLS)


async def costs(frame_ms: int, pem: Path) -> dict[str, list[Cost]]:
    """Each client RUNS times, in turn: what else the machine does falls on all of them."""
    found: dict[str, list[Cost]] = {"pace": [], "floor": [], "ours": [], "sdk": []}
    for _ in range(RUNS):
        for client, runs in found.items():
            runs.append(await measure(client, frame_ms, pem))
    return found


def report(frame_ms: int, found: dict[str, list[Cost]]) -> list[str]:
    """The rows of one size of message, and what to say of them."""
    middle = {name: median(run.cpu_ms for run in runs) for name, runs in found.items()}
    for name, runs in found.items():
        each = " ".join(f"{run.cpu_ms:.2f}" for run in runs)
        heard, got = (min(getattr(run, what) for run in runs) for what in ("heard_s", "got_s"))
        print(f"{frame_ms:5} ms  {name:6}{middle[name]:9.2f}{heard:9.1f}{got:8.1f}   {each}", flush=True)
    own, leg = ((middle["ours"] - middle[base]) / (middle["sdk"] - middle[base]) for base in ("floor", "pace"))
    print(f"{'':10}ours / sdk: own {own:.2f}, leg {leg:.2f}\n", flush=True)
    enough = WARM_S + SECONDS - 0.5
    same = all(min(run.heard_s, run.got_s) >= enough for name in ("ours", "sdk") for run in found[name])
    return [
        verdict(same, f"{frame_ms} ms: both heard and were heard all the time"),
        verdict(own <= MOST, f"{frame_ms} ms: own, ours / sdk <= {MOST}: {own:.2f} (leg: {leg:.2f})"),
    ]


async def run(frames_ms: tuple[int, ...]) -> list[str]:
    allowed = os.sched_getaffinity(0)
    lines = []
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            pem = certificate(Path(folder))
            for frame_ms in frames_ms:
                lines += report(frame_ms, await costs(frame_ms, pem))
    finally:
        os.sched_setaffinity(0, allowed)
    return lines


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("bench.leg", description="The Live leg's cost beside the SDK's.")
    parser.add_argument("--frame-ms", type=int, action="append", help="20 unless told")
    given = parser.parse_args(arguments)
    print(f"{'message':8}  {'':6}{'ms/call-s':>9}{'heard, s':>9}{'got, s':>8}   each run")
    lines = asyncio.run(run(tuple(given.frame_ms or [FRAME_MS])))
    print("\n".join(lines))
    return 0 if all(line.startswith("ok") for line in lines) else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""How long until it works: the first served call of a fresh process, and a command that checks flow files.

    python -m bench.start

A call counts as served when the model's first sound is at the phone. Medians of ROUNDS runs after one that warms the
disk's cache; processes run wherever the kernel puts them. Where the time goes is asked of `-X importtime`.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.child import Stage, stage
from bench.peers import HOST, PATIENCE_S, clock
from bench.table import verdict

ROUNDS = 5
FIRST_CALL_S, VALIDATE_S = 2.5, 0.3  # the targets
TOP = 8
REPO = Path(__file__).resolve().parent.parent
FIELDS = {"CallSid": "CA1", "AccountSid": "AC1", "From": "+14155550199", "To": "+14155550100"}
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| ( *)(\S+)")


@dataclass(frozen=True)
class First:
    """Seconds since the process was started."""

    listening: float
    twiml: float
    stream: float
    setup: float
    sound: float


async def first_call(here: Stage) -> First:
    """One call, placed as Twilio does: webhook, stream, sound. `here` has just begun to listen."""
    begun, listening = here.gateway.begun, clock()
    loop = asyncio.get_running_loop()
    parameters = await loop.run_in_executor(None, _webhook, f"http://{HOST}:{here.gateway.port}/twiml")
    twiml = clock()
    call = await here.desk.call(here.gateway.port, parameters)
    stream = clock()
    model = await call.model()
    model.answer(clock())
    async with asyncio.timeout(PATIENCE_S):
        await call.phone.sounded.wait()
    sound = clock()
    call.phone.stop()
    times = (listening, twiml, stream, call.expected.setup_at, sound)
    return First(*(time - begun for time in times))


def _webhook(url: str) -> dict[str, str]:
    """The parameters that the TwiML gives to the stream."""
    with urllib.request.urlopen(url, urllib.parse.urlencode(FIELDS).encode(), PATIENCE_S) as answer:  # loopback
        document = ET.fromstring(answer.read())
    return {str(p.get("name")): str(p.get("value")) for p in document.iter("Parameter")}


async def _fresh() -> First:
    async with asyncio.timeout(60), stage() as here:
        return await first_call(here)


def first_calls(rounds: int) -> First:
    """Medians."""
    asyncio.run(_fresh())
    runs = [asyncio.run(_fresh()) for _ in range(rounds)]
    return First(*(median(getattr(run, name) for run in runs) for name in First.__dataclass_fields__))


def process_s(arguments: Sequence[str], rounds: int) -> float:
    """The median time of a whole Python process, which must end well."""

    def once() -> float:
        begun = clock()
        subprocess.run([sys.executable, *arguments], cwd=REPO, check=True, stdout=subprocess.DEVNULL, timeout=60)
        return clock() - begun

    once()
    return median(once() for _ in range(rounds))


def imports(module: str) -> list[tuple[str, float, float]]:
    """(package, cumulative ms, share of it in its own code) of what importing `module` takes longest, packages of
    others and the standard library's. Within each other's time only the outermost counts."""
    command = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
    said = subprocess.run(command, cwd=REPO, check=True, capture_output=True, text=True, timeout=60).stderr
    return sorted(outermost(said), key=lambda found: -found[1])[:TOP]


def outermost(said: str) -> list[tuple[str, float, float]]:
    """What -X importtime wrote, without our own modules and what others import on their behalf."""
    found, inside = [], None
    for line in reversed(said.splitlines()):  # a module stands after what it imports
        match = _IMPORT.match(line)
        if match is None:
            continue
        depth, name = len(match[3]), match[4]
        if inside is not None and depth > inside:
            continue
        inside = None
        if name.partition(".")[0] != "gateway":
            inside = depth
            found.append((name, int(match[2]) / 1000, int(match[1]) / 1000))
    return found


STEPS = {
    "listening": "it listens",
    "twiml": "TwiML is there",
    "stream": "the stream is open",
    "setup": "the model has its setup",
    "sound": "the first sound is at the phone",
}
VALIDATE = "gateway validate flows"
PROCESSES = {
    "python alone": ("-c", "pass"),
    "import gateway.cli": ("-c", "import gateway.cli"),
    VALIDATE: ("-m", "gateway", "validate", "flows"),
}


def main() -> int:
    first = first_calls(ROUNDS)
    print(f"first served call, ms since the process was started (median of {ROUNDS})")
    for name, text in STEPS.items():
        print(f"{getattr(first, name) * 1000:8.0f}  {text}")
    print(f"\nwhole processes, ms (median of {ROUNDS})")
    took = {text: process_s(arguments, ROUNDS) for text, arguments in PROCESSES.items()}
    for text, seconds in took.items():
        print(f"{seconds * 1000:8.0f}  {text}")
    for module, text in (("gateway.server.lifecycle", "serve"), ("gateway.catalog", "validate")):
        print(f"\nwhat `{text}` imports ({module}): ms, whole and own")
        for name, whole, own in imports(module):
            print(f"{whole:8.1f}{own:8.1f}  {name}")
    validate = took[VALIDATE]
    lines = [
        verdict(first.sound <= FIRST_CALL_S, f"first served call <= {FIRST_CALL_S} s: {first.sound:.2f}"),
        verdict(validate <= VALIDATE_S, f"gateway validate flows <= {VALIDATE_S} s: {validate:.2f}"),
    ]
    print("\n" + "\n".join(lines))
    return 0 if all(line.startswith("ok") for line in lines) else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""`python -m gateway.rehearsal.standin`: the stand-in as a process. Events are JSON lines on stdout."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from gateway.rehearsal import counting
from gateway.rehearsal.ears import Ears
from gateway.rehearsal.standin.hostile import HOSTILE
from gateway.rehearsal.standin.orders import Value
from gateway.rehearsal.standin.resumption import Resumption
from gateway.rehearsal.standin.script import DEFAULT, Script, ScriptError, load
from gateway.rehearsal.standin.server import Hears, Kit, serving
from gateway.rehearsal.standin.talk import House
from gateway.rehearsal.standin.trouble import Part, read_part
from gateway.rehearsal.standin.wire import Breaker
from gateway.rehearsal.voice import Voice, choose

MAX_CHARS = 10_000  # of a text in an event line, which its reader takes in a megabyte
NOTE = "rehearsal: scripted, not a model"
VOICES = ("pico", "say", "espeak", "tones")
COUNT = "count"  # numbers, spoken and heard as sounds that a program can tell apart


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM, SIGINT or the end of stdin; SIGUSR1 breaks every connection. Exit code 0; 1 for a bad script
    or a port that is taken."""
    options = _options(arguments)
    try:
        script = load(options.script) if options.script else DEFAULT
        script = replace(script, hostile=(*options.hostile, *script.hostile))
        asyncio.run(_serve(options, script))
    except (ScriptError, OSError) as fault:
        print(fault, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m gateway.rehearsal.standin", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--script", type=Path, help="replies and other words, YAML or JSON")
    parser.add_argument("--connection-s", type=float, help="how long a connection lasts; goAway comes before its end")
    parser.add_argument("--voice", choices=(*VOICES, COUNT), help="only this engine, or tones (default: the best one)")
    parser.add_argument(
        "--hostile",
        type=_part,
        action="append",
        default=[],
        metavar="NAME[@N[+]][#NTH]",
        help="misbehave on every connection, on the Nth alone or from it on, at the NTH chance",
    )
    return parser.parse_args(arguments)


def _part(text: str) -> Part:
    try:
        return read_part(text, HOSTILE)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from fault


async def _serve(options: argparse.Namespace, script: Script) -> None:
    voice, ears = _senses(options.voice, script)
    house = House(script, Resumption(), options.connection_s)
    over, breaker = asyncio.Event(), Breaker()
    _watch(over)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, breaker.cut)
    async with serving(Kit(house, voice, ears, emit, breaker), options.port) as url:
        emit("listening", {"url": url, "voice": voice.name, "lines": len(script.lines), "note": NOTE})
        threading.Thread(target=_warm, args=(ears,), daemon=True).start()
        await over.wait()


def _senses(wanted: str | None, script: Script) -> tuple[Voice, Callable[[], Hears]]:
    if wanted == COUNT:
        return Voice(COUNT, counting.say, 0), counting.Ears
    return choose((wanted,) if wanted else VOICES), lru_cache(maxsize=1)(lambda: Ears(script.lines))


def _warm(ears: Callable[[], Hears]) -> None:
    """Load the recogniser beside the first call's greeting, and say what it can't know."""
    loaded = ears()
    emit("ears", {"engine": loaded.engine, "unknown": len(loaded.unknown)})


def _watch(over: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    threading.Thread(target=_await_parent, args=(loop, over), daemon=True).start()


def _await_parent(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    """The end of stdin: whoever started us is gone."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    with contextlib.suppress(RuntimeError):  # the loop has ended already
        loop.call_soon_threadsafe(over.set)


def emit(event: str, fields: Mapping[str, Value]) -> None:
    """One event line; `t` is time.monotonic() at the call."""
    short = {name: value[:MAX_CHARS] if isinstance(value, str) else value for name, value in fields.items()}
    line = json.dumps({"event": event, "t": time.monotonic(), **short}, ensure_ascii=False)
    with contextlib.suppress(BrokenPipeError):  # nobody reads any more; the end of stdin tells us to go
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

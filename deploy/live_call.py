"""Ask Twilio itself what it does once a stream is gone: the questions of docs/handover.md that no page answers.

    uv run python deploy/live_call.py --public-url https://tunnel.example --number +1… --to +1… --yes

It places a call from your Twilio number to your phone, opens a stream, does to it what the question says, and prints
what Twilio asks next and after how many milliseconds. It goes on in the same call as far as that lives, and calls again
where it died. With `--wait` you dial the number yourself; its webhook (`/voice`) and its status callback
(`/call-status`) are then set by hand, both POST.

Needed: TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN in the environment, and a tunnel that ends TLS and leads to `--port` of
this machine. Keep the phone on its loudspeaker for question six: what its microphone hears is recorded at Twilio, and
you delete it. Nothing is bought or changed; without `--yes` nothing is done at all. It takes about four minutes.

Its limit: the tunnel stands between. Twilio sees of a reset or a half-open connection what the tunnel makes of it, as
it would see what Cloud Run's front end makes of it. Write down which tunnel it was.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from twilio.rest import Client  # type: ignore[import-untyped]

from deploy.probe.ask import Account, Place, ask, placing
from deploy.probe.course import Course
from deploy.probe.door import Door
from deploy.probe.questions import QUESTIONS, Bounds, report, table
from gateway.twilio import signature

E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """0 where every question was answered (or nothing was to be done); 1; 2 where this was called wrongly."""
    options = _options().parse_args(arguments)
    _tell(_plan(options))
    if not options.yes:
        _tell("Nothing was done. Add --yes to do it.")
        return 0
    sid, token = (environment.get(name, "") for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"))
    if not sid or not token:
        _tell("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN must be set")
        return 2
    place = None if options.wait else placing(Client(sid, token), options.public_url, options.number, options.to)
    return run(options, Account(sid, token), place, Bounds())


def run(options: argparse.Namespace, account: Account, place: Place | None, bounds: Bounds) -> int:
    """Asks, and prints what came out."""
    course = Course(options.questions, time.monotonic, _tell)
    door = Door(options.public_url, signature.Keys((account.token,)), course, bounds)
    try:
        asyncio.run(ask(door, options.port, place))
    except KeyboardInterrupt:
        _tell("interrupted")
    answers = course.answers()
    told = report(course.numbers, answers)
    print(json.dumps(told, indent=2) if options.json else "\n".join(table(course.numbers, answers, bounds)))
    return 0 if len(answers) == len(course.numbers) else 1


def _plan(options: argparse.Namespace) -> str:
    names = "\n".join(f"  {number}  {QUESTIONS[number].name}" for number in options.questions)
    who = f"you dial {options.number}" if options.wait else f"a call from {options.number} to {options.to}"
    again = "" if options.wait else ", and another wherever Twilio ends it"
    by_hand = (
        f"Set by hand: webhook {options.public_url}/voice, status callback {options.public_url}/call-status, POST.\n"
    )
    return (
        f"{who}{again}. It is charged to your Twilio account.\n{names}\n{by_hand * options.wait}"
        f"Twilio reaches 127.0.0.1:{options.port} as {options.public_url}."
    )


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("live_call.py", description="What Twilio does once a stream is gone.")
    parser.add_argument("--public-url", required=True, type=_public, help="the tunnel, https://host")
    parser.add_argument("--number", required=True, type=_number, help="your Twilio number, +…")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--to", type=_number, help="the tester's phone, +…: it is called")
    who.add_argument("--wait", action="store_true", help="the tester dials; webhooks are set by hand")
    parser.add_argument("--port", type=int, default=8080, help="where the tunnel leads (%(default)s)")
    parser.add_argument("--questions", type=_numbers, default=tuple(QUESTIONS), help="some of them: 1,2,4")
    parser.add_argument("--json", action="store_true", help="the answers as JSON, with every step's time")
    parser.add_argument("--yes", action="store_true", help="do it; it costs money")
    return parser


def _public(text: str) -> str:
    parts = urlsplit(text.rstrip("/"))
    if parts.scheme != "https" or not parts.hostname or parts.netloc != parts.hostname or parts.path or parts.query:
        raise argparse.ArgumentTypeError("an https:// URL of a host in lower case: no port, path or user")
    return text.rstrip("/")


def _number(text: str) -> str:
    if not E164.fullmatch(text):
        raise argparse.ArgumentTypeError("a number in E.164, such as +14155550100")
    return text


def _numbers(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.isdecimal() and int(part) in QUESTIONS for part in parts):
        raise argparse.ArgumentTypeError(f"numbers from 1 to {len(QUESTIONS)}, with commas between")
    return tuple(sorted(set(map(int, parts))))


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))

"""What a check says, of whom, and the comparisons that several make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

from gateway.doctor.probe import Answer
from gateway.release import VERSION

Health = Literal["well", "wrong", "skipped"]
MAX_SKEW_S = 30.0  # a stream token lives 60 s, a knock at the core's doors as long


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, how it is, and what to do where it is wrong (why, where it was skipped)."""

    name: str
    health: Health
    text: str
    advice: str = ""

    def __str__(self) -> str:
        mark = {"well": "ok   ", "wrong": "WRONG", "skipped": "-    "}[self.health]
        return f"{mark} {self.name}: {self.text}" + (f"\n      -> {self.advice}" if self.advice else "")

    def plain(self) -> dict[str, str]:
        return {"name": self.name, "health": self.health, "text": self.text, "advice": self.advice}


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined. `clock` gives Unix seconds."""

    env: Mapping[str, str]
    flows: Path
    artefact: Path
    clock: Callable[[], float]


def counts(checks: Sequence[Check]) -> dict[Health, int]:
    healths: tuple[Health, ...] = ("well", "wrong", "skipped")
    return {health: sum(check.health == health for check in checks) for health in healths}


def summary(checks: Sequence[Check]) -> str:
    """How many are well, are wrong, and which were not looked at: of those nothing good is said."""
    count = counts(checks)
    unseen = ", ".join(check.name for check in checks if check.health == "skipped")
    parts = [f"{count['well']} well"]
    parts += [f"{count['wrong']} wrong"] if count["wrong"] else []
    parts += [f"{count['skipped']} not checked ({unseen})"] if unseen else []
    return ", ".join(parts) if len(parts) > 1 else f"all {parts[0]}"


def compared(name: str, found: str, wanted: str, advice: str) -> Check:
    if found == wanted:
        return Check(name, "well", f"the flows are those of here ({found[:12]})")
    return Check(name, "wrong", f"other flows ({found[:12] or 'unnamed'}) than those of here ({wanted[:12]})", advice)


def flows_hash(said: Mapping[str, object]) -> str:
    """The hash of the flows that somebody serves; empty where they don't say."""
    found = said.get("hash")
    return found if isinstance(found, str) else ""


def agreed(core: str, functions: str) -> Check:
    """Whether core and Functions serve the same flows, whatever those of here are."""
    name = "core and functions"
    if core == functions:
        return Check(name, "well", f"of the same flows ({core[:12]})")
    advice = "compile, then deploy both from the same flows: the core serves a call by its own"
    return Check(name, "wrong", f"of different flows (core {core[:12]}, functions {functions[:12]})", advice)


def release(name: str, answer: Answer, advice: str) -> Check:
    """Functions and core must be of one release: what a stream's token holds may differ between two."""
    found = answer.json.get("version", "one that doesn't say")
    if found == VERSION:
        return Check(name, "well", f"the one of here ({VERSION})")
    return Check(name, "wrong", f"another ({found}) than that of here ({VERSION})", advice)


def clock(name: str, answer: Answer, now: float) -> Check:
    try:
        skew = abs(parsedate_to_datetime(answer.date).timestamp() - now)
    except ValueError:
        return Check(name, "skipped", "the answer has no date")
    if skew > MAX_SKEW_S:
        return Check(name, "wrong", f"{skew:.0f} s apart from this machine's", "set this machine's clock")
    return Check(name, "well", "agrees with this machine's")


def stream_url(public_url: str) -> str:
    """Where the core takes streams: what its TwiML names and Twilio signs."""
    return "ws" + public_url.removeprefix("http") + "/ws/twilio"

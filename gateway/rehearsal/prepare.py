"""What a demo, or a call, is made of: the flow and its line, the caller's clips, the folder for its files. Faults are
told before anything is started."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway import catalog
from gateway.flow.explain import explain
from gateway.flow.load import FlowError, Flows
from gateway.flow.model import Flow, Number
from gateway.rehearsal.report import Setting
from gateway.rehearsal.wav import Clip, WavError, read_clip

FAULTS, USAGE = 1, 2

CALLER = "+14155550199"  # who calls in a demo, a fictitious number: 555-01xx
_OPEN = "name a line that is open with --to, or write hours: always for as long as you try it"
_FROM = "call from a number that may call, with --from"

HERE = Path(__file__).parent
SPEECH = HERE / "speech"
SAMPLE = "dental-clinic.yaml"
SAMPLES = (HERE.parent / "flows", HERE.parent.parent / "flows")  # in the installed package; in a checkout

# What the caller says when nobody brings sound: readings by people, words from speech/README.md.
CLIPS = (
    ("librivox-0880", "he was not an ill disposed young man"),
    ("librivox-0890", "unless to be rather cold hearted and rather selfish is to be ill disposed"),
    ("librivox-0930", "he might even have been made amiable himself"),
)


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """`flow` None: the sample. `say` empty: recorded human speech. `out` None: a new folder below `recordings`.
    `to` None: the flow's first line; else a line's label or number. `dials_from` None: a fictitious number."""

    flow: Path | None = None
    say: tuple[Path, ...] = ()
    json: bool = False
    out: Path | None = None
    to: str | None = None
    dials_from: str | None = None


class DemoFault(Exception):
    """Why there is no demo: the text for the user, and the exit code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Prepared:
    flow: Path
    setting: Setting
    clips: tuple[Clip, ...]
    caller: str  # what the clips are, in words
    number: str  # that of the caller
    built_in: bool  # the sample flow and its own clips: the stand-in has a script for them
    out: Path
    model: str  # that of the persona who answers


def prepare(options: DemoOptions, env: Mapping[str, str], now: datetime) -> Prepared:
    """Reads and checks everything. Raises DemoFault; the output folder exists afterwards."""
    flow = options.flow or sample()
    number = options.dials_from or CALLER
    answering, line = pick_line(load(flow, env), options.to)
    setting = _answered((answering, line), number, now)
    try:
        clips = tuple(read_clip(path) for path in options.say) or recorded()
    except WavError as fault:
        raise DemoFault(USAGE, str(fault)) from fault
    kind = "" if options.say else " of human speech"
    caller = f"{len(clips)} {'recording' if len(clips) == 1 else 'recordings'}{kind}"
    built_in = options.flow is None and not options.say
    model = answering.personas[setting.persona].model.name
    return Prepared(flow, setting, clips, caller, number, built_in, folder(options.out, now), model)


def sample() -> Path:
    """The packaged sample flow."""
    for place in SAMPLES:
        if (place / SAMPLE).is_file():
            return place / SAMPLE
    raise DemoFault(USAGE, f"the sample flow {SAMPLE} is not installed (name a flow file with --flow)")


def recorded() -> tuple[Clip, ...]:
    """The built-in clips."""
    return tuple(read_clip(SPEECH / f"{name}.wav", words) for name, words in CLIPS)


def load(path: Path, env: Mapping[str, str]) -> Sequence[Flow]:
    """The flows at `path`, or every fault in them with the place it stands at."""
    if not path.exists():
        raise DemoFault(USAGE, f"{path}: no such flow file (leave --flow out for the sample)")
    try:
        return catalog.load(path, env).flows
    except FlowError as faults:
        raise DemoFault(FAULTS, "\n".join(problem.with_caret() for problem in faults.problems)) from faults


def pick_line(flows: Sequence[Flow], to: str | None) -> tuple[Flow, Number]:
    """The line to dial: `to` is its label or its number; None takes the first."""
    lines = [(flow, line) for flow in flows for line in flow.numbers]
    if not lines:
        raise DemoFault(FAULTS, "the flow has no line to dial (add one under numbers:)")
    if to is None:
        return lines[0]
    for flow, line in lines:
        if to in (line.label, line.number):
            return flow, line
    labels = [line.label for _, line in lines]
    near = difflib.get_close_matches(to, labels, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"lines: {', '.join(labels)}"
    raise DemoFault(USAGE, f"--to {to}: no such line ({hint})")


def folder(out: Path | None, now: datetime) -> Path:
    """The folder for the files, made now so that a call isn't placed in vain."""
    path = out or Path("recordings") / now.strftime("%Y-%m-%d-%H%M%S")
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        hint = "name another folder with --out"
        raise DemoFault(USAGE, f"{path}: can't be written: {error.strerror or error} ({hint})") from error
    return path


def _answered(found: tuple[Flow, Number], caller: str, now: datetime) -> Setting:
    """The line and who answers it now, by the rules that the gateway will go by. Raises DemoFault where nobody does."""
    flow, line = found
    if not line.number:
        raise DemoFault(FAULTS, f"the line {line.label} has no number yet: it is to be bought (name another with --to)")
    explained = explain(Flows((flow,)), f"{flow.name}/{line.label}", now, caller)
    if not explained.route.persona:
        advice = _OPEN if explained.route.code in ("closed", "holiday") else _FROM
        why = f"no persona would answer this call.\n{explained.words()}"
        raise DemoFault(FAULTS, f"{why}\nTo hear the agent, {advice}.")
    return Setting(flow.name, line.label, line.number, explained.route.persona)

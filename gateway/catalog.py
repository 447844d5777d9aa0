"""The flows of a folder, judged by every room that has a say: the one way in for all commands.

Flows come as people write them (YAML), or as one compiled artefact (`*.json`): then the core runs from exactly what
Twilio Functions read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from gateway import files
from gateway.flow import compile as artefact
from gateway.flow import say
from gateway.flow.load import FlowError, Flows, Judge
from gateway.flow.load import load as load_flows
from gateway.flow.model import Finding, Flow
from gateway.flow.source import path_text
from gateway.live.models import Backend, judge, judge_backend
from gateway.problem import Place, Problem

BACKENDS: dict[str, Backend | None] = {"rehearsal": None, "developer": "developer", "vertex": "vertex"}
MAX_ARTEFACT = 1 << 26  # bytes: fifteen times what 1,000 flows take


def load(path: Path, env: Mapping[str, str]) -> Flows:
    """Every flow at `path` (a folder, one file, or a compiled artefact). Raises `flow.load.FlowError` with every fault.

    Where LIVE_BACKEND names a backend, a model that it doesn't have is a fault as well, and so is a backend unknown.
    """
    chosen = env.get("LIVE_BACKEND", "").strip() or "rehearsal"
    backend = BACKENDS.get(chosen)
    judges: tuple[Judge, ...] = (say.judge, judge, lambda flow: judge_backend(flow, backend))
    wrong = [] if chosen in BACKENDS else [Problem(Place(str(path)), "", _UNKNOWN, "set it, or leave it out")]
    try:
        flows = _compiled(path, judges) if is_artefact(path) else load_flows(path, env, judges)
    except FlowError as faults:
        raise FlowError((*wrong, *faults.problems)) from None
    if wrong:
        raise FlowError((*wrong, *flows.warnings))
    return flows


def is_artefact(path: Path) -> bool:
    """Whether `path` names a compiled artefact, there or not."""
    return path.suffix == ".json" and not path.is_dir()


def behind(artefact_file: Path, flows: Path, env: Mapping[str, str]) -> str:
    """Why the artefact isn't what the flow files say now, and what to do; empty where it is, where it isn't there, and
    where there are no flow files to compare it with."""
    if is_artefact(flows) or not flows.exists() or not artefact_file.exists():
        return ""
    try:
        now = artefact.text(load(flows, env))
    except FlowError as faults:
        return (
            f"{flows} has {len(faults.problems)} faults, so {artefact_file} is of other flows (run: gateway validate)"
        )
    if files.compare(artefact_file, now) == "current":
        return ""
    return f"{flows} has changed since {artefact_file} was made (run: gateway compile, and deploy it)"


_UNKNOWN = f"the environment variable LIVE_BACKEND takes one of {', '.join(BACKENDS)}"


def _compiled(path: Path, judges: Iterable[Judge]) -> Flows:
    """The flows of an artefact; what the judges have against one stands under `flows` and its name."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_ARTEFACT + 1)
        if len(raw) > MAX_ARTEFACT:
            raise artefact.ArtefactError("the file is larger than 64 MiB")
        flows = artefact.read(raw).flows
    except OSError as error:
        why = f"can't be read: {error.strerror}"
        raise FlowError([Problem(Place(str(path)), "", why, "check the path and who may read it")]) from error
    except artefact.ArtefactError as error:
        place = Place(str(path), error.line, error.column)
        raise FlowError([Problem(place, "", str(error), "run: gateway compile")]) from error
    problems = [_problem(path, flow, finding) for flow in flows for judge in judges for finding in judge(flow)]
    if any(problem.severity == "error" for problem in problems):
        raise FlowError(problems)
    return Flows(flows, tuple(problems))


def _problem(path: Path, flow: Flow, finding: Finding) -> Problem:
    hint = f"{finding.hint}; then run: gateway compile" if finding.hint else "mend the flow, then run: gateway compile"
    where = path_text(("flows", flow.name, *finding.path))
    return Problem(Place(str(path)), where, finding.message, hint, finding.severity)

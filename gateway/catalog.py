"""The flows of a folder, judged by every room that has a say: the one way in for `validate`, `demo` and `serve`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.flow.load import FlowError, Flows
from gateway.flow.load import load as load_flows
from gateway.flow.model import Finding, Flow
from gateway.live.models import DEFAULT_MODEL, Backend, judge, refusal
from gateway.problem import Place, Problem

BACKENDS: dict[str, Backend | None] = {"rehearsal": None, "developer": "developer", "vertex": "vertex"}


def load(path: Path, env: Mapping[str, str]) -> Flows:
    """Every flow at `path` (a folder or one file). Raises `flow.load.FlowError` with every fault.

    Where LIVE_BACKEND names a backend, a model that it doesn't have is a fault as well, and so is a backend unknown.
    """
    chosen = env.get("LIVE_BACKEND", "").strip() or "rehearsal"
    backend = BACKENDS.get(chosen)
    wrong = [] if chosen in BACKENDS else [Problem(Place(str(path)), "", _UNKNOWN, "set it, or leave it out")]
    try:
        flows = load_flows(path, env, judges=(judge, lambda flow: _missing(flow, backend)))
    except FlowError as faults:
        raise FlowError((*wrong, *faults.problems)) from None
    if wrong:
        raise FlowError((*wrong, *flows.warnings))
    return flows


_UNKNOWN = f"the environment variable LIVE_BACKEND takes one of {', '.join(BACKENDS)}"


def _missing(flow: Flow, backend: Backend | None) -> Iterator[Finding]:
    if backend is None:
        return
    named = [(("personas", name, "model", "name"), persona.model.name) for name, persona in flow.personas.items()]
    for path, name in (("defaults", "model"), flow.model), *named:
        if why := refusal(name, backend):
            yield Finding(path, why, f"use {DEFAULT_MODEL}")

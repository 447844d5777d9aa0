"""The flows of a folder, judged by every room that has a say: the one way in for `validate`, `demo` and `serve`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.flow.load import Flows
from gateway.flow.load import load as load_flows
from gateway.flow.model import Finding, Flow
from gateway.live.models import DEFAULT_MODEL, Backend, judge, refusal

BACKENDS: dict[str, Backend] = {"developer": "developer", "vertex": "vertex"}


def load(path: Path, env: Mapping[str, str]) -> Flows:
    """Every flow at `path` (a folder or one file). Raises `flow.load.FlowError` with every fault.

    Where LIVE_BACKEND names a backend, a model that it doesn't have is a fault as well.
    """
    backend = BACKENDS.get(env.get("LIVE_BACKEND", ""))
    return load_flows(path, env, judges=(judge, lambda flow: _missing(flow, backend)))


def _missing(flow: Flow, backend: Backend | None) -> Iterator[Finding]:
    if backend is None:
        return
    for name, persona in flow.personas.items():
        if why := refusal(persona.model.name, backend):
            yield Finding(("personas", name, "model", "name"), why, f"use {DEFAULT_MODEL}")

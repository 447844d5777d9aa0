"""The one way in to the flows: every room's judgement, and the backend's."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import catalog
from gateway.flow.load import FlowError

FLOW = """version: 1
numbers: [{{ label: desk, number: "+14155550100", persona: ava }}]
personas:
  ava:
    instructions: Answer.
    model: {{ name: {model} }}
"""


def write(folder: Path, model: str) -> Path:
    file = folder / "one.yaml"
    file.write_text(FLOW.format(model=model), encoding="utf-8")
    return file


def test_a_model_that_is_gone_is_a_fault_at_its_place(tmp_path: Path) -> None:
    with pytest.raises(FlowError) as raised:
        catalog.load(write(tmp_path, "gemini-2.0-flash-live-001"), {})
    (problem,) = raised.value.problems
    assert (problem.place.line, problem.path) == (6, "personas.ava.model.name")


@pytest.mark.parametrize(("backend", "faults"), [("vertex", 0), ("developer", 1), ("rehearsal", 0), ("", 0)])
def test_a_model_that_the_backend_does_not_have(tmp_path: Path, backend: str, faults: int) -> None:
    file = write(tmp_path, "gemini-live-2.5-flash-native-audio")
    env = {"LIVE_BACKEND": backend} if backend else {}
    if not faults:
        assert len(catalog.load(file, env).flows) == 1
        return
    with pytest.raises(FlowError) as raised:
        catalog.load(file, env)
    assert "is served by vertex, not by developer (use gemini-3.8-live)" in str(raised.value)


def test_the_samples_have_no_faults() -> None:
    flows = catalog.load(Path(__file__).parent.parent / "flows", {})
    assert len(flows.flows) >= 2
    assert flows.warnings == ()

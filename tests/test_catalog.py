"""The one way in to the flows: every room's judgement, and the backend's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway import catalog
from gateway.flow.compile import text
from gateway.flow.load import FlowError
from gateway.flow.load import load as load_flows
from gateway.live.models import VOICES

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


def told(file: Path, **env: str) -> list[str]:
    with pytest.raises(FlowError) as raised:
        catalog.load(file, env)
    return [str(problem).removeprefix(f"{file}:") for problem in raised.value.problems]


def test_models_and_voices_are_judged_where_something_else_is_wrong(tmp_path: Path) -> None:
    file = write(tmp_path, "gpt-4, temprature: 1")
    with file.open("a") as stream:
        stream.write("    voice: { name: alloy }\n    vad: { silence: 500 }\n  eve: { voice: { name: echo } }\n")
    assert told(file) == [
        "6:20: personas.ava.model.name: not a Live model known here (use gemini-3.8-live)",
        "6:27: personas.ava.model.temprature: unknown key (did you mean 'temperature'?)",
        f"7:20: warning: personas.ava.voice.name: not a voice known here (known voices: {', '.join(VOICES)})",
        "8:21: personas.ava.vad.silence: a duration carries a unit (write 500ms)",
        "9:3: warning: personas.eve: no number leads to this persona (remove it)",
        "9:3: personas.eve.instructions: missing key (such as instructions: You answer the phone for {{clinic}}.)",
        "9:25: warning: personas.eve.voice.name: not a voice known here (did you mean Charon?)",
    ]


MODEL = "defaults.model: not a Live model known here (use gemini-3.8-live)"
LANGUAGE = "defaults.language: not a language that Live models are known to speak (check the code)"


def test_a_wrong_default_is_told_once_where_it_stands(tmp_path: Path) -> None:
    file = write(tmp_path, "gemini-3.8-live")
    file.write_text(file.read_text() + "defaults: { model: gpt-4, language: tlh }\n")  # the model is not used
    assert told(file) == [f"7:20: {MODEL}", f"7:37: warning: {LANGUAGE}"]
    file.write_text(file.read_text().replace("    model: { name: gemini-3.8-live }\n", "    voice: { name: Kore }\n"))
    assert told(file) == [f"7:20: {MODEL}", f"7:37: warning: {LANGUAGE}"]
    file.write_text(file.read_text().replace("voice: { name: Kore }", "model: { name: gpt-4 }"))
    assert told(file)[0] == f"6:20: {MODEL.replace('defaults.model', 'personas.ava.model.name')}"


def test_a_voice_and_a_language_are_told_where_they_are_written(tmp_path: Path) -> None:
    file = write(tmp_path, "gemini-3.8-live")
    line = 'numbers: [{ label: desk, number: "+14155550100", persona: ava, language: tlh }]'
    file.write_text(
        f"version: 1\n{line}\npersonas: {{ ava: {{ instructions: Hi. }} }}\ndefaults: {{ voice: {{ name: Kor }} }}\n"
    )
    unknown = "not a language that Live models are known to speak (check the code)"
    assert [str(problem).removeprefix(f"{file}:") for problem in catalog.load(file, {}).warnings] == [
        f"2:74: warning: numbers[0].language: {unknown}",
        "4:28: warning: defaults.voice.name: not a voice known here (did you mean Kore?)",
    ]


def test_a_default_that_the_backend_does_not_have(tmp_path: Path) -> None:
    file = write(tmp_path, "gemini-3.8-live")
    file.write_text(file.read_text() + "defaults: { model: gemini-live-2.5-flash-native-audio }\n")
    assert told(file, LIVE_BACKEND="developer") == [
        "7:20: defaults.model: gemini-live-2.5-flash-native-audio is served by vertex, not by developer "
        "(use gemini-3.8-live)"
    ]
    assert len(catalog.load(file, {"LIVE_BACKEND": " vertex "}).flows) == 1


def test_an_unknown_backend_is_a_fault_beside_the_others(tmp_path: Path) -> None:
    words = (
        "1:1: the environment variable LIVE_BACKEND takes one of rehearsal, developer, vertex (set it, or leave it out)"
    )
    assert told(write(tmp_path, "gemini-3.8-live"), LIVE_BACKEND="Developer") == [words]
    assert [line[:5] for line in told(write(tmp_path, "gpt-4"), LIVE_BACKEND="x")] == ["1:1: ", "6:20:"]


def compiled(folder: Path, model: str) -> Path:
    """An artefact that nobody's judgement stopped."""
    artefact = folder / "flows.private.json"
    artefact.write_text(text(load_flows(write(folder, model), {})), encoding="utf-8")
    return artefact


def test_a_compiled_artefact_is_read_as_its_flows_are(tmp_path: Path) -> None:
    flows = catalog.load(compiled(tmp_path, "gemini-3.8-live"), {})
    assert flows.line("+14155550100") is not None
    assert flows.labelled("one", "desk") is not None
    assert text(flows) == text(catalog.load(tmp_path / "one.yaml", {}))


def test_a_compiled_flow_is_judged_too(tmp_path: Path) -> None:
    gone = compiled(tmp_path, "gemini-2.0-flash-live-001")
    assert told(gone) == [
        "1:1: flows.one.personas.ava.model.name: gemini-2.0-flash-live-001 was shut down on 2025-12-09 "
        "(use gemini-3.8-live; then run: gateway compile)"
    ]
    vertex = compiled(tmp_path, "gemini-live-2.5-flash-native-audio")
    assert catalog.load(vertex, {"LIVE_BACKEND": "vertex"}).warnings == ()
    assert "is served by vertex, not by developer" in told(vertex, LIVE_BACKEND="developer")[0]
    legacy = compiled(tmp_path, "gemini-3.1-flash-live-preview")
    assert [problem.severity for problem in catalog.load(legacy, {}).warnings] == ["warning"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw[: raw.index('"flows"')], "{last}: this is no JSON (run: gateway compile)"),
        (
            lambda raw: raw.replace("Answer.", "Sing."),
            "1:1: its hash is not that of its content: it was edited or cut (run: gateway compile)",
        ),
        (lambda raw: " " * ((1 << 26) + 1), "1:1: the file is larger than 64 MiB (run: gateway compile)"),
    ],
)
def test_an_artefact_that_is_none(tmp_path: Path, change: Callable[[str], str], words: str) -> None:
    artefact = compiled(tmp_path, "gemini-3.8-live")
    raw = change(artefact.read_text(encoding="utf-8"))
    artefact.write_text(raw, encoding="utf-8")
    lines = raw.splitlines()
    assert told(artefact) == [words.format(last=f"{len(lines)}:{len(lines[-1]) + 1}")]


def test_an_artefact_that_is_not_there(tmp_path: Path) -> None:
    words = "1:1: can't be read: No such file or directory (check the path and who may read it)"
    assert told(tmp_path / "flows.private.json") == [words]


def test_a_folder_may_be_called_anything(tmp_path: Path) -> None:
    folder = tmp_path / "flows.json"
    folder.mkdir()
    write(folder, "gemini-3.8-live")
    assert len(catalog.load(folder, {}).flows) == 1


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder of flows with its artefact beside it."""
    (tmp_path / "flows").mkdir()
    write(tmp_path / "flows", "gemini-3.8-live")
    artefact = tmp_path / "flows.private.json"
    artefact.write_text(text(catalog.load(tmp_path / "flows", {})), encoding="utf-8")
    return artefact


def test_an_artefact_is_behind_its_flows_when_they_changed(kept: Path) -> None:
    flows = kept.parent / "flows"
    assert catalog.behind(kept, flows, {}) == ""
    file = write(flows, "gemini-3.8-live")
    file.write_text(file.read_text().replace("Answer.", "Answer well."))
    assert catalog.behind(kept, flows, {}) == (
        f"{flows} has changed since {kept} was made (run: gateway compile, and deploy it)"
    )
    file.write_text("version: 1\nnumbers: 5\n")
    assert catalog.behind(kept, flows, {}).endswith("is of other flows (run: gateway validate)")


def test_what_can_not_be_compared_is_behind_nothing(kept: Path) -> None:
    flows = kept.parent / "flows"
    assert catalog.behind(kept.parent / "gone.json", flows, {}) == ""
    assert catalog.behind(kept, kept.parent / "gone", {}) == ""
    assert catalog.behind(kept, kept, {}) == ""


def test_a_cost_that_nobody_can_add_up_is_no_limit(tmp_path: Path) -> None:
    """The estimate goes by published prices: without one the call would go on for ever."""
    file = write(tmp_path, "gemini-live-2.5-flash-native-audio")
    file.write_text(file.read_text() + "limits: { max_cost: 0.5 }\n")
    (warning,) = catalog.load(file, {}).warnings
    assert (warning.path, warning.severity, warning.place.line) == ("limits.max_cost", "warning", 7)
    file = write(tmp_path, "gemini-3.8-live")
    file.write_text(file.read_text() + "limits: { max_cost: 0.5 }\n")
    assert catalog.load(file, {}).warnings == ()

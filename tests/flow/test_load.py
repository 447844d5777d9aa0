from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.flow.load import FlowError, load
from gateway.flow.model import Finding, Flow
from gateway.problem import Problem
from tests.flow.samples import NUMBER, PERSONA, SHORTEST, flows, said


def test_a_folder_in_the_order_of_its_names(tmp_path: Path) -> None:
    for name, digit in [("b.yml", 1), ("a.yaml", 2), ("c.yaml", 3)]:
        (tmp_path / name).write_text(SHORTEST.replace("0100", f"010{digit}"))
    (tmp_path / ".hidden.yaml").write_text("nonsense")
    (tmp_path / "notes.txt").write_text("nonsense")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "d.yaml").write_text("nonsense")
    loaded = load(tmp_path, {})
    assert [flow.name for flow in loaded.flows] == ["a", "b", "c"]
    assert [flow.file for flow in loaded.flows] == [str(tmp_path / name) for name in ("a.yaml", "b.yml", "c.yaml")]


def test_lines_and_names(tmp_path: Path) -> None:
    loaded = flows(tmp_path, SHORTEST)
    (flow,) = loaded.flows
    assert loaded.line("+14155550100") == (flow, flow.numbers[0])
    assert loaded.line("+14155550199") is None
    assert loaded.named("desk") is flow
    assert loaded.named("front") is None


def test_warnings_do_not_stop(tmp_path: Path) -> None:
    loaded = flows(tmp_path, SHORTEST + "variables: { clinic: Harbour Dental }\n")
    assert [str(w).split(":", 1)[1] for w in loaded.warnings] == [
        "7:14: warning: variables.clinic: no text names this variable (remove it)"
    ]


def test_a_number_belongs_to_one_flow(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SHORTEST)
    (tmp_path / "b.yaml").write_text(SHORTEST.replace('"+14155550100"', '"${OTHER}"'))
    assert said(tmp_path, {"OTHER": "+14155550100"}) == [
        "b.yaml:3:28: numbers[0].number: a.yaml:3 has this number already (a number belongs to one line)"
    ]
    assert said(tmp_path, {"OTHER": "+14155550101"}) == []


def test_a_name_belongs_to_one_flow(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SHORTEST)
    (tmp_path / "a.yml").write_text(SHORTEST.replace("0100", "0101"))
    (tmp_path / "b.yaml").write_text(SHORTEST.replace("0100", "0102") + "name: a\n")
    assert said(tmp_path) == [
        "a.yml:1:1: name: a.yaml:1 has this name already (a name belongs to one flow)",
        "b.yaml:7:7: name: a.yaml:1 has this name already (a name belongs to one flow)",
    ]


def test_a_file_whose_name_can_not_be_the_flows(tmp_path: Path) -> None:
    (tmp_path / "My Flow.yaml").write_text(SHORTEST)
    told = (
        "My Flow.yaml:1:1: name: the file's name can't be the flow's (write name: and lower-case words joined by '-')"
    )
    assert said(tmp_path) == [told]
    (tmp_path / "My Flow.yaml").write_text(SHORTEST + "name: my-flow\n")
    assert said(tmp_path) == []


def test_all_faults_of_all_files_in_file_order(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("version: 1\n" + PERSONA.replace("instructions", "instrutions") + NUMBER)
    (tmp_path / "a.yaml").write_text(
        "version: 2\nnumbers:\n  - { label: a, number: ${A}, persona: avva }\npersonas:\n  ava:\n"
        "    instructions: 'Hello {{nmae}}, {{cal.from}}'\n    vad: { silence: 500 }\n    vad: {}\n"
    )
    assert [line.split(" ")[0] + line.split(": ")[1] for line in said(tmp_path)] == [
        "a.yaml:3:26:a '{' within brackets (put the value in quotes)",
        "b.yaml:3:3:personas.ava.instructions",
        "b.yaml:4:5:personas.ava.instrutions",
    ]
    (tmp_path / "a.yaml").write_text((tmp_path / "a.yaml").read_text().replace("${A}", '"${A}"'))
    assert [line.split(" ")[0] + line.split(": ")[1] for line in said(tmp_path)] == [
        "a.yaml:1:10:version",
        "a.yaml:3:26:numbers[0].number",
        "a.yaml:3:42:numbers[0].persona",
        "a.yaml:5:3:warning",
        "a.yaml:6:26:personas.ava.instructions",
        "a.yaml:6:36:personas.ava.instructions",
        "a.yaml:7:21:personas.ava.vad.silence",
        "a.yaml:8:5:personas.ava.vad",
        "b.yaml:3:3:personas.ava.instructions",
        "b.yaml:4:5:personas.ava.instrutions",
    ]


def test_the_error_says_it_all(tmp_path: Path) -> None:
    with pytest.raises(FlowError) as caught:
        flows(tmp_path, SHORTEST + "nmae: x\n")
    (problem,) = caught.value.problems
    assert str(caught.value) == str(problem)
    assert problem.with_caret().endswith("\n    nmae: x\n    ^")


@pytest.mark.parametrize("name", ["nothing", "nothing.yaml", "not\0a path"])
def test_no_such_path(tmp_path: Path, name: str) -> None:
    (told,) = said(tmp_path / name)
    assert told.startswith(f"{name}:1:1: ")


def test_an_empty_folder(tmp_path: Path) -> None:
    told = f"{tmp_path}:1:1: there is no flow in this folder (add a file that ends in .yaml)"
    assert said(tmp_path) == [told]


def test_a_file_that_can_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SHORTEST)
    (tmp_path / "b.yaml").mkdir()
    told = "b.yaml:1:1: can't be read: Is a directory (check the path and who may read it)"
    assert said(tmp_path) == [told]


def test_a_folder_that_can_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    told = f"{tmp_path}:1:1: can't be read: Permission denied (check the path and who may read it)"
    assert said(tmp_path) == [told]


def _against(flow: Flow) -> Iterator[Finding]:
    for name, persona in flow.personas.items():
        yield Finding(("personas", name, "voice", "name"), f"unknown voice {persona.voice.name}", "", "warning")


def test_judges_speak_at_their_place(tmp_path: Path) -> None:
    text = SHORTEST + "    voice: { name: Bob }\n"
    loaded = flows(tmp_path, text, judges=[_against])
    assert [str(w) for w in loaded.warnings] == [
        f"{tmp_path}/desk.yaml:7:20: warning: personas.ava.voice.name: unknown voice Bob"
    ]
    (warning,) = flows(tmp_path, SHORTEST, judges=[_against]).warnings
    assert (warning.place.line, warning.place.column, warning.source) == (5, 3, "  ava:")


def test_a_judge_may_refuse_and_hears_only_of_sound_flows(tmp_path: Path) -> None:
    heard: list[str] = []

    def refuse(flow: Flow) -> list[Finding]:
        heard.append(flow.name)
        return [Finding((), "no")]

    (tmp_path / "a.yaml").write_text(SHORTEST)
    (tmp_path / "b.yaml").write_text("version: 2")
    with pytest.raises(FlowError) as caught:
        load(tmp_path, {}, [refuse])
    assert heard == ["a"]
    assert str(caught.value).startswith(f"{tmp_path}/a.yaml:1:1: no\n")


def _tries(file: Path, raw: bytes) -> None:
    file.write_bytes(raw)
    for problem in _problems(file):
        assert problem.place.line >= 1
        assert problem.place.column >= 1
        assert "\n" not in str(problem).replace(str(file), "")


def _problems(file: Path) -> tuple[Problem, ...]:
    env = {"A": "{{x}} ${B}"}
    try:
        return load(file, env).warnings
    except FlowError as error:
        return error.problems


_BITS = st.sampled_from(
    [
        *[
            "version: 1\n",
            NUMBER,
            PERSONA,
            "    voice: ",
            "name: ",
            "limits: ",
            "max_duration: ",
            "personas: ",
            "defaults: ",
        ],
        *["{", "}", "[", "]", "- ", ": ", ", ", "\n", "  ", "\t", "? ", "| ", "> ", "'", '"', "\\", "#", "%"],
        *["&a ", "*a", "!x ", "<<: ", "---\n", "...\n", "${A}", "{{x}}", "500", "null", "true", "é", "\u2028", "\x85"],
    ]
)
_QUIET = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_QUIET
@given(raw=st.binary(max_size=200))
def test_no_bytes_crash(tmp_path: Path, raw: bytes) -> None:
    _tries(tmp_path / "any.yaml", raw)


@_QUIET
@given(bits=st.lists(_BITS, max_size=25))
def test_nothing_like_a_flow_crashes(tmp_path: Path, bits: list[str]) -> None:
    _tries(tmp_path / "any.yaml", "".join(bits).encode())


_VALUES = st.recursive(
    st.sampled_from(["null", "true", "5", "0.5", "500", "x", '"${A}"', '"{{x}}"', "20m", "en-US", "high", "ava"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
        st.dictionaries(st.sampled_from(["name", "say", "text", "x", "allowed", "label"]), inner, max_size=3).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
        ),
    ),
    max_leaves=6,
)
_SECTIONS = ["version", "name", "description", "defaults", "variables", "numbers", "personas", "limits"]
_PARTS = ["instructions", "greeting", "languages", "voice", "model", "vad", "barge_in", "idle"]


@_QUIET
@given(top=st.dictionaries(st.sampled_from(_SECTIONS), _VALUES), ava=st.dictionaries(st.sampled_from(_PARTS), _VALUES))
def test_no_shape_crashes(tmp_path: Path, top: dict[str, str], ava: dict[str, str]) -> None:
    lines = [f"{key}: {value}" for key, value in top.items()]
    if "personas" not in top:
        lines += ["personas:", "  ava:", *(f"    {key}: {value}" for key, value in ava.items())]
    _tries(tmp_path / "any.yaml", "\n".join(lines).encode())


def test_the_door_opens_without_jsonschema() -> None:
    """The import of jsonschema takes as long as everything else together."""
    code = "import sys, gateway.flow.load; sys.exit('jsonschema' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

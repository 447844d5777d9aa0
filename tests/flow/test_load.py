from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.flow.load import FlowError, Judge, load
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


def test_links_stay_in_the_folder(tmp_path: Path) -> None:
    """As Kubernetes mounts a folder: links to files that lie within it. A link to anywhere else is named."""
    folder = tmp_path / "flows"
    (folder / "..data").mkdir(parents=True)
    (folder / "..data" / "desk.yaml").write_text(SHORTEST)
    (folder / "desk.yaml").symlink_to("..data/desk.yaml")
    assert [flow.name for flow in load(folder, {}).flows] == ["desk"]
    (tmp_path / "elsewhere.yaml").write_text(SHORTEST.replace("0100", "0101"))
    (folder / "away.yaml").symlink_to("../elsewhere.yaml")
    (folder / "nowhere.yaml").symlink_to("missing.yaml")
    (folder / "itself.yaml").symlink_to("itself.yaml")
    found = [text.replace(str(folder) + "/", "") for text in said(folder)]
    assert found[0] == "away.yaml:1:1: a link that leads out of the folder (put the file itself here)"
    assert found[1].startswith("itself.yaml:1:1: can't be read: ")
    assert found[2] == "nowhere.yaml:1:1: can't be read: No such file or directory (check the path and who may read it)"


def test_a_pipe_in_the_folder_is_named_and_never_waited_for(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SHORTEST)
    os.mkfifo(tmp_path / "pipe.yaml")
    assert said(tmp_path) == ["pipe.yaml:1:1: no file, but a pipe or a device (put the file itself here)"]


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
    told = "My Flow.yaml:1:1: name: the file's name can't be the flow's (write name: my-flow)"
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


def test_a_judge_may_refuse_and_hears_of_flows_with_faults_what_is_left_of_them(tmp_path: Path) -> None:
    heard: list[str] = []

    def refuse(flow: Flow) -> list[Finding]:
        heard.append(f"{flow.name} {[persona.vad.silence_ms for persona in flow.personas.values()]}")
        return [Finding((), "no")]

    (tmp_path / "a.yaml").write_text(SHORTEST)
    (tmp_path / "b.yaml").write_text("version: 2\npersonas: { ava: { vad: { silence: 5 } }, eve: 7 }")
    (tmp_path / "c.yaml").write_text("[]")
    with pytest.raises(FlowError) as caught:
        load(tmp_path, {}, [refuse])
    assert heard == ["a [500]", "b [500]"]
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


def _lines(problems: Iterable[Problem]) -> list[str]:
    return [str(problem).split("desk.yaml:")[1] for problem in problems]


def _faults(folder: Path, text: str, env: dict[str, str] | None = None, judges: Sequence[Judge] = ()) -> list[str]:
    with pytest.raises(FlowError) as caught:
        flows(folder, text, env, judges)
    return _lines(caught.value.problems)


def test_an_ending_in_capitals_is_read(tmp_path: Path) -> None:
    (tmp_path / "A.YAML").write_text(SHORTEST + "name: a\n")
    (tmp_path / "b.Yml").write_text(SHORTEST.replace("0100", "0101"))
    assert [flow.name for flow in load(tmp_path, {}).flows] == ["a", "b"]


def test_a_comment_that_is_a_warning_hides_no_fault_at_its_place(tmp_path: Path) -> None:
    told = _faults(tmp_path, SHORTEST + "    vad: { silence: 5 #s\n      }\n    voice: { name: a }\n    vat: 1\n")
    assert told == [
        "7:21: personas.ava.vad.silence: a duration carries a unit (write 5s)",
        "7:23: warning: personas.ava.vad.silence: what follows '#' is a comment (put the value in quotes)",
        "10:5: personas.ava.vat: unknown key (did you mean 'vad'?)",
    ]


def test_no_more_than_two_hundred_of_one_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SHORTEST + "".join(f"x{n}: 1\n" for n in range(203)))
    (tmp_path / "b.yaml").write_text(SHORTEST.replace("0100", "0101") + "y: 1\n")
    told = said(tmp_path)
    assert len(told) == 202
    assert told[199:] == [
        "a.yaml:206:1: x199: unknown key (known here: defaults, description, hours, limits, name, numbers, personas, "
        "tools, variables, version)",
        "a.yaml:207:1: and 3 more (mend these first)",
        "b.yaml:7:1: y: unknown key (known here: defaults, description, hours, limits, name, numbers, personas, "
        "tools, variables, version)",
    ]


def test_more_than_two_hundred_warnings_are_warnings(tmp_path: Path) -> None:
    variables = "".join(f"  v{n}: x\n" for n in range(300))
    warnings = flows(tmp_path, f"{SHORTEST}variables:\n{variables}").warnings
    assert len(warnings) == 201
    assert str(warnings[-1]).endswith("desk.yaml:208:3: warning: and 100 more (mend these first)")


def test_the_order_at_one_place_is_that_of_the_words(tmp_path: Path) -> None:
    def unordered(_: Flow) -> list[Finding]:
        return [Finding((), word) for word in "hbxa"]

    assert [line.rsplit(" ", 1)[1] for line in _faults(tmp_path, SHORTEST, judges=[unordered])] == list("abhx")


def test_a_number_twice_in_one_file_and_in_another(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SHORTEST)
    (tmp_path / "b.yaml").write_text(SHORTEST + "name: a\n")
    assert [line.split(": ", 2)[2] for line in said(tmp_path)] == [
        "a.yaml:3 has this number already (a number belongs to one line)",
        "a.yaml:1 has this name already (a name belongs to one flow)",
    ]


def test_a_long_line_is_shown_around_its_fault(tmp_path: Path) -> None:
    text = f"{'so ' * 200}{{{{nope}}}}{' on' * 200}"
    (tmp_path / "desk.yaml").write_text(SHORTEST.replace("You answer the phone.", text))
    with pytest.raises(FlowError) as caught:
        load(tmp_path / "desk.yaml", {})
    (problem,) = caught.value.problems
    _, line, caret = problem.with_caret().split("\n")
    assert line[caret.index("^") :].startswith("{{nope}} on")
    assert (line[:7], line[-1], len(line)) == ("    …so", "…", 246)


def test_a_long_line_at_its_ends(tmp_path: Path) -> None:
    text = SHORTEST + f'"{"x" * 300}": 1\nlimits: {{ {"y" * 300}: 1, z: 1 }}\n'
    with pytest.raises(FlowError) as caught:
        flows(tmp_path, text)
    starts, _, ends = (problem.with_caret().split("\n")[1:] for problem in caught.value.problems)
    assert (starts[0][4], starts[0][-1], starts[1]) == ('"', "…", "    ^")
    assert (ends[0][4], ends[0][-2:], ends[0][ends[1].index("^")]) == ("…", " }", "z")

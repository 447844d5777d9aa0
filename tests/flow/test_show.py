"""`gateway show`: everything that holds, where it comes from, and no value of the environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from gateway.flow.environment import fill
from gateway.flow.inherit import complete
from gateway.flow.show import NoSuchLine, show
from gateway.flow.source import read

FLOW = """version: 1
description: A desk
defaults:
  timezone: Europe/Berlin
  vad: { silence: 700ms }
  hours: office
  fallback: { say: "Later.", then: voicemail }
variables:
  clinic: "${CLINIC:-Harbour}"
numbers:
  - { label: desk, number: "${DESK}", persona: ava, language: es-US }
  - label: other
    number: "+14155550101"
    persona: eve
    hours: always
    fallback: { say: "Now." }
personas:
  ava:
    instructions: |
      You answer the phone for {{clinic}}.
      Be brief.
    languages: { primary: en-GB, allowed: [en-GB, es-US] }
    model: { gemini: { "odd key": ["1", 2] } }
    vad: { prefix_padding: 30ms }
    tools: [goodbye]
  eve: { instructions: "Answer, and say: yes.", vad: { silence: 1s } }
  night: { instructions: We are closed. }
hours:
  office: { weekly: { mon-fri: "09:00-18:00" }, holidays: [12-25], closed: { persona: night } }
tools: { goodbye: { type: hangup } }
"""
ENV = {"DESK": "+14155550100"}


def shown(label: str = "", text: str = FLOW) -> list[str]:
    """The lines, blanks before a comment as one."""
    return [" ".join(line.split()) for line in show(text.encode(), "desk.yaml", ENV, label).words().splitlines()]


@pytest.mark.parametrize(
    "line",
    [
        "version: 1 # line 1",
        "name: desk # the file's name",
        "defaults.timezone: Europe/Berlin # line 4",
        "defaults.language: en-US # default",
        "variables.clinic: ${CLINIC:-Harbour} # ${CLINIC} (not set), line 9",
        "numbers[0].number: ${DESK} # ${DESK}, line 11",
        "numbers[0].hours: office # defaults.hours, line 6",
        "numbers[0].fallback.then: voicemail # defaults.fallback.then, line 7",
        "numbers[0].timezone: Europe/Berlin # defaults.timezone, line 4",
        "numbers[1].hours: always # line 15",
        'numbers[1].number: "+14155550101" # line 13',
        # A fallback of one's own is inherited from nobody, in no part.
        "numbers[1].fallback.then: hangup # default",
        "personas.ava.instructions: You answer the phone for {{clinic}}.… # line 19, cut: 47 characters",
        "personas.ava.vad.silence: 700ms # defaults.vad.silence, line 5",
        "personas.ava.vad.prefix_padding: 30ms # line 24",
        "personas.ava.vad.end_sensitivity: low # default",
        """personas.ava.model.gemini["odd key"][0]: "1" # line 23""",
        "personas.eve.vad.silence: 1s # line 26",
        'personas.eve.instructions: "Answer, and say: yes." # line 26',
        "personas.eve.languages.allowed[0]: en-US # the primary language",
        "hours.office.timezone: Europe/Berlin # defaults.timezone, line 4",
        "hours.office.holidays[0]: 12-25 # line 29",
        "personas.ava.tools[0]: goodbye # line 25",
        "personas.eve.tools: [] # default",
        "personas.ava.vad.mode: model # default",
        "tools.goodbye.type: hangup # line 30",
        "limits.max_duration: 20m # default",
        "limits.deny: [] # default",
        "lines.desk.language: es-US # numbers[0].language, line 11; "
        "over personas.ava.languages.primary: en-GB, line 22",
        "lines.desk.timezone: Europe/Berlin # defaults.timezone, line 4",
        "lines.desk.voice: Aoede # default",
        "lines.other.hours: always # numbers[1].hours, line 15; over defaults.hours: office, line 6",
        "lines.other.language: en-US # default",
        "lines.other.fallback: {say: Now., then: hangup} # numbers[1].fallback, line 16; "
        "over defaults.fallback: {say: Later., then: voicemail}, line 7",
    ],
)
def test_each_value_says_where_it_comes_from(line: str) -> None:
    assert line in shown()


def test_a_persona_that_answers_when_closed_is_followed_by_nothing() -> None:
    assert not [line for line in shown() if line.startswith("hours.office.closed.then")]


def test_it_is_yaml_that_holds_the_whole_flow() -> None:
    values = yaml.safe_load(show(FLOW.replace("|\n", "\n").encode(), "desk.yaml", ENV).words())
    source, _ = read(FLOW.encode(), "desk.yaml")
    whole = complete(fill(source.data, {})[0], "desk.yaml")
    assert isinstance(whole, dict)
    for section in whole:
        assert [key for key in values if key.startswith(section)], section
    assert values["personas.ava.instructions"].startswith("You answer the phone for {{clinic}}. Be brief.")
    assert values["limits.deny"] == []
    assert values['personas.ava.model.gemini["odd key"][1]'] == 2


@pytest.mark.parametrize("long", ["", " and so on" * 20, "\nand so on"])
def test_the_values_of_the_environment_are_not_shown(long: str) -> None:
    secret = {"DESK": "+19995550100", "CLINIC": f"marker-7{long}", "LABEL": "marker-7"}
    flow = FLOW.replace("Answer, and say: yes.", "${CLINIC} ${DESK}").replace("label: desk", 'label: "${LABEL}"')
    flow = flow.replace('say: "Later."', 'say: "${CLINIC}"')
    for label in ("", "marker-7"):
        sheet = show(flow.encode(), "desk.yaml", secret, label)
        for written in (sheet.words(), json.dumps(sheet.plain())):
            assert "marker-7" not in written
            assert "9995550100" not in written
    with pytest.raises(NoSuchLine) as raised:
        show(flow.encode(), "desk.yaml", secret, "marker")
    assert "marker-7" not in str(raised.value)


def test_only_what_concerns_a_line() -> None:
    assert {line.split(":")[0].split(".")[1] for line in shown("desk") if line.startswith("personas")} == {
        "ava",
        "night",
    }
    assert {line.split(":")[0].split(".")[1] for line in shown("other") if line.startswith("personas")} == {"eve"}
    assert not [line for line in shown("other") if line.startswith(("hours", "numbers[0]", "lines.desk"))]
    assert [line for line in shown("other") if line.startswith("limits")]
    assert [line for line in shown("desk") if line.startswith("tools.goodbye")]
    assert not [line for line in shown("other") if line.startswith("tools")]


def test_a_line_that_is_not_there() -> None:
    with pytest.raises(NoSuchLine, match=r"desk.yaml has no line of that label \(did you mean 'desk'\?\)"):
        shown("dsk")


def test_for_programs() -> None:
    values = {value["name"]: value for value in show(FLOW.encode(), "d.yaml", ENV).plain()["values"]}  # type: ignore[attr-defined]
    assert values["personas.ava.vad.silence"] == {
        "name": "personas.ava.vad.silence",
        "value": "700ms",
        "from": "inherited",
        "at": "defaults.vad.silence",
        "line": 5,
        "environment": {},
        "over": [],
    }
    assert values["personas.ava.instructions"]["value"].endswith("Be brief.\n")
    assert values["numbers[0].number"]["environment"] == {"DESK": True}
    assert values["personas.night.voice.name"]["from"] == "default"
    assert values["personas.night.voice.name"]["line"] is None


def test_a_flow_without_lines_and_a_file_with_an_odd_name() -> None:
    sheet = show(b"version: 1\npersonas: { ava: { instructions: Hi. } }\n", "a\nb.yaml", {})
    assert sheet.words().splitlines()[0] == "# a?b.yaml"
    assert "what each line" not in sheet.words()


def test_the_samples_show_as_yaml() -> None:
    for file in (Path(__file__).parent.parent.parent / "flows").glob("*.yaml"):
        assert yaml.safe_load(show(file.read_bytes(), str(file), {}).words())["version"] == 1

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.flow import compile as artefact
from gateway.flow.build import build
from gateway.flow.inherit import complete
from gateway.flow.load import FlowError, load
from gateway.flow.model import (
    Announcement,
    BargeIn,
    Closed,
    Context,
    Finding,
    Flow,
    Greeting,
    Holiday,
    Hours,
    Idle,
    Languages,
    Limits,
    Model,
    Number,
    Persona,
    Range,
    Rate,
    Regulatory,
    Search,
    Tool,
    Vad,
    Voice,
)
from gateway.flow.schema import at
from gateway.flow.source import Data
from tests.flow.samples import SHORTEST, flows

FULL = """
version: 1
name: harbour-dental
description: Front desk
defaults:
  timezone: Europe/Paris
  language: fr-FR
  model: gemini-other-live
  hours: office
  fallback: { say: "{{clinic}} is busy." }
variables: { clinic: Harbour Dental }
numbers:
  - label: desk
    number: "${DESK}"
    persona: ava
    hours: always
    fallback: { say: "This is {{clinic}}.", then: dial, to: "+14155550123" }
    timezone: Europe/Berlin
    language: es-US
    regulatory: { address_sid: "AD${SID}", bundle_sid: "BU${SID}", identity_sid: "RI${SID}" }
  - label: more
    persona: ava
    search: { country: US, type: toll_free, contains: "555****00" }
personas:
  ava:
    instructions: You answer for {{clinic}}.
    greeting: { text: "Good day.", interruptible: false }
    languages: { primary: en-US, allowed: [es-US, en-US] }
    voice: { name: Kore }
    model: { name: gemini-3.8-live, temperature: 1, context: { trigger: 20000, target: 5000.0 }, gemini: { seed: 7 } }
    vad: { mode: gateway, start_sensitivity: high, end_sensitivity: high, prefix_padding: 40ms, silence: 1s }
    barge_in: { enabled: false }
    idle: { after: 10s, say: "Hello?", times: 3, then: hangup }
    tools: [goodbye, leave]
tools:
  goodbye: { type: hangup, description: Ends the call. }
  leave: { type: hangup }
hours:
  office:
    timezone: Europe/Rome
    weekly: { fri-sat: "22:00-06:00", mon: ["13:00-15:00", "09:00-12:00"], sun: closed }
    holidays: ["2026-12-25", { date: 12-24 to 01-02, name: New Year, open: "10:00-24:00" }]
    closed: { persona: ava }
  late:
    weekly: { mon: "20:00-23:00" }
    closed: { say: "{{clinic}} is closed." }
limits:
  max_duration: 90s
  warn_at: 80s
  concurrent_calls: 50.0
  per_caller: 10/h
  allow: ["+1415"]
  deny: ["+1900"]
  countries: [US]
  max_cost: 2
"""
ENV = {"DESK": "+14155550100", "SID": "0" * 32}
ZEROS = "0" * 32


def test_everything_written(tmp_path: Path) -> None:
    (flow,) = flows(tmp_path, FULL, ENV).flows
    ava = Persona(
        name="ava",
        instructions="You answer for {{clinic}}.",
        greeting=Greeting("Good day.", interruptible=False),
        languages=Languages("en-US", ("en-US", "es-US")),
        voice=Voice("Kore"),
        model=Model("gemini-3.8-live", 1.0, {"seed": 7}, Context(20_000, 5_000)),
        vad=Vad("high", "high", 40, 1000, "gateway"),
        barge_in=BargeIn(enabled=False),
        idle=Idle(10_000, "Hello?", 3, "hangup"),
        tools=("goodbye", "leave"),
    )
    desk = Number(
        label="desk",
        number="+14155550100",
        persona="ava",
        fallback=Announcement("This is Harbour Dental.", "dial", "+14155550123"),
        timezone="Europe/Berlin",
        language="es-US",
        regulatory=Regulatory(f"AD{ZEROS}", f"BU{ZEROS}", f"RI{ZEROS}"),
    )
    more = Number(
        label="more",
        number="",
        persona="ava",
        search=Search("US", "toll_free", "", "555****00"),
        hours="office",
        fallback=Announcement("Harbour Dental is busy."),
        timezone="Europe/Paris",
    )
    night = (Range(1320, 1800),)
    office = Hours(
        name="office",
        timezone="Europe/Rome",
        weekly=((Range(540, 720), Range(780, 900)), (), (), (), night, night, ()),
        closed=Closed("ava"),
        holidays=(
            Holiday("2026-12-25", "2026-12-25"),
            Holiday("12-24", "01-02", "New Year", (Range(600, 1440),)),
        ),
    )
    late = Hours(
        name="late",
        timezone="Europe/Paris",
        weekly=((Range(1200, 1380),), (), (), (), (), (), ()),
        closed=Closed(announcement=Announcement("Harbour Dental is closed.")),
    )
    assert flow == Flow(
        name="harbour-dental",
        file=str(tmp_path / "desk.yaml"),
        description="Front desk",
        timezone="Europe/Paris",
        variables={"clinic": "Harbour Dental"},
        numbers=(desk, more),
        personas={"ava": ava},
        limits=Limits(90.0, 80.0, 50, Rate(10, 3600), ("+1415",), ("+1900",), ("US",), 2.0),
        hours={"office": office, "late": late},
        language="fr-FR",
        model="gemini-other-live",
        tools={
            "goodbye": Tool("goodbye", "hangup", "Ends the call."),
            "leave": Tool("leave", "hangup", at(("tools", "leave", "description"))["default"]),
        },
    )


def test_the_artefact_of_what_was_read_of_it_is_the_same(tmp_path: Path) -> None:
    """Numbers have the types that the model says: `temperature: 1` is 1.0, `concurrent_calls: 50.0` is 50."""
    written = artefact.text(flows(tmp_path, FULL, ENV))
    assert artefact.text(artefact.read(written)) == written
    assert '"temperature": 1.0' in written
    assert '"concurrent_calls": 50,' in written
    assert '"max_cost_usd": 2.0,' in written
    assert '"target": 5000,' in written


def test_nothing_written_that_has_a_default(tmp_path: Path) -> None:
    (flow,) = flows(tmp_path, SHORTEST).flows
    assert (flow.name, flow.description, flow.timezone, flow.variables) == ("desk", "", "UTC", {})
    assert flow.limits == Limits(1200.0)
    assert flow.personas["ava"] == Persona(
        name="ava",
        instructions="You answer the phone.",
        greeting=None,
        languages=Languages("en-US", ("en-US",)),
        voice=Voice("Aoede"),
        model=Model("gemini-3.8-live", None),
        vad=Vad("low", "low", 20, 500),
        barge_in=BargeIn(enabled=True),
        idle=None,
    )


def test_sections_begun_get_the_rest(tmp_path: Path) -> None:
    text = SHORTEST + '    greeting: { text: Hi }\n    idle: { say: "There?" }\n    vad: { silence: 800ms }\n'
    ava = flows(tmp_path, text).flows[0].personas["ava"]
    assert ava.greeting == Greeting("Hi", interruptible=True)
    assert ava.idle == Idle(12_000, "There?", 2, "hangup")
    assert ava.vad == Vad("low", "low", 20, 800)


def test_defaults_are_handed_down(tmp_path: Path) -> None:
    text = SHORTEST + "    model: { temperature: 1 }\ndefaults: { language: de-DE, model: gemini-other-live }\n"
    ava = flows(tmp_path, text).flows[0].personas["ava"]
    assert ava.languages == Languages("de-DE", ("de-DE",))
    assert ava.model == Model("gemini-other-live", 1)


def test_what_is_left_of_a_flow_with_faults_is_built(tmp_path: Path) -> None:
    """Other rooms judge it as well: a variable and a persona at fault are left out, and so is who is closed."""
    heard: list[Flow] = []
    text = SHORTEST.replace("persona: ava", 'persona: ava, fallback: { say: "This is {{a}}." }') + (
        "variables: { a: 5 }\nhours:\n  office: { weekly: { mon: 9-17 }, closed: { persona: nobody } }\n"
    )

    def hear(flow: Flow) -> list[Finding]:
        heard.append(flow)
        return []

    with pytest.raises(FlowError):
        flows(tmp_path, text, judges=[hear])
    assert heard[0].numbers[0].fallback == Announcement("This is .")
    assert heard[0].hours["office"].closed == Closed()


def test_a_tool_that_is_not_built_yet_leaves_a_flow_to_judge(tmp_path: Path) -> None:
    heard: list[Flow] = []
    text = SHORTEST + "    tools: [book]\ntools: { book: { type: http, url: x }, Bad: { type: hangup } }\n"

    def hear(flow: Flow) -> list[Finding]:
        heard.append(flow)
        return []

    with pytest.raises(FlowError) as raised:
        flows(tmp_path, text, judges=[hear])
    assert [problem.path for problem in raised.value.problems] == ["tools.book.type", "tools.Bad"]
    assert set(heard[0].tools) == {"book"}


@pytest.mark.parametrize("data", [None, [], "x", {"personas": 5}, {"personas": {"a": 1}}, {"defaults": 1}])
def test_completes_what_is_wrong_without_a_fault(data: Data) -> None:
    complete(data, "f.yaml")


def test_a_duration_that_nobody_checked_is_a_bug() -> None:
    full = complete({"version": 1, "personas": {}, "limits": {"max_duration": "soon"}}, "f.yaml")
    with pytest.raises(ValueError, match="a duration passed"):
        build(full, "f.yaml")


def test_the_samples_load_with_an_empty_environment() -> None:
    loaded = load(Path(__file__).parents[2] / "flows", {})
    assert [flow.name for flow in loaded.flows] == ["dental-clinic", "restaurant"]
    assert loaded.warnings == ()
    found = loaded.line("+14155550100")
    assert found is not None
    flow, number = found
    ava = flow.personas[number.persona]
    assert ava.greeting == Greeting("Good day, this is Ava at {{clinic}}. How can I help you?", interruptible=True)
    assert flow.variables["clinic"] == "Harbour Dental"
    assert ava.barge_in.enabled
    assert ava.idle is not None
    assert loaded.line("+14155550111") is not None

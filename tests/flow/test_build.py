from __future__ import annotations

from pathlib import Path

import pytest

from gateway.flow.build import build, complete
from gateway.flow.load import load
from gateway.flow.model import (
    BargeIn,
    Flow,
    Greeting,
    Idle,
    Languages,
    Limits,
    Model,
    Number,
    Persona,
    Vad,
    Voice,
)
from gateway.flow.source import Data
from tests.flow.samples import SHORTEST, flows

FULL = """
version: 1
name: harbour-dental
description: Front desk
defaults: { timezone: Europe/Paris, language: fr-FR, model: gemini-other-live }
variables: { clinic: Harbour Dental }
numbers:
  - { label: desk, number: "${DESK}", persona: ava }
personas:
  ava:
    instructions: You answer for {{clinic}}.
    greeting: { text: "Good day.", interruptible: false }
    languages: { primary: en-US, allowed: [es-US, en-US] }
    voice: { name: Kore }
    model: { name: gemini-3.8-live, temperature: 0.8 }
    vad: { start_sensitivity: high, end_sensitivity: high, prefix_padding: 40ms, silence: 1s }
    barge_in: { enabled: false }
    idle: { after: 10s, say: "Hello?", times: 3, then: hangup }
limits: { max_duration: 90s }
"""


def test_everything_written(tmp_path: Path) -> None:
    ava = Persona(
        name="ava",
        instructions="You answer for {{clinic}}.",
        greeting=Greeting("Good day.", interruptible=False),
        languages=Languages("en-US", ("en-US", "es-US")),
        voice=Voice("Kore"),
        model=Model("gemini-3.8-live", 0.8),
        vad=Vad("high", "high", 40, 1000),
        barge_in=BargeIn(enabled=False),
        idle=Idle(10_000, "Hello?", 3, "hangup"),
    )
    assert flows(tmp_path, FULL, {"DESK": "+14155550100"}).flows == (
        Flow(
            name="harbour-dental",
            file=str(tmp_path / "desk.yaml"),
            description="Front desk",
            timezone="Europe/Paris",
            variables={"clinic": "Harbour Dental"},
            numbers=(Number("desk", "+14155550100", "ava"),),
            personas={"ava": ava},
            limits=Limits(90.0),
            language="fr-FR",
            model="gemini-other-live",
        ),
    )


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

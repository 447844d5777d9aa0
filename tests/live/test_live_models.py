"""What is said at load about a flow's models, voices and temperatures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.flow.model import Finding, Languages, Model, Number, Voice
from gateway.live.models import DEFAULT_MODEL, Backend, judge, judge_backend, refusal
from tests.live.samples import BUDGETED, LEVELLED, LOUD, PLAIN, RICH, SIGNALLED, THINKER, VERTEX, WARM, flow

NAME = ("personas", "ava", "model", "name")
USE = "use gemini-3.8-live"


def test_good_personas_have_no_findings() -> None:
    everyone = (PLAIN, WARM, THINKER, VERTEX, RICH, BUDGETED, LEVELLED, LOUD, SIGNALLED)
    assert judge(flow(*everyone)) == ()


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("gemini-2.0-flash-live-001", Finding(NAME, "gemini-2.0-flash-live-001 was shut down on 2025-12-09", USE)),
        (
            "gemini-live-2.5-flash-preview",
            Finding(NAME, "gemini-live-2.5-flash-preview was shut down on 2025-12-09", USE),
        ),
        (
            "gemini-2.5-flash-preview-native-audio-dialog",
            Finding(NAME, "gemini-2.5-flash-preview-native-audio-dialog was shut down", USE),
        ),
        ("gemini-2.5-flash", Finding(NAME, "not a Live model: it can't hold a call", USE)),
        ("gemini-4-pro", Finding(NAME, "not a Live model: it can't hold a call", USE)),
        (
            "gemini-3.8-lvie",
            Finding(NAME, "not a Live model known here", "did you mean gemini-3.8-live?"),
        ),
        (
            "Gemini-3.8-live",
            Finding(NAME, "not a Live model known here", "did you mean gemini-3.8-live?"),
        ),
        (
            "models/gemini-3.8-live",
            Finding(NAME, "not a Live model known here", "did you mean gemini-3.8-live?"),
        ),
        ("gpt-realtime", Finding(NAME, "not a Live model known here", USE)),
        ("", Finding(NAME, "not a Live model known here", USE)),
        (
            "gemini-3.5-live-translate-preview",
            Finding(NAME, "gemini-3.5-live-translate-preview only translates speech", USE),
        ),
        ("gemini-3.5-transcribe-live", Finding(NAME, "gemini-3.5-transcribe-live only transcribes speech", USE)),
        (
            "gemini-3.1-flash-live-preview",
            Finding(NAME, "gemini-3.1-flash-live-preview is a legacy preview", USE, "warning"),
        ),
        (
            "gemini-2.5-flash-native-audio-latest",
            Finding(NAME, "gemini-2.5-flash-native-audio-latest is a deprecated preview", USE, "warning"),
        ),
    ],
)
def test_models(name: str, finding: Finding) -> None:
    assert judge(flow(replace(PLAIN, model=Model(name)))) == (finding,)


@pytest.mark.parametrize(
    ("voice", "hint"),
    [
        ("aoede", "did you mean Aoede?"),
        ("Sharon", "did you mean Charon?"),
        ("Zzz", "known voices: Zephyr, Puck, "),
        ("", "known voices: Zephyr, Puck, "),
    ],
)
def test_voices(voice: str, hint: str) -> None:
    (finding,) = judge(flow(replace(PLAIN, voice=Voice(voice))))
    path = ("personas", "ava", "voice", "name")
    assert finding == Finding(path, "not a voice known here", finding.hint, "warning")
    assert finding.hint.startswith(hint)


@pytest.mark.parametrize(
    ("temperature", "bad"), [(0, False), (2, False), (2.1, True), (-0.5, True), (float("nan"), True)]
)
def test_temperature(temperature: float, bad: bool) -> None:
    path = ("personas", "ava", "model", "temperature")
    found = judge(flow(replace(PLAIN, model=Model(DEFAULT_MODEL, temperature))))
    assert found == ((Finding(path, "out of range", "0 to 2"),) if bad else ())


def test_all_findings_come_at_once_in_order() -> None:
    bad = replace(PLAIN, model=Model("gemini-2.5-flash", 3), voice=Voice("x"))
    paths = [finding.path for finding in judge(flow(bad, replace(bad, name="night")))]
    kinds = [("model", "name"), ("model", "temperature"), ("voice", "name")]
    assert paths == [("personas", name, *kind) for name in ("ava", "night") for kind in kinds]


@pytest.mark.parametrize(
    ("name", "backend", "words"),
    [
        ("gemini-3.8-live", "vertex", ""),
        (
            "gemini-live-2.5-flash-native-audio",
            "developer",
            "gemini-live-2.5-flash-native-audio is served by vertex, not by developer",
        ),
        (
            "gemini-3.1-flash-live-preview",
            "vertex",
            "gemini-3.1-flash-live-preview is served by developer, not by vertex",
        ),
        ("gemini-2.0-flash-live-001", "vertex", ""),
        ("unknown", "vertex", ""),
    ],
)
def test_a_model_belongs_to_its_backends(name: str, backend: Backend, words: str) -> None:
    assert refusal(name, backend) == words


def test_languages_that_live_models_are_not_known_to_speak() -> None:
    spoken = replace(PLAIN, languages=Languages("tlh", ("tlh", "en-US", "xx-YY", "DE")))
    words = "not a language that Live models are known to speak"
    path = ("personas", "ava", "languages")
    assert judge(flow(spoken)) == (
        Finding((*path, "primary"), words, "check the code", "warning", piece="tlh"),
        Finding((*path, "allowed"), words, "check the code", "warning", piece="xx-YY"),
    )


def test_a_lines_language_is_judged_at_the_line() -> None:
    lines = (Number("desk", "", "ava"), Number("night", "", "ava", language="tlh"))
    words = "not a language that Live models are known to speak"
    assert judge(replace(flow(PLAIN), numbers=lines)) == (
        Finding(("numbers", 1, "language"), words, "check the code", "warning", piece="tlh"),
    )


def spoken(primary: str, *allowed: str, model: str = DEFAULT_MODEL) -> list[tuple[tuple[str | int, ...], str]]:
    """What is said on Vertex AI of a persona with these languages, and of a line in the first of them."""
    persona = replace(PLAIN, model=Model(model), languages=Languages(primary, (primary, *allowed)))
    lines = (Number("desk", "", "ava", language=primary), Number("lost", "", "nobody", language="en-US"))
    found = judge_backend(replace(flow(persona), numbers=lines, language="en-US", model=DEFAULT_MODEL), "vertex")
    assert {(finding.message, finding.severity) for finding in found} <= {
        ("not a language that vertex lists for this model", "warning")
    }
    return [(finding.path, finding.hint) for finding in found]


def test_languages_that_vertex_does_not_list() -> None:
    line, primary = ("numbers", 0, "language"), ("personas", "ava", "languages", "primary")
    assert spoken("en-US", "de", "DE-de", "en-IN") == []
    british = "it lists en-IN and en-US"
    assert spoken("en-GB") == [(line, british), (primary, british)]
    assert spoken("en-US", "ca-ES") == [
        (("personas", "ava", "languages", "allowed"), "it lists 24 others, such as en-US")
    ]
    assert spoken("tlh") == []  # told by `judge`
    assert spoken("en-GB", model="gemini-4-live") == []


@pytest.mark.parametrize("backend", ["developer", None])
def test_where_no_languages_are_listed_none_is_missing(backend: Backend | None) -> None:
    assert judge_backend(flow(replace(PLAIN, languages=Languages("ca-ES", ("ca-ES",)))), backend) == ()


def test_a_backend_and_its_models() -> None:
    served = judge_backend(replace(flow(VERTEX, PLAIN), model="gemini-3.8-live-extended-thinking"), "vertex")
    assert [(finding.path, finding.severity, finding.hint) for finding in served] == [
        (("defaults", "model"), "error", USE)
    ]
    (finding,) = judge_backend(flow(VERTEX), "developer")
    assert (finding.path, finding.hint) == (("personas", "vertex", "model", "name"), USE)
    assert judge_backend(flow(VERTEX), None) == ()


def test_defaults_are_judged_by_themselves() -> None:
    found = judge(replace(flow(PLAIN), language="tlh", model="gpt-4"))
    assert [(finding.path, finding.severity) for finding in found] == [
        (("defaults", "model"), "error"),
        (("defaults", "language"), "warning"),
    ]

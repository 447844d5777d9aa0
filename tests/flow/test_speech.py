"""Names in texts where more than one thing is wrong, or where the environment wrote them; the rest is in broken/."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gateway.flow.load import FlowError, load
from tests.flow.samples import SHORTEST, said


def told(folder: Path, text: str, **env: str) -> list[str]:
    """What is said of a greeting, without its path."""
    (folder / "desk.yaml").write_text(SHORTEST + f"    greeting: {{ text: {text} }}\n", encoding="utf-8")
    return [line.removeprefix("desk.yaml:7:").replace(" personas.ava.greeting.text:", "") for line in said(folder, env)]


KNOWN = "known: call.from, call.to, call.line, call.date, call.time"
UNCLEAR = f"23: the environment's text names something unknown ({KNOWN})"
OPEN = "'{{' is never closed (write {{name}})"
MISSING = "the environment variable UNSET is not set (set it, or write ${UNSET:-default})"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('"${UNSET} {{nope}}"', [f"24: {MISSING}", f"33: there is no name 'nope' (add it to variables; {KNOWN})"]),
        ('"{{ and {{cal.to}}"', [f"24: {OPEN}", "31: there is no name 'cal.to' (did you mean 'call.to'?)"]),
        ('"{{call.to}} {{ {{call.to}} {{"', [f"36: {OPEN}", f"51: {OPEN}"]),
        (
            '"{{x1}} {{ x1 }} {{}}"',
            [
                f"24: there is no name 'x1' (add it to variables; {KNOWN})",
                "40: a name is missing between {{ and }} (write {{name}})",
            ],
        ),
        ("\"{ 'a': { 'b': {{call.to}} }} {a}\"", []),
        ('"a\\"\\\n      b {{nope}}"', [f"desk.yaml:8:9: there is no name 'nope' (add it to variables; {KNOWN})"]),
    ],
)
def test_each_piece_is_told_at_its_place(tmp_path: Path, text: str, lines: list[str]) -> None:
    assert told(tmp_path, text) == lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('"${A}"', [UNCLEAR]),
        ('"{{${NAME}}}"', [UNCLEAR]),
        ('"${A} {{nope}}"', [UNCLEAR, f"29: there is no name 'nope' (add it to variables; {KNOWN})"]),
        ('"${KNOWN} {{call.from}}"', []),
        ('"{{${BUILT_IN}}}"', []),
    ],
)
def test_a_name_from_the_environment_is_not_told(tmp_path: Path, text: str, lines: list[str]) -> None:
    env = {"A": "x {{hush}}", "NAME": "hush", "KNOWN": "{{call.to}}", "BUILT_IN": "call.to"}
    assert told(tmp_path, text, **env) == lines


FIXED = "Twilio speaks these words as they were compiled: name variables only"


@pytest.mark.parametrize(
    ("say", "lines"),
    [
        ('"{{clinic}}"', []),
        ('"{{ call.to }} {{call.to}}"', [f"'call.to' is not filled in here ({FIXED})"]),
        ('"{{cal.to}}"', ["there is no name 'cal.to' (add it to variables; known: clinic)"]),
        ('"{{clinik}}"', ["there is no name 'clinik' (did you mean 'clinic'?)"]),
        ('"${A}"', ["the environment's text names something unknown (known: clinic)"]),
        ('"{clinic} {call.to}"', ["warning: these braces fill nothing in: they are spoken (write {{clinic}})"]),
    ],
)
def test_an_announcement_knows_variables_alone(tmp_path: Path, say: str, lines: list[str]) -> None:
    text = f"{SHORTEST}variables: {{ clinic: x }}\ndefaults: {{ fallback: {{ say: {say} }} }}\n"
    (tmp_path / "desk.yaml").write_text(text.replace("You answer", "You answer for {{clinic}}"))
    found = [
        line.split(": ", 1)[1].replace("defaults.fallback.say: ", "") for line in said(tmp_path, {"A": "{{hush}}"})
    ]
    assert found == lines


def test_a_call_s_name_from_the_environment_in_an_announcement(tmp_path: Path) -> None:
    (tmp_path / "desk.yaml").write_text(SHORTEST + 'defaults: { fallback: { say: "${A}" } }\n')
    (line,) = said(tmp_path, {"A": "{{call.to}}"})
    assert line.endswith(f"defaults.fallback.say: the environment's text names something unknown ({FIXED})")


def test_a_description_may_hold_braces(tmp_path: Path) -> None:
    (tmp_path / "desk.yaml").write_text(SHORTEST + 'description: "for {{clinic}}"\n')
    assert said(tmp_path) == []


def test_three_thousand_unknown_names_take_seconds(tmp_path: Path) -> None:
    variables = "".join(f"  name{n}: x\n" for n in range(3000))
    unknown = " ".join(f"{{{{nmae{n}}}}}" for n in range(3000))
    (tmp_path / "desk.yaml").write_text(f"{SHORTEST.replace('You', f'You {unknown}')}variables:\n{variables}")
    began = time.monotonic()
    with pytest.raises(FlowError) as caught:
        load(tmp_path, {})
    assert time.monotonic() - began < 20  # it was minutes
    assert len(caught.value.problems) == 201
    assert caught.value.problems[0].hint.startswith("did you mean 'name")
    assert str(caught.value.problems[-1]).endswith(": and 5800 more (mend these first)")

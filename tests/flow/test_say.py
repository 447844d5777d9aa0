"""In which locale Twilio reads: the table that Twilio Functions share, Twilio's own list, and what a flow is told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gateway.catalog import load
from gateway.flow.say import LOCALES, USUAL, locale

ROOT = Path(__file__).parent.parent.parent
CONTRACT = json.loads((ROOT / "tests/contract/say.json").read_text("utf-8"))
TYPES = ROOT / "twilio-functions/node_modules/twilio/lib/twiml/VoiceResponse.d.ts"
FLOW = """
version: 1
name: clinic
numbers:
  - {{ label: desk, number: "+14155550100", persona: ava{line} }}
hours:
  never: {{ closed: {{ say: Itxita gaude. }}, weekly: {{ mon: "09:00-17:00" }} }}
personas:
  ava: {{ instructions: You answer., languages: {{ primary: {primary}, allowed: [{primary}, it-IT] }} }}
"""
UNSPOKEN = "Twilio has no voice for this language"


def test_every_locale_of_twilio_is_itself() -> None:
    assert sorted(LOCALES) == CONTRACT["locales"]
    assert {code: locale(code) for code in CONTRACT["locales"]} == {code: code for code in CONTRACT["locales"]}


@pytest.mark.parametrize("code", CONTRACT["others"])
def test_another_code_gets_the_nearest_of_its_language(code: str) -> None:
    assert locale(code) == CONTRACT["others"][code]


def test_every_language_of_several_locales_has_its_usual_one() -> None:
    bases = [code.split("-")[0] for code in LOCALES]
    assert {base for base in bases if bases.count(base) > 1} <= set(USUAL)


@pytest.mark.skipif(not TYPES.exists(), reason="npm has installed nothing: run `npm ci` in twilio-functions")
def test_the_list_is_that_of_twilios_library() -> None:
    declared = re.search(r"type SayLanguage =([^;]*);", TYPES.read_text("utf-8"))
    assert declared is not None
    assert set(re.findall(r'"([^"]+)"', declared[1])) == LOCALES


@pytest.mark.parametrize(
    ("line", "primary", "place"),
    [
        (", fallback: { say: Sentitzen dut. }", "eu-ES", "personas.ava.languages.primary"),
        (", fallback: { say: Sentitzen dut. }, language: eu-ES", "eu-ES", "numbers[0].language"),
        (", hours: never", "eu-ES", "personas.ava.languages.primary"),
    ],
)
def test_words_that_twilio_has_no_voice_for_are_told_at_load(
    tmp_path: Path, line: str, primary: str, place: str
) -> None:
    assert warnings(tmp_path, line, primary) == [place]


@pytest.mark.parametrize(
    ("line", "primary"),
    [
        ("", "eu-ES"),  # Twilio reads nothing of this line's
        (", fallback: { say: Sorry. }, language: it-IT", "eu-ES"),
        (", fallback: { say: Sorry. }", "en"),
    ],
)
def test_else_nothing_is_told(tmp_path: Path, line: str, primary: str) -> None:
    assert warnings(tmp_path, line, primary) == []


def warnings(folder: Path, line: str, primary: str) -> list[str]:
    (folder / "clinic.yaml").write_text(FLOW.format(line=line, primary=primary), encoding="utf-8")
    return [problem.path for problem in load(folder, {}).warnings if problem.message.startswith(UNSPOKEN)]

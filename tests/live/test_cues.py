"""The words for the model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.flow.model import Languages
from gateway.live.cues import go_on, instructions, parse_say, say
from tests.live.samples import PLAIN


def test_say() -> None:
    assert say("Good day, Ava here.") == 'Say exactly this, and nothing else: "Good day, Ava here."'
    assert say('A "b"\nc') == r'Say exactly this, and nothing else: "A \"b\"\nc"'


@given(st.text(st.characters(codec="utf-8")))
def test_what_is_said_is_read_back(text: str) -> None:
    assert parse_say(say(text)) == text


@given(st.text(st.characters(codec="utf-8")))
def test_other_words_are_no_cue(text: str) -> None:
    assert parse_say(text) is None


@pytest.mark.parametrize("rest", ["", "Hello", "5", "[]", '"a" and then more', '"a'])
def test_a_broken_quotation_is_no_cue(rest: str) -> None:
    assert parse_say(f"Say exactly this, and nothing else: {rest}") is None


@pytest.mark.parametrize(
    ("languages", "line"),
    [
        (
            Languages("en-US", ("en-US",)),
            "Speak only English (en-US), whatever language the caller speaks.",
        ),
        (
            Languages("de-DE", ("de-DE", "en-GB")),
            "Begin in German (de-DE). When the caller speaks English (en-GB), answer in that language. "
            "Speak no other language.",
        ),
        (
            Languages("tlh", ("tlh", "es-US", "fr-FR", "nl-NL")),
            "Begin in tlh. When the caller speaks Spanish (es-US), French (fr-FR) or Dutch (nl-NL), "
            "answer in that language. Speak no other language.",
        ),
    ],
)
def test_instructions_name_the_languages(languages: Languages, line: str) -> None:
    first, second, last = instructions(replace(PLAIN, languages=languages), "  You are Ava.\n").split("\n\n")
    assert (first, second) == ("You are Ava.", line)
    assert "Never read data aloud" in last


def test_go_on_tells_what_came_before_where_it_is_not_known() -> None:
    assert go_on("It is") == go_on("It is", "")
    assert go_on("It is", "caller: What time?") == go_on("It is") + " Before that was said:\ncaller: What time?"

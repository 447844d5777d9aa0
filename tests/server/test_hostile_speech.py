"""Hostile mode, sound and words: what is heard, what is written down, and what is billed."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

import pytest

from tests.server.hostile_world import LEAD_MS, Played

Rows = Mapping[str, Played]

HALT_S = 0.25
EXACT_S = 0.02


def test_sound_that_was_cut_does_not_reach_the_phone(row_of: Rows) -> None:
    """Three turns of 540 ms, and of the twelve seconds no more than may be ahead."""
    assert row_of["burst-cut@1#5"].bad.sound_s < 3.0


def test_no_more_than_the_lead_waits_at_the_phone(row_of: Rows) -> None:
    """However fast it comes (16). Where the loop that both share halts, as in a flood, the phone plays late."""
    ahead = {name: row.bad.ahead_s - LEAD_MS / 1000 for name, row in row_of.items()}
    assert {name: seconds for name, seconds in ahead.items() if seconds > HALT_S} == {}
    assert median(ahead.values()) < EXACT_S


def test_of_a_burst_nothing_is_lost(row_of: Rows) -> None:
    assert row_of["bursts"].bad.sound_s == pytest.approx(row_of["no-pong"].bad.sound_s, abs=0.3)


@pytest.mark.parametrize("name", ["foreign", "phantom-words"])
def test_transcripts_are_a_log_and_drive_nothing(name: str, row_of: Rows) -> None:
    row = row_of[name]
    assert [event for event in row.events if event["event"] == "heard" and event["by"] == "text"] == []
    assert row.noted("model-stuck") == []
    wrong = {"foreign": "चलो ठीक है", "phantom-words": "Thanks for watching!"}[name]
    assert wrong in [turn["private"]["text"] for turn in row.noted("turn")]


def test_thoughts_and_json_are_no_speech(row_of: Rows) -> None:
    said = [note["private"]["text"] for note in row_of["thoughts"].noted("turn")]
    assert said
    assert not any("lookup" in text or "seems sad" in text for text in said)


@pytest.mark.parametrize("name", ["odd-usage", "no-usage"])
def test_a_bill_takes_no_nonsense(name: str, row_of: Rows) -> None:
    (ended,), (usual,) = row_of[name].noted("call-ended"), row_of["no-pong"].noted("call-ended")
    counts = ("prompt_tokens", "response_tokens")
    assert [ended[count] for count in counts] == ([0, 0] if name == "no-usage" else [usual[count] for count in counts])
    assert all(tokens > 0 for tokens in ended["tokens"].values())
    assert ended["cost_usd"] >= (0 if name == "no-usage" else usual["cost_usd"])

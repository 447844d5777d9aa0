"""The table of Live models."""

from __future__ import annotations

import pytest

from gateway.live.abilities import DEFAULT_MODEL, MODELS, VERTEX_LANGUAGES, VOICES, Abilities, taker
from gateway.live.cues import LANGUAGES


def test_the_tables_are_whole() -> None:
    assert len(set(VOICES)) == 30
    assert MODELS[DEFAULT_MODEL].backends == ("developer", "vertex")
    assert len(set(VERTEX_LANGUAGES)) == 24
    assert {code.split("-")[0] for code in VERTEX_LANGUAGES} <= LANGUAGES.keys()
    for model in MODELS.values():
        assert bool(model.note) == (model.state != "current")
        assert bool(model.on) == (model.state != "retired")
        assert model.shutdown in model.note
        assert MODELS[model.use].state == "current"
        assert all(bool(can.level) == (can.thinking == "required") for can in model.on.values())
        assert all(bool(can.languages) == (backend == "vertex") for backend, can in model.on.items() if not model.note)


def test_a_model_that_takes_something_is_a_current_one() -> None:
    assert taker(lambda can: can.thinking == "required") == "gemini-3.8-live-extended-thinking"
    assert taker(lambda can: can.tools == "non-blocking") == DEFAULT_MODEL
    with pytest.raises(LookupError):
        taker(lambda can: can.thinking == "level")  # a legacy preview alone


def test_the_table_by_model_and_backend() -> None:
    """What the facts say, once more: thinking, proactive audio, affective dialog, function calls, history."""
    assert {
        (model.name, backend): (can.thinking, can.proactive, can.affective, can.tools, can.content)
        for model in MODELS.values()
        for backend, can in model.on.items()
        if model.state != "special"
    } == {
        ("gemini-3.8-live", "developer"): ("none", "always", "removed", "non-blocking", "always"),
        ("gemini-3.8-live", "vertex"): ("none", "always", "removed", "non-blocking", "always"),
        ("gemini-3.8-live-extended-thinking", "developer"): (
            "required",
            "always",
            "removed",
            "only non-blocking",
            "always",
        ),
        ("gemini-live-2.5-flash-native-audio", "vertex"): ("budget", "optional", "optional", "blocking", "first"),
        ("gemini-3.1-flash-live-preview", "developer"): ("level", "never", "unsupported", "only blocking", "first"),
        **{
            (name, "developer"): ("budget", "never", "unsupported", "blocking", "first")
            for name in ("gemini-2.5-flash-native-audio-preview-12-2025", "gemini-2.5-flash-native-audio-latest")
        },
    }
    assert Abilities().voices == VOICES

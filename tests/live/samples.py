"""Personas and flows as the tests of this room need them."""

from __future__ import annotations

from dataclasses import replace

from gateway.flow.model import BargeIn, Flow, Languages, Limits, Model, Persona, Vad, Voice

PLAIN = Persona(
    name="ava",
    instructions="Answer for {{clinic}}.",
    greeting=None,
    languages=Languages("en-US", ("en-US",)),
    voice=Voice("Aoede"),
    model=Model("gemini-3.8-live"),
    vad=Vad("low", "low", 20, 500),
    barge_in=BargeIn(True),
    idle=None,
)
WARM = replace(
    PLAIN,
    name="warm",
    languages=Languages("de-DE", ("de-DE", "en-GB", "tr-TR")),
    voice=Voice("Charon"),
    model=Model("gemini-3.8-live", 0.8),
    vad=Vad("high", "low", 0, 1200),
    barge_in=BargeIn(False),
)
THINKER = replace(PLAIN, name="thinker", model=Model("gemini-3.8-live-extended-thinking", 0.0))
VERTEX = replace(PLAIN, name="vertex", model=Model("gemini-live-2.5-flash-native-audio", 2.0))


def flow(*personas: Persona) -> Flow:
    named = {persona.name: persona for persona in personas}
    return Flow("f", "flows/f.yaml", "", "UTC", {}, (), named, Limits(600))

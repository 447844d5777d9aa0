"""Keys that a flow does not take, and what to say of them: other systems' names, planned sections, misspellings."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.flow.near import did_you_mean, near

# Names in other systems -> the places of ours.
_PERSONA = "personas.<name>"
FOREIGN = {
    "prompt": f"{_PERSONA}.instructions",
    "system_prompt": f"{_PERSONA}.instructions",
    "systemPrompt": f"{_PERSONA}.instructions",
    "system_instruction": f"{_PERSONA}.instructions",
    "personality": f"{_PERSONA}.instructions",
    "first_message": f"{_PERSONA}.greeting.text",
    "firstMessage": f"{_PERSONA}.greeting.text",
    "initial_message": f"{_PERSONA}.greeting.text",
    "welcome_greeting": f"{_PERSONA}.greeting.text",
    "welcomeGreeting": f"{_PERSONA}.greeting.text",
    "welcome_message": f"{_PERSONA}.greeting.text",
    "begin_message": f"{_PERSONA}.greeting.text",
    "static_greeting": f"{_PERSONA}.greeting.text",
    "voice_id": f"{_PERSONA}.voice.name",
    "voiceId": f"{_PERSONA}.voice.name",
    "llm": f"{_PERSONA}.model.name",
    "silence_duration_ms": f"{_PERSONA}.vad.silence",
    "endpointing": f"{_PERSONA}.vad.silence",
    "prefix_padding_ms": f"{_PERSONA}.vad.prefix_padding",
    "start_of_speech_sensitivity": f"{_PERSONA}.vad.start_sensitivity",
    "end_of_speech_sensitivity": f"{_PERSONA}.vad.end_sensitivity",
    "allow_interruptions": f"{_PERSONA}.barge_in.enabled",
    "no_input": f"{_PERSONA}.idle",
    "max_duration_seconds": "limits.max_duration",
    "maxDurationSeconds": "limits.max_duration",
    "phone_number": "numbers[].number",
}
# The same, where a name means something only in one section.
FOREIGN_IN = {
    (f"{_PERSONA}.idle", "timeout"): f"{_PERSONA}.idle.after",
    (_PERSONA, "language"): f"{_PERSONA}.languages.primary",
}
# Settings of other systems that have nothing like them here.
ABSENT = ("top_p", "top_k", "max_tokens")

# Sections of the format that are not built yet, by the section that will hold them.
PLANNED = {
    "": ("tools", "hours", "webhooks", "extract", "recording", "transcript", "privacy", "tests"),
    "numbers[]": ("search", "hours", "fallback"),
    "personas.<name>": ("tools", "handoff", "dtmf"),
    "limits": ("warn_at", "concurrent_calls", "per_caller", "allow", "deny", "countries"),
}


def hint(key: str, section: str, known: Iterable[str], homes: dict[str, tuple[str, ...]]) -> str:
    """What to do about an unknown key. `homes` tells for each known key in which sections it stands."""
    names = tuple(known)
    if ours := FOREIGN_IN.get((section, key)) or FOREIGN.get(key, ""):
        return f"here it is called '{_seen_from(section, ours)}'"
    if key in ABSENT:
        return "there is no such setting here: remove it"
    if key in PLANNED.get(section, ()):
        return "not built yet: planned"
    if not near(key, names) and (places := homes.get(key)):
        return "it belongs " + " or ".join(f"under {place}" if place else "at the top" for place in places)
    return did_you_mean(key, names)


def _seen_from(section: str, place: str) -> str:
    """A place as someone would write it in a section: without the way that leads there already."""
    return place.removeprefix(f"{section}.") if section else place

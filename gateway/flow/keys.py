"""Keys that a flow does not take, and what to say of them: other systems' names, planned sections, misspellings."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.flow.near import did_you_mean, near

# Names in other systems -> ours.
FOREIGN = {
    "prompt": "instructions",
    "system_prompt": "instructions",
    "systemPrompt": "instructions",
    "system_instruction": "instructions",
    "personality": "instructions",
    "first_message": "greeting",
    "firstMessage": "greeting",
    "welcome_greeting": "greeting",
    "welcomeGreeting": "greeting",
    "welcome_message": "greeting",
    "begin_message": "greeting",
    "static_greeting": "greeting",
    "voice_id": "voice.name",
    "voiceId": "voice.name",
    "silence_duration_ms": "vad.silence",
    "endpointing": "vad.silence",
    "prefix_padding_ms": "vad.prefix_padding",
    "start_of_speech_sensitivity": "vad.start_sensitivity",
    "end_of_speech_sensitivity": "vad.end_sensitivity",
    "allow_interruptions": "barge_in.enabled",
    "no_input": "idle",
    "max_duration_seconds": "limits.max_duration",
    "maxDurationSeconds": "limits.max_duration",
    "phone_number": "number",
}

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
    if key in FOREIGN:
        return f"here it is called '{FOREIGN[key]}'"
    if key in PLANNED.get(section, ()):
        return "not built yet: planned"
    if not near(key, names) and (places := homes.get(key)):
        return "it belongs " + " or ".join(f"under {place}" if place else "at the top" for place in places)
    return did_you_mean(key, names)

"""What each Live model accepts, and what a flow asks of it: `judge` finds at load what setup would refuse in a call.

Sources: ai.google.dev/gemini-api/docs/deprecations and the models' own pages (as of November 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from gateway.flow.model import Finding, Flow, Persona
from gateway.live.cues import LANGUAGES

Backend = Literal["developer", "vertex"]
State = Literal["current", "legacy", "retired", "special"]

DEFAULT_MODEL = "gemini-3.8-live"
MAX_TEMPERATURE = 2.0

_BOTH: tuple[Backend, ...] = ("developer", "vertex")

VOICES = (
    *("Zephyr", "Puck", "Charon", "Kore", "Fenrir", "Leda", "Orus", "Aoede", "Callirrhoe", "Autonoe"),
    *("Enceladus", "Iapetus", "Umbriel", "Algieba", "Despina", "Erinome", "Algenib", "Rasalgethi", "Laomedeia"),
    *("Achernar", "Alnilam", "Schedar", "Gacrux", "Pulcherrima", "Achird", "Zubenelgenubi", "Vindemiatrix"),
    *("Sadachbia", "Sadaltager", "Sulafat"),
)


@dataclass(frozen=True, slots=True)
class LiveModel:
    """`note` says what a legacy, retired or special model is. `thinking_level` is what setup must name, if anything."""

    name: str
    backends: tuple[Backend, ...]
    state: State = "current"
    note: str = ""
    thinking_level: str = ""


_TABLE = (
    LiveModel("gemini-3.8-live", _BOTH),
    # Setup is refused without a level; the lowest latency that still thinks.
    LiveModel("gemini-3.8-live-extended-thinking", ("developer",), thinking_level="LOW"),
    LiveModel("gemini-live-2.5-flash-native-audio", ("vertex",)),
    LiveModel("gemini-3.1-flash-live-preview", ("developer",), "legacy", "is a legacy preview"),
    LiveModel("gemini-2.5-flash-native-audio-preview-12-2025", ("developer",), "legacy", "is a deprecated preview"),
    LiveModel("gemini-2.5-flash-native-audio-latest", ("developer",), "legacy", "is a deprecated preview"),
    LiveModel("gemini-2.0-flash-live-001", (), "retired", "was shut down on 2025-12-09"),
    LiveModel("gemini-live-2.5-flash-preview", (), "retired", "was shut down on 2025-12-09"),
    LiveModel("gemini-2.5-flash-preview-native-audio-dialog", (), "retired", "was shut down"),
    LiveModel("gemini-3.5-live-translate-preview", _BOTH, "special", "only translates speech"),
    LiveModel("gemini-3.5-transcribe-live", ("developer",), "special", "only transcribes speech"),
    LiveModel("gemini-3.5-transcribe-live-preview", ("vertex",), "special", "only transcribes speech"),
)
MODELS = {model.name: model for model in _TABLE}
_USABLE = [model.name for model in _TABLE if model.state in ("current", "legacy")]


def judge(flow: Flow) -> tuple[Finding, ...]:
    """What the Live API would refuse, drop or not know in this flow: its defaults, then persona by persona.

    Messages don't repeat values: a value may come from the environment and be a secret.
    """
    return (*_judge_defaults(flow), *(finding for name, one in flow.personas.items() for finding in _judge(name, one)))


def _judge_defaults(flow: Flow) -> Iterator[Finding]:
    if flow.model:
        yield from _judge_model(flow.model, ("defaults", "model"))
    if flow.language:
        yield from _judge_language(flow.language, ("defaults", "language"))


def refusal(name: str, backend: Backend) -> str:
    """Why `backend` doesn't serve the model `name`; empty where it does, or where the model is unknown here."""
    model = MODELS.get(name)
    if model is None or backend in model.backends or not model.backends:
        return ""
    return f"{name} is served by {model.backends[0]}, not by {backend}"


def _judge(name: str, persona: Persona) -> Iterator[Finding]:
    path = ("personas", name)
    yield from _judge_model(persona.model.name, (*path, "model", "name"))
    temperature = persona.model.temperature
    if temperature is not None and not 0 <= temperature <= MAX_TEMPERATURE:
        yield Finding((*path, "model", "temperature"), "out of range", "0 to 2")
    voice = persona.voice.name
    if voice not in VOICES:
        hint = _did_you_mean(voice, VOICES) or "known voices: " + ", ".join(VOICES)
        yield Finding((*path, "voice", "name"), "not a voice known here", hint, "warning")
    yield from _judge_language(persona.languages.primary, (*path, "languages", "primary"))
    for code in persona.languages.allowed[1:]:
        yield from _judge_language(code, (*path, "languages", "allowed"))


def _judge_language(code: str, path: tuple[str, ...]) -> Iterator[Finding]:
    if code.split("-")[0].lower() not in LANGUAGES:
        yield Finding(
            path, "not a language that Live models are known to speak", "check the code", "warning", piece=code
        )


def _judge_model(name: str, path: tuple[str, ...]) -> Iterator[Finding]:
    model = MODELS.get(name)
    use = f"use {DEFAULT_MODEL}"
    if model is None:
        yield _unknown(name, path)
    elif model.state == "legacy":
        yield Finding(path, f"{name} {model.note}", use, "warning")
    elif model.state != "current":
        yield Finding(path, f"{name} {model.note}", use)


def _unknown(name: str, path: tuple[str, ...]) -> Finding:
    typo = _did_you_mean(name, _USABLE, 0.85)
    if not typo and name.startswith("gemini-") and "live" not in name and "native-audio" not in name:
        return Finding(path, "not a Live model: it can't hold a call", f"use {DEFAULT_MODEL}")
    hint = typo or _did_you_mean(name, _USABLE) or f"use {DEFAULT_MODEL}"
    return Finding(path, "not a Live model known here", hint)


def _did_you_mean(name: str, known: Sequence[str], likeness: float = 0.6) -> str:
    folded = {candidate.lower(): candidate for candidate in known}
    nearest = get_close_matches(name.lower(), list(folded), n=1, cutoff=likeness)
    return f"did you mean {folded[nearest[0]]}?" if nearest else ""

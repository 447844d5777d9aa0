"""What a flow asks of its Live models: `judge` finds at load what setup would refuse in a call, `judge_backend` what
the backend in use would. Messages don't repeat values: a value may come from the environment and be a secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from gateway.flow.model import Finding, Flow, Persona
from gateway.live import fit, passthrough, sdk
from gateway.live.abilities import DEFAULT_MODEL, MODELS, VOICES, Abilities, Backend
from gateway.live.cues import LANGUAGES
from gateway.live.near import near
from gateway.live.passthrough import Object, Path

__all__ = ["DEFAULT_MODEL", "MODELS", "VOICES", "Backend", "judge", "judge_backend", "refusal"]

MAX_TEMPERATURE = 2.0
_USABLE = [model.name for model in MODELS.values() if model.state in ("current", "legacy")]


def judge(flow: Flow) -> tuple[Finding, ...]:
    """What the Live API would refuse, drop or not know in this flow, whatever the backend."""
    return (
        *(_judge_model(flow.model, ("defaults", "model")) if flow.model else ()),
        *(finding for path, code, _ in _asked(flow) for finding in _judge_language(code, path)),
        *(finding for name, one in flow.personas.items() for finding in _judge(("personas", name), one)),
        *_judge_cost(flow),
    )


def judge_backend(flow: Flow, backend: Backend | None) -> tuple[Finding, ...]:
    """What is at fault on this backend; on None, the rehearsal, only a warning of what one backend alone takes."""
    if backend is None:
        return tuple(_judge_rehearsal(flow))
    return (
        *_judge_served(flow, backend),
        *_judge_listed(flow, backend),
        *(finding for name, one in flow.personas.items() for finding in _judge_on(("personas", name), one, backend)),
    )


def refusal(name: str, backend: Backend) -> str:
    """Why `backend` doesn't serve the model `name`; empty where it does, or where the model is unknown here."""
    model = MODELS.get(name)
    if model is None or backend in model.backends or not model.backends:
        return ""
    return f"{name} is served by {model.backends[0]}, not by {backend}"


# Whatever the backend -----------------------------------------------------------------------------------------------


def _judge(path: Path, persona: Persona) -> Iterator[Finding]:
    model = MODELS.get(persona.model.name)
    yield from _judge_model(persona.model.name, (*path, "model", "name"))
    temperature = persona.model.temperature
    if temperature is not None and not 0 <= temperature <= MAX_TEMPERATURE:
        yield Finding((*path, "model", "temperature"), "out of range", "0 to 2")
    on = tuple(model.on.values()) if model else ()
    voice, voices = persona.voice.name, on[0].voices if on else VOICES
    if voice not in voices:
        nearest = near(voice, voices)
        hint = f"did you mean {nearest}?" if nearest else "known voices: " + ", ".join(voices)
        yield Finding((*path, "voice", "name"), "not a voice known here", hint, "warning")
    yield from _below((*path, "model", "gemini"), _judge_gemini(persona.model.gemini, on))
    if model and "vertex" not in model.backends:
        yield from _below((*path, "model", "gemini"), fit.vertex_only(persona.model.gemini))


def _judge_cost(flow: Flow) -> Iterator[Finding]:
    if flow.limits.max_cost_usd is None:
        return
    from gateway.live.prices import PRICES  # it reads a file, and takes half the standard library for that

    unpriced = sorted({one.model.name for one in flow.personas.values()} & MODELS.keys() - PRICES.keys())
    if unpriced:
        words = f"can't be held to: the price of {', '.join(unpriced)} isn't known here"
        yield Finding(("limits", "max_cost"), words, "set limits.max_duration, which ends every call", "warning")


def _judge_gemini(gemini: Object, on: Sequence[Abilities]) -> Iterator[Finding]:
    """The block by itself, and against the model wherever that is served. `on` is empty for a model unknown."""
    stray = tuple(passthrough.refused(gemini))
    yield from stray
    rest = passthrough.without(gemini, {finding.path for finding in stray})
    if rest:
        yield from sdk.check(rest)
        yield from passthrough.unfit(rest)
    misfits = [tuple(fit.misfits(rest, can)) for can in on]
    yield from (finding for finding in (misfits or [()])[0] if all(finding in others for others in misfits))


def _judge_language(code: str, path: Path) -> Iterator[Finding]:
    if not _spoken(code):
        words = "not a language that Live models are known to speak"
        yield Finding(path, words, "check the code", "warning", piece=code)


def _judge_model(name: str, path: Path) -> Iterator[Finding]:
    model = MODELS.get(name)
    if model is None:
        yield _unknown(name, path)
    elif model.state == "legacy":
        yield Finding(path, f"{name} {model.note}", f"use {model.use}", "warning")
    elif model.state != "current":
        yield Finding(path, f"{name} {model.note}", f"use {model.use}")


def _unknown(name: str, path: Path) -> Finding:
    typo = near(name, _USABLE, 0.85)
    if not typo and name.startswith("gemini-") and "live" not in name and "native-audio" not in name:
        return Finding(path, "not a Live model: it can't hold a call", f"use {DEFAULT_MODEL}")
    nearest = typo or near(name, _USABLE)
    return Finding(
        path, "not a Live model known here", f"did you mean {nearest}?" if nearest else f"use {DEFAULT_MODEL}"
    )


# On one backend -----------------------------------------------------------------------------------------------------


def _judge_rehearsal(flow: Flow) -> Iterator[Finding]:
    """The stand-in plays the Developer API where a model is on both."""
    for name, persona in flow.personas.items():
        model = MODELS.get(persona.model.name)
        if model and len(model.backends) > 1:
            for finding in _below(("personas", name, "model", "gemini"), fit.vertex_only(persona.model.gemini)):
                yield replace(finding, hint="set LIVE_BACKEND to vertex, or remove it", severity="warning")


def _judge_served(flow: Flow, backend: Backend) -> Iterator[Finding]:
    named = [(("personas", name, "model", "name"), persona.model.name) for name, persona in flow.personas.items()]
    for path, name in (("defaults", "model"), flow.model), *named:
        if why := refusal(name, backend):
            yield Finding(path, why, f"use {DEFAULT_MODEL}")


def _judge_on(path: Path, persona: Persona, backend: Backend) -> Iterator[Finding]:
    model = MODELS.get(persona.model.name)
    can = model.on.get(backend) if model else None
    if can is None:
        return
    gemini = persona.model.gemini
    found = [*fit.misfits(gemini, can), *(fit.vertex_only(gemini) if backend == "developer" else ())]
    yield from _below((*path, "model", "gemini"), found)


def _judge_listed(flow: Flow, backend: Backend) -> Iterator[Finding]:
    """Languages that a backend which lists its own doesn't list. One that no model speaks is told by `judge`."""
    for path, code, name in _asked(flow):
        model = MODELS.get(name)
        can = model.on.get(backend) if model else None
        if can is None or not can.languages or not _spoken(code) or _listed(code, can.languages):
            continue
        alike = [listed for listed in can.languages if listed.startswith(f"{_base(code)}-")]
        hint = f"it lists {' and '.join(alike)}" if alike else f"it lists {len(can.languages)} others, such as en-US"
        yield Finding(path, f"not a language that {backend} lists for this model", hint, "warning", piece=code)


def _listed(code: str, languages: Sequence[str]) -> bool:
    """A code without a region is any of its regions'."""
    return any(code.lower() in (listed.lower(), _base(listed)) for listed in languages)


# Both ---------------------------------------------------------------------------------------------------------------


def _asked(flow: Flow) -> Iterator[tuple[Path, str, str]]:
    """Every language that the flow names: its place, its code, and the model that is to speak it."""
    if flow.language:
        yield ("defaults", "language"), flow.language, flow.model
    for n, line in enumerate(flow.numbers):
        if line.language:
            answering = flow.personas.get(line.persona)
            yield ("numbers", n, "language"), line.language, answering.model.name if answering else flow.model
    for name, persona in flow.personas.items():
        path: Path = ("personas", name)
        yield (*path, "languages", "primary"), persona.languages.primary, persona.model.name
        for code in persona.languages.allowed[1:]:
            yield (*path, "languages", "allowed"), code, persona.model.name
        for wire, written, value in passthrough.nodes(persona.model.gemini):
            if wire == ("speechConfig", "languageCode") and isinstance(value, str):
                yield (*path, "model", "gemini", *written), value, persona.model.name


def _spoken(code: str) -> bool:
    return _base(code) in LANGUAGES


def _base(code: str) -> str:
    return code.split("-")[0].lower()


def _below(path: Path, findings: Iterable[Finding]) -> Iterator[Finding]:
    yield from (replace(finding, path=(*path, *finding.path)) for finding in findings)

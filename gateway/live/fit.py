"""What a model on a backend refuses of a `model.gemini` block: the table's abilities against the block's fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.flow.model import Finding
from gateway.live.abilities import Abilities, taker
from gateway.live.passthrough import Object, Path, nodes

_Found = Mapping[Path, tuple[Path, object]]


def misfits(gemini: Object, can: Abilities) -> Iterator[Finding]:
    """What such a model refuses, at paths as written; the hint names a model that takes it."""
    found = {path: (written, value) for path, written, value in nodes(gemini)}
    yield from _thinking(found, can)
    yield from _proactive(found, can)
    yield from _affective(found, can)


def vertex_only(gemini: Object) -> Iterator[Finding]:
    """What the Developer API refuses whatever the model. Source: the SDK, which doesn't send it there."""
    for path, written, _ in nodes(gemini):
        if path == ("explicitVadSignal",) or (path[0] == "safetySettings" and path[-1] == "method"):
            yield Finding(written, "only Vertex AI takes this", "remove it", at="key")


def _thinking(found: _Found, can: Abilities) -> Iterator[Finding]:
    if ("thinkingConfig",) not in found:
        return
    level = found.get(("thinkingConfig", "thinkingLevel"))
    budget = found.get(("thinkingConfig", "thinkingBudget"))
    match can.thinking:
        case "none":
            thinker = _takes(taker(lambda other: other.thinking != "none"))
            yield Finding(found["thinkingConfig",][0], "this model takes no thinking settings", thinker, at="key")
        case "level" if budget:
            hint = f"write thinking_level; {_takes(taker(lambda other: other.thinking in ('budget', 'required')))}"
            yield Finding(budget[0], "this model takes a level of thinking, and no budget", hint, at="key")
        case "budget" if level:
            hint = f"write thinking_budget; {_takes(taker(lambda other: other.thinking in ('level', 'required')))}"
            yield Finding(level[0], "this model takes a budget for thinking, and no level", hint, at="key")
        case "required" if level and budget:
            yield Finding(budget[0], "this model takes a level of thinking or a budget", "remove one", at="key")
        case _:
            return


def _proactive(found: _Found, can: Abilities) -> Iterator[Finding]:
    written, value = found.get(("proactivity", "proactiveAudio"), ((), None))
    if not isinstance(value, bool):
        return
    if can.proactive == "never":
        name = taker(lambda other: other.proactive == "optional" or (value and other.proactive == "always"))
        yield Finding(written, "this model takes no setting for proactive audio", _takes(name), at="key")
    elif can.proactive == "always" and not value:
        name = taker(lambda other: other.proactive == "optional")
        yield Finding(written, "this model's proactive audio can't be turned off", _takes(name))


def _affective(found: _Found, can: Abilities) -> Iterator[Finding]:
    if ("enableAffectiveDialog",) not in found or can.affective == "optional":
        return
    removed = can.affective == "removed"
    message = "this model's affective dialog is always on" if removed else "this model has no affective dialog"
    hint = _takes(taker(lambda other: other.affective == "optional"))
    yield Finding(found["enableAffectiveDialog",][0], message, f"remove it; {hint}" if removed else hint, at="key")


def _takes(name: str) -> str:
    return f"{name} takes it"

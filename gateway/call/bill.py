"""What a call costs, as far as the model's usage messages tell: an estimate, never an invoice.

What is taken for granted, and why:
- A usage message is one turn's, and counts the whole context of that turn again, as Google bills it (measured by
  others on three models: the counts are a turn's, not the session's so far). So they add up.
- The same counts again within REPEAT_MS are the same message: a later turn has a longer context.
- A total beyond what is named is the prompt's, and sound.
- Details by modality have gaps. The rest counts as sound, the dearer kind, so that the estimate errs upwards; only what
  tools handed in counts as text. Other modalities than text and sound don't occur in a call, and count as sound too.
- Thoughts are not part of the response's count. Cached tokens are part of the prompt's.
- Some turns come without a usage message (pipecat's log, discuss 188765). When the next one begins, such a turn is
  taken for one like the last that was told of; it stands in `turns_assumed`, and its tokens nowhere. A call of which
  the service never tells anything costs nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from gateway.live.messages import Usage
from gateway.live.prices import MODALITIES, Price, Prices

REPEAT_MS = 2_000
MAX_TOKENS = 2_000_000  # in one count: far above every model's context; more is a broken peer's
MILLION = Decimal(1_000_000)
SHOWN = Decimal("0.0001")  # USD: a turn costs about a tenth of a cent


class Bill:
    """`turns` counts the usage messages that were billed, `turns_assumed` the turns of which none came."""

    __slots__ = (
        "_ahead",
        "_assumed",
        "_last",
        "_last_ms",
        "_open",
        "_price",
        "_tokens",
        "_turn_usd",
        "_usd",
        "turns",
        "turns_assumed",
    )

    def __init__(self, model: str, prices: Prices) -> None:
        self._price = prices.get(model)
        self._tokens: dict[str, int] = {}
        self._assumed = 0
        self._usd = Decimal(0)
        self._turn_usd = Decimal(0)  # of the last turn that was told of
        self._open = False  # a turn is complete, and nothing has told of it yet
        self._ahead = False  # the turn that isn't complete yet was told of
        self._last: Usage | None = None
        self._last_ms = 0
        self.turns = self.turns_assumed = 0

    def begun(self) -> None:
        """A turn of the agent's begins: of those before nothing is told any more."""
        if self._open and self.turns:
            self._usd += self._turn_usd
            self.turns_assumed += 1
        self._open = self._ahead = False

    def complete(self) -> None:
        """A turn of the agent's is over. The usage message comes with it, or shortly before or after."""
        told = self._ahead
        self.begun()
        self._open = not told

    def count(self, usage: Usage, now_ms: int) -> Mapping[str, int]:
        """Bill one usage message. What it counts, by kind and modality; nothing for one that came before."""
        repeated = usage == self._last and now_ms - self._last_ms <= REPEAT_MS
        self._last, self._last_ms = usage, now_ms
        parts = [*_parts(usage)]
        if repeated or not parts:
            return {}
        self.turns += 1
        self._open, self._ahead = False, not self._open
        counted: dict[str, int] = {}
        before = self._usd
        for kind, modality, tokens, assumed in parts:
            name = f"{kind}/{modality}"
            counted[name] = counted.get(name, 0) + tokens
            self._tokens[name] = self._tokens.get(name, 0) + tokens
            self._assumed += tokens if assumed else 0
            if self._price is not None:
                self._usd += tokens * _rate(self._price, kind, modality) / MILLION
        self._turn_usd = self._usd - before
        return dict(sorted(counted.items()))

    def kept(self) -> dict[str, object]:
        """For the stream that goes on with the call."""
        turns: dict[str, object] = {"turns": self.turns, "turns_assumed": self.turns_assumed}
        turns |= {"turn_usd": str(self._turn_usd), "open": self._open, "ahead": self._ahead}
        return {"usd": str(self._usd), "tokens": self._tokens, "assumed": self._assumed, **turns}

    def goes_on(self, kept: Mapping[str, Any]) -> None:
        """From what `kept` said in an earlier stream of the call."""
        self._usd, self._tokens = Decimal(kept["usd"]), dict(kept["tokens"])
        self.turns, self._assumed = kept["turns"], kept["assumed"]
        self._turn_usd = Decimal(kept.get("turn_usd", 0))  # the release before knew none of these
        self._ahead = kept.get("ahead", False)
        self.turns_assumed, self._open = kept.get("turns_assumed", 0), kept.get("open", False)

    @property
    def cost_usd(self) -> float | None:
        """The estimate so far; None where the model's price isn't known."""
        return None if self._price is None else float(self._usd.quantize(SHOWN))

    def exceeds(self, max_cost_usd: float | None) -> bool:
        """Whether the call has cost more than it may. What can't be priced can't be held to a limit."""
        if self._price is None or max_cost_usd is None:
            return False
        return self._usd > Decimal(str(max_cost_usd))

    def fields(self) -> dict[str, object]:
        """For the call's summary. `tokens_assumed_audio`: those among them whose modality wasn't told."""
        return {
            "cost_usd": self.cost_usd,
            "prices_of": self._price.of if self._price else None,
            "tokens": dict(sorted(self._tokens.items())),
            "tokens_assumed_audio": self._assumed,
            "turns_billed": self.turns,
            "turns_assumed": self.turns_assumed,
        }


# Kinds as the parser of usage messages names them, with the modality of what the details leave out.
_KINDS = {"prompt": "AUDIO", "tool_use": "TEXT", "response": "AUDIO"}


def _parts(usage: Usage) -> Iterator[tuple[str, str, int, bool]]:
    """(kind, modality, tokens, whether the modality is assumed), each above zero. The cached part of the prompt stands
    under `cached`, no longer under `prompt`."""
    totals = {"prompt": usage.prompt, "tool_use": usage.tool_use, "response": usage.response}
    for kind, rest in _KINDS.items():
        told = {modality: _clean(usage.by_modality.get(f"{kind}/{modality}", 0)) for modality in MODALITIES}
        cached = _cached(usage, told) if kind == "prompt" else {}
        for modality, tokens in told.items():
            yield from _part(kind, modality, tokens - cached.get(modality, 0))
            yield from _part("cached", modality, cached.get(modality, 0))
        missing = max(0, _clean(totals[kind]) - sum(told.values()))
        yield from ((*part[:3], rest == "AUDIO") for part in _part(kind, rest, missing))
    yield from _part("thoughts", "TEXT", _clean(usage.thoughts))
    named = sum(_clean(count) for count in (*totals.values(), usage.thoughts))
    yield from ((*part[:3], True) for part in _part("prompt", "AUDIO", _clean(usage.total) - named))


def _cached(usage: Usage, told: dict[str, int]) -> dict[str, int]:
    """Those told by modality, within what the prompt holds of it: what isn't told gets no discount."""
    cached = {modality: _clean(usage.by_modality.get(f"cached/{modality}", 0)) for modality in MODALITIES}
    return {modality: min(tokens, told[modality]) for modality, tokens in cached.items()}


def _part(kind: str, modality: str, tokens: int) -> Iterator[tuple[str, str, int, bool]]:
    if tokens > 0:
        yield kind, modality, tokens, False


def _rate(price: Price, kind: str, modality: str) -> Decimal:
    match kind:
        case "response":
            return price.out[modality]
        case "thoughts":
            return price.out["THOUGHTS"]
        case "cached":
            return price.cached.get(modality, price.into[modality])
        case _:
            return price.into[modality]


def _clean(count: int) -> int:
    return min(max(0, count), MAX_TOKENS)

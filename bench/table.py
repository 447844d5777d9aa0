"""Figures as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Milliseconds."""

    p50: float
    p99: float
    max: float
    count: int

    def __str__(self) -> str:
        return f"{self.p50:7.2f}{self.p99:7.2f}{self.max:8.2f}" if self.count else f"{'-':>7}{'-':>7}{'-':>8}"


def spread(seconds: Sequence[float]) -> Spread:
    """Of durations in seconds; all zero where there are none."""
    if not seconds:
        return Spread(0, 0, 0, 0)
    ranked = sorted(seconds)
    return Spread(_rank(ranked, 0.5), _rank(ranked, 0.99), ranked[-1] * 1000, len(ranked))


def _rank(ranked: Sequence[float], share: float) -> float:
    """The nearest rank, in milliseconds."""
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] * 1000


def verdict(well: bool, text: str) -> str:
    return f"{'ok  ' if well else 'MISS'} {text}"

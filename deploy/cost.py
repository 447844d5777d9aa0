"""What an hour of a call costs on Cloud Run: `python -m deploy.cost` prints the table of docs/deploy.md.

Prices are those of Tier 1 regions with instance-based billing, as several copies of Google's page had them in 2026; the
page itself is drawn by a script and was not read. Before the free tier, without the model, Twilio, traffic and Redis.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

VCPU_S, GIB_S = 0.000018, 0.000002  # dollars
HIGH_WATER = 0.6  # of an instance's streams: where Cloud Run's autoscaler adds another
MONTH_H = 730


@dataclass(frozen=True)
class Shape:
    """An instance. `calls` are what it carries, `streams` what Cloud Run lets in."""

    name: str
    vcpu: float
    gib: float
    calls: int
    streams: int

    @property
    def hour(self) -> float:
        return 3600 * (self.vcpu * VCPU_S + self.gib * GIB_S)

    @property
    def full(self) -> float:
        """Dollars for a call's hour where the instance is full."""
        return self.hour / self.calls

    @property
    def scaled(self) -> float:
        """Where the autoscaler keeps it: no fewer than one call."""
        return self.hour / max(1, int(self.streams * HIGH_WATER))


GUIDE = Shape("the guide's: 2 vCPU, 2 GiB, concurrency 1", 2, 2, 1, 1)
OURS = Shape("ours: 1 vCPU, 1 GiB, 36 calls of 40 streams", 1, 1, 36, 40)


def table() -> Iterator[str]:
    yield "| instance | an hour of it | idle, a month | a call-hour, full | a call-hour, as scaled |"
    yield "|---|---|---|---|---|"
    for shape in (GUIDE, OURS):
        month = shape.hour * MONTH_H
        yield f"| {shape.name} | ${shape.hour:.4f} | ${month:.2f} | ${shape.full:.4f} | ${shape.scaled:.4f} |"
    yield ""
    yield f"A call-hour costs {GUIDE.full / OURS.full:.0f} times less full, {GUIDE.scaled / OURS.scaled:.0f} as scaled."


if __name__ == "__main__":
    print(*table(), sep="\n")

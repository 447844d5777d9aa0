"""Quota, remembered: after the model's project ran out of it, new calls get their line's fallback at once for a while.
Pure: `now` is seconds, monotonic.

    closed     calls go through
    open       quota ran out: none for WAIT_S, twice as long each time it has run out again, LONGEST_S at most
    half-open  the wait is over: one call goes through on trial, and its session decides
"""

from __future__ import annotations

from dataclasses import dataclass

WAIT_S = 30.0
LONGEST_S = 300.0
TRIAL_S = 20.0  # for a trial to tell: ringing, stream, session; a caller who hung up before tells nothing
KEPT = 1_000  # projects; one instance has one or two


def project_key(backend: str, project: str) -> str:
    """What a quota is counted for: the project, per backend. The Developer API's key says nothing of its project."""
    return f"{backend}/{project or 'developer'}"


@dataclass(frozen=True, slots=True)
class _Broken:
    """`trial_until`: when the trial is given up; `trial`: the call on trial, where it has a name."""

    wait_s: float
    until: float
    trial_until: float | None = None
    trial: str = ""

    def is_half_open(self, now: float) -> bool:
        return now >= self.until


class Breaker:
    """`quota` and `well` are what sessions tell, `open` is what the doors ask before they take a call."""

    def __init__(self) -> None:
        self._broken: dict[str, _Broken] = {}  # oldest first

    def quota(self, key: str, now: float) -> None:
        """A session was refused for quota. While it is open anyway, that says nothing new: others were on their way."""
        broken = self._broken.get(key)
        if broken is not None and not broken.is_half_open(now):
            return
        wait_s = WAIT_S if broken is None else min(2 * broken.wait_s, LONGEST_S)
        self._put(key, _Broken(wait_s, now + wait_s))

    def well(self, key: str, now: float) -> None:
        """A session is ready. While it is open, that was one of before."""
        broken = self._broken.get(key)
        if broken is not None and broken.is_half_open(now):
            del self._broken[key]

    def open(self, key: str, now: float, call: str = "") -> bool:
        """Whether a new call may not go to the model now. False while half-open makes it the trial, which `call` (its
        CallSid) may ask for again: at the webhook, then at the stream."""
        broken = self._broken.get(key)
        if broken is None:
            return False
        if not broken.is_half_open(now):
            return True
        if broken.trial_until is not None and now < broken.trial_until:
            return not call or call != broken.trial
        self._put(key, _Broken(broken.wait_s, broken.until, now + TRIAL_S, call))
        return False

    def _put(self, key: str, broken: _Broken) -> None:
        self._broken.pop(key, None)
        self._broken[key] = broken
        if len(self._broken) > KEPT:
            del self._broken[next(iter(self._broken))]

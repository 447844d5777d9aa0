"""Whether a session that was resumed by its handle still knows the call. The service may take a handle and remember
nothing (facts of the field: cookbook#1197), and it says so nowhere; but a turn is billed with its whole context, so a
context that shrinks to a fraction is that of another session.

Only what proves itself is judged: counts that rose from turn to turn before the connection changed, since a service
that bills each turn alone would look like one that forgets.
"""

from __future__ import annotations

SHARE = 0.25  # of what was known: the window's compression leaves its target, a lost session the setup's instructions
LEAST = 400  # tokens known, a quarter of a minute of speech: of less, instructions are too large a part
RISES = 2  # one may be chance


class Memory:
    """One call's. `target`: the tokens that compression leaves of a context, a setting of the session's."""

    __slots__ = ("_judges", "_rises", "_target", "known")

    def __init__(self, target: int) -> None:
        self._target = target
        self._rises = 0
        self._judges = False
        self.known = 0  # tokens of the last turn's prompt: the context so far

    def billed(self, prompt: int) -> bool:
        """One turn's prompt, in tokens. Whether it shows that the session has forgotten the call."""
        if prompt <= 0:
            return False
        forgot = self._judges and self._sure and prompt < SHARE * min(self.known, self._target)
        if not forgot and prompt > self.known > 0:
            self._rises += 1
        elif prompt < self.known:
            self._rises = 0
        self._judges = False
        self.known = prompt
        return forgot

    def resumed(self) -> None:
        """The session goes on in another connection by its handle: its next turn tells."""
        self._judges = True

    def fresh(self) -> None:
        """Another session, which knows what it was told."""
        self._rises, self._judges, self.known = 0, False, 0

    @property
    def kept(self) -> int:
        """For the stream that goes on with the call: what a resumed session has to know, 0 where that isn't sure."""
        return self.known if self._sure else 0

    def goes_on(self, known: int) -> None:
        """From what `kept` said in an earlier stream of the call."""
        self.known = known
        self._rises = RISES if known else 0

    @property
    def _sure(self) -> bool:
        return self._rises >= RISES and self.known >= LEAST

"""Whether a session that was resumed by its handle still knows the call. The service may take a handle and remember
nothing (facts of the field: cookbook#1197), and it says so nowhere; but a turn is billed with its whole context, so a
context that shrinks to a fraction is that of another session.

What instructions and tools take is left out on both sides: it is in the session's first bill, with one turn at most.
Only what proves itself is judged: counts that rose from turn to turn before the connection changed, since a service
that bills each turn alone would look like one that forgets.
"""

from __future__ import annotations

from dataclasses import dataclass

SHARE = 0.25  # of what was known: what forgets, forgets all, and a resumption may lack its last turns
LEAST = 300  # tokens: 12 s of speech. Of less a cue or a noise would make a difference
RISES = 2  # one may be chance


@dataclass(frozen=True, slots=True)
class Context:
    """Tokens billed to a session: for its first turn, and for its last."""

    first: int = 0
    last: int = 0

    @property
    def known(self) -> int:
        """Of the call."""
        return self.last - self.first


UNSURE = Context()


@dataclass(slots=True)
class Memory:
    """One call's. `target`: the tokens that compression leaves of a context, a setting of the session's."""

    target: int
    context: Context = UNSURE
    _rises: int = 0
    _judges: bool = False

    def billed(self, prompt: int) -> bool:
        """One turn's prompt, in tokens. Whether it shows that the session has forgotten the call."""
        if prompt <= 0:
            return False
        before, judges, self._judges = self.context, self._judges, False
        forgot = judges and self._sure and prompt - before.first < SHARE * self._due
        if forgot or prompt < before.last:
            self._rises = 0
        elif 0 < before.last < prompt:
            self._rises += 1
        self.context = Context(before.first or prompt, prompt)
        return forgot

    def resumed(self) -> None:
        """The session goes on in another connection by its handle: its next turn tells."""
        self._judges = True

    def fresh(self) -> None:
        """Another session, which knows what it was told."""
        self.context, self._rises, self._judges = UNSURE, 0, False

    @property
    def kept(self) -> Context:
        """For the stream that goes on with the call; nothing where it isn't sure."""
        return self.context if self._sure else UNSURE

    def goes_on(self, context: Context) -> None:
        """From what `kept` said in an earlier stream of the call."""
        self.context = context
        self._rises = RISES if context.last else 0

    @property
    def _due(self) -> int:
        """What a session that remembers must know at least."""
        return min(self.context.last, self.target) - self.context.first

    @property
    def _sure(self) -> bool:
        return self._rises >= RISES and self._due >= LEAST

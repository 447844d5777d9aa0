"""The law of `random_judge` about silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.call.facts import Fact, ModelGone, Note, OpenModel, Order
from gateway.call.lapse import THINKING_S
from gateway.live import cues
from gateway.live import messages as live
from gateway.twilio.media import Play
from tests.call.random_judge import Judge, Law
from tests.call.random_sound import word_in

if TYPE_CHECKING:
    from tests.call.random_calls import RandomCall

ASKED_MS = 900  # of speech at a stretch: more than noise, whatever the level makes of its edges
HANGOVER_S = 0.3
SLACK_S = 0.3
LADDER_S = 20.0  # four steps of patience
FILLED_S = 3.2  # without a sound while the model is away


class Silence(Law):
    """A caller who is owed an answer hears one, or the model is pressed for it each time that its patience is over;
    while the model is away they hear the filler."""

    name = "silence"

    def __init__(self, judge: Judge) -> None:
        super().__init__(judge)
        self.owed = self.nudged = False
        self.thinks = False
        self.waited_s = self.total_s = 0.0
        self.away_since: float | None = None

    def fact(self, fact: Fact, call: RandomCall) -> None:
        match fact:
            case ModelGone():
                self._lost()
            case live.TurnComplete(status="IN_PROGRESS"):
                self.thinks = True
            case live.TurnComplete() | live.Interrupted():
                self.thinks = False
            case live.WaitingForInput() if self.nudged:
                self._relieved()
            case _:
                pass

    def _lost(self) -> None:
        self.owed = self.owed or self.truth.open or self.thinks
        self.thinks = False
        self.waited_s = 0.0

    def _relieved(self) -> None:
        self.owed = self.nudged = self.thinks = False
        self.waited_s = self.total_s = 0.0

    def order(self, order: Order, call: RandomCall) -> None:
        match order:
            case Play(mulaw=mulaw) if word_in(mulaw) is not None:
                self._relieved()
            case OpenModel():
                self._lost()
            case live.SendText(text=text):
                self.owed, self.waited_s = True, 0.0
                self.nudged = self.nudged or text == cues.nudge()
            case live.SendToolResults(results=results) if any(one.scheduling != "SILENT" for one in results):
                self.owed, self.waited_s = True, 0.0
            case Note(name="barge-in"):
                self.owed = True
            case _:
                pass

    def tick(self, call: RandomCall) -> None:
        connection = call.model.connection
        if connection is None or not connection.live:
            self._away(call)
            return
        self.away_since = None
        limit = self._limit()
        if limit is None or self._paused(call):
            self.waited_s = 0.0
            return
        self.waited_s += 0.02
        self.total_s += 0.02
        if self.waited_s > limit or self.total_s > LADDER_S + THINKING_S * self.thinks:
            self.broken(call.now, f"{self.waited_s:.1f} of {limit:.1f} s, {self.total_s:.1f} s in all")
            self._relieved()
            self.truth.forget()

    def _limit(self) -> float | None:
        """How long the model may be silent now; None where nothing is owed."""
        patience, truth = self.plan.patience, self.truth
        if self.thinks:
            return THINKING_S + HANGOVER_S + SLACK_S
        if truth.open:
            return patience.speaking + HANGOVER_S + SLACK_S
        if self.plan.persona.greeting and not truth.greeted:
            return patience.greeting + HANGOVER_S + SLACK_S
        asked = any(
            said.ms >= ASKED_MS and not said.over and (said.words or truth.sign_s < said.start_s)
            for said in truth.utterances
            if not said.answered
        )
        return patience.answering + HANGOVER_S + SLACK_S if asked or self.owed else None

    def _paused(self, call: RandomCall) -> bool:
        """Whether somebody is heard, or something else is waited for."""
        last = self.truth.last
        speaks = last is not None and call.now - last.end_s < 0.6
        errands = call.call._errands
        return speaks or call.phone.quiet_at > call.now or errands.pending or errands.closing or call.ended is not None

    def _away(self, call: RandomCall) -> None:
        if self.away_since is None:
            self.away_since = call.now
        if "model-ready" not in self.truth.notes or call.ended is not None:
            return
        since = max(self.away_since, call.phone.free_at)
        if call.now - since > FILLED_S:
            self.broken(call.now, "nothing is heard while the model is away")
            self.away_since = call.now

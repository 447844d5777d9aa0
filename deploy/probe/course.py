"""Which question is under way, and what answers it. Tells each step with its time; knows no socket."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from deploy.probe.questions import Answer

OFFERS = 2  # streams of one question that end before its deed is done: then it is left out
OVER = ("completed", "busy", "failed", "no-answer", "canceled")  # twilio.com/docs/voice/api/call-resource


class Course:
    """The questions, one after the other, through as many calls as they need. `clock` gives seconds."""

    def __init__(self, numbers: Sequence[int], clock: Callable[[], float], tell: Callable[[str], None]) -> None:
        self.numbers = tuple(numbers)
        self.moved = asyncio.Event()  # something happened
        self.over = True  # the present call
        self.current: int | None = None  # the question that was offered last
        self._offers = Counter[int]()
        self._settled = {number: asyncio.Event() for number in numbers}
        self._answers: dict[int, Answer] = {}
        self._done_at: dict[int, float] = {}
        self._freed_at: dict[int, float] = {}
        self._notes: dict[int, list[str]] = {number: [] for number in numbers}
        self._clock, self._tell, self._began = clock, tell, clock()
        self._call = ""

    def answers(self) -> Mapping[int, Answer]:
        """Those that are settled, with all that was noted of them, before and since."""
        return self._answers

    def open(self) -> bool:
        """Whether there is something left to ask."""
        return self._next() is not None

    def offer(self) -> int | None:
        """The question that Twilio gets now. None: there is none, and with that the call is over."""
        self.current = self._next()
        if self.current is None:
            self.finish()
        else:
            self._offers[self.current] += 1
        return self.current

    def _next(self) -> int | None:
        left = (number for number in self.numbers if number not in self._answers)
        return next((number for number in left if self._offers[number] < OFFERS), None)

    async def settled(self, number: int, within_s: float) -> bool:
        """Waits for the answer. False: none came in that time."""
        try:
            async with asyncio.timeout(within_s):
                await self._settled[number].wait()
        except TimeoutError:
            return False
        return True

    # What we do

    def did(self, number: int, what: str) -> None:
        """The deed is done: its time counts from here. A second time (Twilio tried again) is a note."""
        if number in self._done_at:
            self.note(number, f"again: {what}")
            return
        self._done_at[number] = self._clock()
        self.note(number, what)

    def freed(self, number: int, what: str) -> None:
        """What was held open was ended by us, its bound having run out."""
        self._freed_at.setdefault(number, self._clock())
        self.note(number, what)

    # What Twilio does

    def asked(self, number: int, what: str, fields: str) -> None:
        """Twilio goes on with the call: the answer, if the deed was done; else the stream ended by itself."""
        self.note(number, what + fields)
        if number in self._done_at:
            self._settle(number, what)

    def begin(self) -> None:
        """A call is about to be placed, or waited for."""
        self._call, self.over, self.current = "", False, None

    def placed(self, call: str) -> None:
        self._call = self._call or call

    def rings(self, call: str) -> None:
        """A call begins. A question that an earlier one left open has its answer: that call is over."""
        if call != self._call:
            self._leave("the call was over before the next one came", timed=False)
        self._call, self.over = call, False
        self.moved.set()

    def status(self, call: str, status: str) -> None:
        """Twilio reports how a call is. One that ended answers the question that was open in it."""
        if status in OVER and call == self._call:
            self.remark(f"the call ended: {status}")
            self._leave(f"ended the call ({status})", timed=True)
            self.finish()

    def impatient(self, within_s: float) -> None:
        """Nothing came for so long: that is the answer."""
        self._leave(f"nothing within {within_s:g} s", timed=False)

    def finish(self) -> None:
        """The call is over, or about to be."""
        self.over = True
        self.moved.set()

    def remark(self, text: str) -> None:
        """Tells what belongs to no question."""
        self._tell(f"{(self._clock() - self._began) * 1000:8.0f} ms  {text}")

    def note(self, number: int, what: str) -> None:
        """Tells it, with the time since the deed once there is one."""
        since = self._since(number, self._done_at)
        text = what if since is None else f"+{since} ms: {what}"
        self._notes[number].append(text)
        if number in self._answers:
            self._answers[number] = self._with_notes(self._answers[number])
        self.remark(f"question {number}: {text}")
        self.moved.set()

    def _leave(self, why: str, *, timed: bool) -> None:
        number = self.current
        if number is not None and number in self._done_at:
            self._settle(number, why, timed=timed)

    def _settle(self, number: int, twilio: str, *, timed: bool = True) -> None:
        if number in self._answers:
            return
        freed = number in self._freed_at
        after = self._since(number, self._freed_at if freed else self._done_at) if timed else None
        held = round((self._freed_at[number] - self._done_at[number]) * 1000) if freed else None
        self._answers[number] = self._with_notes(Answer(number, twilio, after, held))
        self._settled[number].set()

    def _with_notes(self, answer: Answer) -> Answer:
        notes = tuple(self._notes[answer.number])
        return Answer(answer.number, answer.twilio, answer.after_ms, answer.held_ms, notes)

    def _since(self, number: int, moments: Mapping[int, float]) -> int | None:
        return round((self._clock() - moments[number]) * 1000) if number in moments else None

"""The model's tool calls: each wish is run once, each id is answered once, in time.

The model may call twice for one wish (the same id, or the same name and arguments with another id), may take a call
back, and waits for ever where an answer is missing; and a connection may break in between. A time-out answers a call
whose run has not ended (who runs it stops it then, and tells so): what comes late is kept for a call that asks again.
`now` is seconds, monotonic; nothing is sent and nothing is run here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from gateway.call import answers
from gateway.call.answers import Answer
from gateway.call.carry import Errand
from gateway.call.requests import AGAIN_S, LIMIT_S, NOTHING, Book, Draft, Outcome, Remark, Request, Run, RunTool, Stage
from gateway.live.messages import FunctionCall, FunctionResult, ToolCall, ToolCallCancelled

__all__ = ["AGAIN_S", "LIMIT_S", "MAX_PENDING", "Outcome", "Remark", "RunTool", "Toolbox"]

MAX_PENDING = 16
ECHO_S = 2.0  # a call that comes again so soon was delivered twice; later it may be that the answer was lost


class Toolbox:
    """`names`: each tool's name and type. `asynchronous`: the model talks on while a tool runs, and is to speak about
    the result when it has finished its sentence (WHEN_IDLE); one that it has had already starts no turn (SILENT)."""

    __slots__ = ("_asynchronous", "_book", "_lost_at", "_names")

    def __init__(self, names: Mapping[str, str], asynchronous: bool) -> None:
        self._names = names
        self._asynchronous = asynchronous
        self._book = Book()
        self._lost_at: float | None = None

    # what happens

    def called(self, fact: ToolCall, now: float) -> Outcome:
        out = Draft()
        self._book.tidy(now)
        for call in fact.calls:
            self._call(call, now, out)
        return out.outcome()

    def done(self, id: str, result: Mapping[str, Any], now: float, *, closes: bool = False) -> Outcome:
        """A tool came to its end, well or badly (see `answers`). `closes`: it asks for the end of the call."""
        out = Draft()
        run = self._book.end(id)
        if run is None:
            return out.outcome()  # told twice, or given up long ago
        run.result, run.at = answers.answer(result), now
        run.closes = closes and run.result["status"] == "ok"
        waiting = [request for request in self._book.of(run) if request.stage in (Stage.DUE, Stage.FORGOTTEN)]
        for request in waiting:
            if request.stage is Stage.DUE:
                self._tell(request, now, out)
            elif self._lost_at is None:  # else the next session is told
                self._drop(request, out)
        if not waiting:
            out.note("tool-late", "warning", tool=run.name, after_ms=_ms(now - run.began))
        return out.outcome()

    def cancelled(self, fact: ToolCallCancelled, now: float) -> Outcome:
        """The model takes calls back: they get no answer. The tools run on, since what they did can't be undone."""
        out = Draft()
        for id in fact.ids:
            request = self._book.find(id)
            if request is not None and request.stage is Stage.DUE:
                request.stage = Stage.CANCELLED
                out.note("tool-cancelled", tool=request.run.name, after_ms=_ms(now - request.asked_at))
        return out.outcome()

    def expire(self, now: float) -> Outcome:
        """Answer what is overdue."""
        due = self.deadline()
        if due is None or now < due:
            return NOTHING
        out = Draft()
        self._overdue(now, out)
        return out.outcome()

    def lost(self, now: float) -> None:
        """The connection is gone. Tools run on, and their results are kept until `resumed`."""
        if self._lost_at is None:
            self._lost_at = now

    def resumed(self, now: float, handle_at: float | None) -> Outcome:
        """A connection is there. `handle_at`: when the handle that it resumed by was received; None: a fresh session.

        A session goes on from its handle: it knows the calls made before, and has had the answers given before. So of
        the calls before it, those answered since are answered again, and those still due as soon as they can be. Calls
        since the handle (all of them in a fresh session) are forgotten: an answer to an id that the session never gave
        would be an error. Their runs go on, and a call for the same wish gets the result.
        """
        lost_at, self._lost_at = now if self._lost_at is None else self._lost_at, None
        out = Draft()
        for request in self._book.all():
            if handle_at is None or request.asked_at > handle_at:
                self._forget(request, lost_at, out)
        self._book.shift(lost_at, now)
        for request in self._book.all():
            unsure = request.stage is Stage.ANSWERED and handle_at is not None and request.answered_at >= handle_at
            if unsure or (request.stage is Stage.DUE and request.run.result is not None):
                self._resend(request, now, out)
            elif request.stage is Stage.FORGOTTEN and request.run.result is not None:
                self._drop(request, out)
        self._overdue(now, out)
        return out.outcome()

    # another stream of the call

    def kept(self, now: float) -> tuple[Errand, ...]:
        """What the model waits for, and what it was answered a moment ago: it may not have heard it."""
        return tuple(
            Errand(
                request.id,
                request.run.name,
                request.run.key.hex(),
                now - request.asked_at,
                None if request.stage is Stage.DUE else now - request.answered_at,
                request.run.result,
                request.run.closes,
            )
            for request in self._book.all()
            if request.stage is Stage.DUE or (request.stage is Stage.ANSWERED and now - request.answered_at <= AGAIN_S)
        )

    def goes_on(self, errands: Iterable[Errand], now: float) -> None:
        """From what `kept` said in an earlier stream; `resumed` is to follow. What ran there is not run again."""
        self.lost(now)
        for one in errands:
            result = one.result or answers.cut_off()
            run = Run("", one.name, bytes.fromhex(one.key), now - one.asked_s, now, result, one.closes)
            request = Request(one.id, run, now - one.asked_s, now + LIMIT_S)
            if one.answered_s is not None:
                request.stage, request.answered_at = Stage.ANSWERED, now - one.answered_s
                request.sent, request.final = FunctionResult(one.id, one.name, result), True
            self._book.recall(request)

    # what is known

    def deadline(self) -> float | None:
        """When an answer is overdue. While the connection is gone nobody waits."""
        if self._lost_at is not None:
            return None
        return min((request.deadline for request in self._book.due()), default=None)

    @property
    def pending(self) -> int:
        """Calls that the model waits for."""
        return len(self._book.due())

    # one call

    def _call(self, call: FunctionCall, now: float, out: Draft) -> None:
        asked = answers.written(call.name, call.args)
        key = sha256(asked).digest()
        earlier = self._book.find(call.id)
        if earlier is not None and earlier.run.key == key:
            self._again(earlier, now, out)
            return
        if earlier is not None and earlier.stage is Stage.DUE:  # the model gave the id to another wish
            out.note("tool-id-reused", "warning", tool=earlier.run.name)
        run = self._refused(call, asked, now, out) or self._shared(call, key, now, out)
        if run is None:
            run = self._book.begin(call.id, call.name, key, now)
            out.run.append(RunTool(run.id, call.name, call.args, now + LIMIT_S, self._names[call.name]))
            out.note("tool-called", private=asked.decode(), tool=call.name)
        request = Request(call.id, run, now, now + LIMIT_S)
        self._book.add(request)
        if run.result is not None:
            self._tell(request, now, out)

    def _refused(self, call: FunctionCall, asked: bytes, now: float, out: Draft) -> Run | None:
        """The run that never was, with its answer, of a call that can't be carried out."""
        if call.name not in self._names:
            why, answer = "unknown", answers.unknown(call.name, self._names)
        elif not asked:
            why, answer = "arguments", answers.ill_arguments()
        elif max(self.pending, self._book.running) >= MAX_PENDING:
            why, answer = "too-many", answers.too_many(MAX_PENDING)
        else:
            return None
        out.note("tool-refused", "warning", private=asked.decode(), tool=self._known(call.name), why=why)
        return Run("", call.name, sha256(asked).digest(), now, now, answer)

    def _known(self, name: str) -> str:
        """A tool's name for a note. One that the model made up may be a caller's words."""
        return name if name in self._names else "(unknown)"

    def _shared(self, call: FunctionCall, key: bytes, now: float, out: Draft) -> Run | None:
        same = self._book.same(key, now)
        if same is not None:
            out.note("tool-duplicate", tool=call.name, by="arguments")
        return same

    def _again(self, request: Request, now: float, out: Draft) -> None:
        """The same id came again. While its answer is due, or has just gone out, that one answer settles both."""
        out.note("tool-duplicate", tool=self._known(request.run.name), by="id")
        if request.stage is Stage.DUE:
            return
        if request.stage is Stage.ANSWERED and request.final and now - request.answered_at < ECHO_S:
            out.closes = out.closes or request.run.closes
            return
        if request.stage is Stage.FORGOTTEN:
            request.asked_at = now
        if request.run.result is None:
            request.stage, request.deadline = Stage.DUE, now + LIMIT_S
        else:
            self._resend(request, now, out)

    # answers

    def _tell(self, request: Request, now: float, out: Draft) -> None:
        """Answer with the run's result, which has come; while the connection is gone the answer stays due."""
        run = request.run
        request.stage = Stage.DUE
        if self._lost_at is not None or run.result is None:
            return
        response = answers.duplicate(run.result) if run.told else run.result
        self._send(request, response, now, out, quiet=run.told)
        request.final = run.told = True
        out.closes = out.closes or run.closes
        fields = {"tool": self._known(run.name), "status": response["status"]}
        out.note("tool-answered", **fields, after_ms=_ms(now - request.asked_at))

    def _resend(self, request: Request, now: float, out: Draft) -> None:
        """What was sent, once more; where that was nothing or a time-out, the result, if it has come meanwhile."""
        if request.sent is None or (request.run.result is not None and not request.final):
            self._tell(request, now, out)
        elif self._lost_at is None:
            request.answered_at = now
            out.results.append(request.sent)
            out.closes = out.closes or request.run.closes

    def _overdue(self, now: float, out: Draft) -> None:
        if self._lost_at is not None:
            return
        for request in self._book.due():
            if now >= request.deadline:
                out.note("tool-timeout", "warning", tool=request.run.name, after_ms=_ms(now - request.asked_at))
                self._send(request, answers.timed_out(LIMIT_S), now, out)

    def _send(self, request: Request, response: Answer, now: float, out: Draft, *, quiet: bool = False) -> None:
        result = FunctionResult(request.id, request.run.name, response)
        if self._asynchronous:
            result = replace(result, scheduling="SILENT" if quiet else "WHEN_IDLE")
        request.stage, request.answered_at, request.sent = Stage.ANSWERED, now, result
        out.results.append(result)

    # a session that forgot

    def _forget(self, request: Request, lost_at: float, out: Draft) -> None:
        """The session doesn't know the call. Of what came of it, it is to hear what the last one can't have used."""
        owed = request.stage in (Stage.DUE, Stage.FORGOTTEN)
        if not owed and not (request.stage is Stage.ANSWERED and request.answered_at >= lost_at - AGAIN_S):
            self._book.remove(request)
        elif request.run.result is None:
            request.stage = Stage.FORGOTTEN
        else:
            self._drop(request, out)

    def _drop(self, request: Request, out: Draft) -> None:
        """Let go of a request that the session doesn't know; its result is handed out once, to be told in words."""
        self._book.remove(request)
        run = request.run
        if run.result is None or run.result["status"] != "ok" or run.closes:
            return
        result = FunctionResult("", run.name, run.result)
        if result not in out.untold:
            out.untold.append(result)
            out.note("tool-untold", "warning", tool=run.name)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)

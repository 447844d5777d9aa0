"""Tool calls as scripts: what is run, what is answered, when; and what a broken connection leaves to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.call.toolbox import AGAIN_S, ECHO_S, LIMIT_S, MAX_PENDING, Outcome, Remark, RunTool, Toolbox
from gateway.live.messages import FunctionCall, FunctionResult, ToolCall, ToolCallCancelled

T0 = 100.0
NAMES = {"book": "http", "goodbye": "hangup"}
ROBIN = {"name": "Robin"}
BOOKED = {"status": "ok", "date": "2026-12-02"}
DONE = {**BOOKED, "retryable": False}
BROKEN = {"status": "error", "error": "the calendar is away", "retryable": True}


class Script:
    """`script.at(1.5).called("a", "book", ROBIN)`: 1.5 s after the start the model calls; `last` is what follows."""

    def __init__(self, asynchronous: bool = False) -> None:
        self.box = Toolbox(NAMES, asynchronous)
        self.now = T0
        self.last = Outcome()

    def at(self, seconds: float) -> Self:
        self.now = T0 + seconds
        return self

    def called(self, id: str, name: str = "book", args: Mapping[str, Any] | None = None) -> Self:
        self.last = self.box.called(ToolCall((FunctionCall(id, name, ROBIN if args is None else args),)), self.now)
        return self

    def done(self, id: str, result: Mapping[str, Any] = BOOKED, closes: bool = False) -> Self:
        self.last = self.box.done(id, result, self.now, closes=closes)
        return self

    def cancelled(self, *ids: str) -> Self:
        self.last = self.box.cancelled(ToolCallCancelled(ids), self.now)
        return self

    def expire(self) -> Self:
        self.last = self.box.expire(self.now)
        return self

    def lost(self) -> Self:
        self.box.lost(self.now)
        return self

    def resumed(self, handle_at: float | None) -> Self:
        self.last = self.box.resumed(self.now, None if handle_at is None else T0 + handle_at)
        return self

    # what came of it

    @property
    def run(self) -> list[str]:
        return [order.id for order in self.last.run]

    @property
    def answers(self) -> list[tuple[str, str]]:
        """The ids that are answered, with their status."""
        return [(result.id, result.response["status"]) for result in self.last.results]

    @property
    def notes(self) -> list[str]:
        return [note.name for note in self.last.notes]


@pytest.fixture
def script() -> Script:
    return Script()


# the plain case


def test_a_call_is_run_and_answered(script: Script) -> None:
    script.called("a")
    assert script.last == Outcome(
        run=(RunTool("a", "book", ROBIN, T0 + LIMIT_S, "http"),),
        notes=(Remark("tool-called", {"tool": "book"}, {"args": '["book",{"name":"Robin"}]'}),),
    )
    assert (script.box.pending, script.box.deadline()) == (1, T0 + LIMIT_S)

    script.at(1.25).done("a")
    assert script.last == Outcome(
        results=(FunctionResult("a", "book", DONE),),
        notes=(Remark("tool-answered", {"tool": "book", "status": "ok", "after_ms": 1250}),),
    )
    assert (script.box.pending, script.box.deadline()) == (0, None)


def test_calls_of_one_message_are_answered_one_by_one(script: Script) -> None:
    calls = (FunctionCall("a", "book", {"day": 1}), FunctionCall("b", "book", {"day": 2}))
    assert [order.id for order in script.box.called(ToolCall(calls), T0).run] == ["a", "b"]
    assert script.done("b").answers == [("b", "ok")]
    assert script.done("a").answers == [("a", "ok")]


def test_a_model_that_blocks_is_told_no_schedule_and_one_that_talks_on_is() -> None:
    assert Script(asynchronous=False).called("a").done("a").last.results[0].scheduling == ""
    assert Script(asynchronous=True).called("a").done("a").last.results[0].scheduling == "WHEN_IDLE"


def test_a_failure_is_an_answer_too(script: Script) -> None:
    assert script.called("a").done("a", BROKEN).last.results[0].response == BROKEN


# what can't be run


def test_an_unknown_tool_is_answered_with_those_there_are(script: Script) -> None:
    script.called("a", "bok")
    assert script.run == []
    (result,) = script.last.results
    assert result.response == {
        "status": "error",
        "error": "there is no tool 'bok'; there are: book, goodbye",
        "retryable": False,
    }
    told = {"tool": "(unknown)", "why": "unknown"}  # a name that the model made up may be what the caller said
    assert script.last.notes[0] == Remark("tool-refused", told, {"args": '["bok",{"name":"Robin"}]'}, "warning")


def deep(levels: int) -> dict[str, Any]:
    args: dict[str, Any] = {}
    for _ in range(levels):
        args = {"a": args}
    return args


LOOP: dict[str, Any] = {}
LOOP["loop"] = LOOP


@pytest.mark.parametrize(
    "args",
    [deep(300), {"a": "x" * 40_000}, {"a": [0] * 40_000}, {"a": 2**70}, {"a": {1, 2}}, {"a": "\ud800"}, LOOP],
    ids=["deep", "long", "many", "number", "set", "surrogate", "loop"],
)
def test_arguments_that_make_no_sense_are_answered_and_not_run(script: Script, args: dict[str, Any]) -> None:
    script.called("a", "book", args)
    assert (script.run, script.answers) == ([], [("a", "error")])
    assert script.last.notes[0].fields == {"tool": "book", "why": "arguments"}


def test_arguments_as_deep_as_json_goes_are_compared_and_run(script: Script) -> None:
    assert script.called("a", "book", deep(200)).run == ["a"]
    assert script.called("b", "book", deep(200)).notes == ["tool-duplicate"]
    assert script.called("c", "book", deep(201)).run == ["c"]


def test_no_more_than_so_many_calls_wait(script: Script) -> None:
    for n in range(MAX_PENDING):
        assert script.called(f"a{n}", "book", {"n": n}).run == [f"a{n}"]
    script.called("one-more", "book", {"n": -1})
    assert (script.run, script.answers, script.box.pending) == ([], [("one-more", "error")], MAX_PENDING)
    assert script.last.results[0].response["retryable"] is True
    script.done("a0")
    assert script.called("now", "book", {"n": -1}).run == ["now"]


def test_nor_do_more_ids_of_one_wish(script: Script) -> None:
    for n in range(MAX_PENDING):
        script.called(f"a{n}")
    assert script.called("one-more").answers == [("one-more", "error")]


def test_calls_that_are_taken_back_again_and_again_start_no_more_tools(script: Script) -> None:
    started = 0
    for n in range(100):
        started += len(script.called(f"a{n}", "book", {"n": n}).run)
        script.cancelled(f"a{n}")
    assert started == MAX_PENDING


# the same again


def test_the_same_id_again_is_settled_by_the_one_answer(script: Script) -> None:
    script.called("a").at(1).called("a")
    assert script.last == Outcome(notes=(Remark("tool-duplicate", {"tool": "book", "by": "id"}),))
    assert script.box.deadline() == T0 + LIMIT_S
    assert script.done("a").answers == [("a", "ok")]


@pytest.mark.parametrize("after", [ECHO_S, 60.0, 3600.0])
def test_the_same_id_after_its_answer_gets_the_same_answer(script: Script, after: float) -> None:
    first = script.called("a").done("a").last.results
    script.at(after).called("a")
    assert (script.run, script.last.results) == ([], first)


def test_the_same_id_in_one_breath_was_delivered_twice(script: Script) -> None:
    script.called("a").done("a").at(ECHO_S - 0.1).called("a")
    assert script.last == Outcome(notes=(Remark("tool-duplicate", {"tool": "book", "by": "id"}),))


def test_the_same_wish_with_another_id_waits_for_the_first_ones_result(script: Script) -> None:
    script.called("a", "book", {"name": "Robin", "day": 1}).at(0.5).called("b", "book", {"day": 1, "name": "Robin"})
    assert (script.run, script.box.pending) == ([], 2)
    script.at(1).done("a")
    assert script.answers == [("a", "ok"), ("b", "duplicate")]
    assert script.last.results[1].response["result"] == DONE


def test_twins_in_one_message_are_run_once(script: Script) -> None:
    outcome = script.box.called(ToolCall((FunctionCall("a", "book", ROBIN), FunctionCall("b", "book", ROBIN))), T0)
    assert [order.id for order in outcome.run] == ["a"]


def test_five_sweeps_of_one_wish_are_one_run(script: Script) -> None:
    script.called("a").done("a")
    for n in range(5):
        script.at(n).called(f"b{n}")
        assert (script.run, script.answers) == ([], [(f"b{n}", "duplicate")])


def test_a_result_that_the_model_has_had_starts_no_turn() -> None:
    script = Script(asynchronous=True).called("a").called("b").done("a")
    assert [result.scheduling for result in script.last.results] == ["WHEN_IDLE", "SILENT"]


def test_after_a_while_the_same_wish_is_a_new_one(script: Script) -> None:
    script.called("a").at(1).done("a")
    assert script.at(1 + AGAIN_S).called("b").run == []
    assert script.at(1.01 + AGAIN_S).called("c").run == ["c"]


def test_what_failed_and_may_be_tried_again_is_tried_again(script: Script) -> None:
    assert script.called("a").done("a", BROKEN).at(1).called("b").run == ["b"]


def test_what_failed_for_good_is_not(script: Script) -> None:
    script.called("a").done("a", {**BROKEN, "retryable": False}).at(1).called("b")
    assert (script.run, script.answers) == ([], [("b", "duplicate")])


def test_other_arguments_are_another_wish(script: Script) -> None:
    assert script.called("a").called("b", "book", {"name": "Kim"}).run == ["b"]


def test_an_id_that_comes_with_another_wish_is_the_new_ones(script: Script) -> None:
    script.called("a").at(1).called("a", "book", {"name": "Kim"})
    assert script.notes == ["tool-id-reused", "tool-called"]
    (kim,) = script.run
    assert kim != "a"
    assert script.done("a").answers == []
    assert script.done(kim).answers == [("a", "ok")]


def test_calls_without_an_id_are_answered_without_one(script: Script) -> None:
    (first,) = script.called("").run
    (second,) = script.called("", "book", {"name": "Kim"}).run
    assert first != second
    assert script.done(second).last.results == (FunctionResult("", "book", DONE),)
    assert script.done(first).answers == [("", "ok")]


# too late


def test_what_takes_too_long_is_answered_in_time(script: Script) -> None:
    script.called("a").at(LIMIT_S - 0.01).expire()
    assert script.last == Outcome()
    script.at(LIMIT_S).expire()
    assert script.answers == [("a", "timeout")]
    assert script.last.results[0].response["retryable"] is False
    assert script.last.notes == (Remark("tool-timeout", {"tool": "book", "after_ms": 8000}, severity="warning"),)
    assert (script.box.pending, script.box.deadline()) == (0, None)


def test_a_result_that_is_late_is_dropped(script: Script) -> None:
    script.called("a").at(LIMIT_S).expire().at(9).done("a")
    assert script.last == Outcome(
        notes=(Remark("tool-late", {"tool": "book", "after_ms": 9000}, severity="warning"),),
    )


def test_whoever_asks_again_gets_the_late_result_and_the_tool_is_not_run_twice(script: Script) -> None:
    script.called("a").at(LIMIT_S).expire().at(9).called("b")
    assert (script.run, script.box.deadline()) == ([], T0 + 9 + LIMIT_S)
    assert script.at(10).done("a").answers == [("b", "ok")]
    assert script.at(11).called("a").answers == [("a", "duplicate")]


def test_the_same_id_after_its_time_out_waits_once_more(script: Script) -> None:
    script.called("a").at(LIMIT_S).expire().at(9).called("a")
    assert (script.run, script.answers, script.box.pending) == ([], [], 1)
    assert script.done("a").answers == [("a", "ok")]


def test_each_has_its_own_time(script: Script) -> None:
    script.called("a").at(3).called("b").at(LIMIT_S).expire()
    assert script.answers == [("a", "timeout")]
    assert script.box.deadline() == T0 + 3 + LIMIT_S
    assert script.at(9).done("a").answers == [("b", "ok")]


def test_a_tool_that_never_comes_to_an_end_is_given_up_at_last(script: Script) -> None:
    script.called("a").at(LIMIT_S).expire()
    assert script.at(LIMIT_S + AGAIN_S).called("b").run == []
    script.at(2 * LIMIT_S + AGAIN_S).expire()
    assert script.at(2 * LIMIT_S + AGAIN_S + 0.01).called("c").run == ["c"]


def test_but_not_while_somebody_waits_for_it(script: Script) -> None:
    script.called("a").at(LIMIT_S).expire().at(17).called("b").at(20).called("c")
    assert script.run == []
    assert script.at(21).done("a").answers == [("b", "ok"), ("c", "duplicate")]


@pytest.mark.parametrize("id", ["never", ""])
def test_an_end_that_nobody_waits_for_is_nothing(script: Script, id: str) -> None:
    assert script.done(id).last == Outcome()
    assert script.called("a").done("a").done("a").last == Outcome()


# taken back


def test_a_call_that_is_taken_back_gets_no_answer(script: Script) -> None:
    script.called("a").at(1).cancelled("a", "never", "")
    assert script.last == Outcome(notes=(Remark("tool-cancelled", {"tool": "book", "after_ms": 1000}),))
    assert (script.box.pending, script.box.deadline()) == (0, None)
    script.at(2).done("a")
    assert (script.answers, script.notes) == ([], ["tool-late"])


def test_taken_back_and_asked_again_gets_the_result_of_the_first(script: Script) -> None:
    script.called("a").cancelled("a").at(2).called("b")
    assert script.run == []
    assert script.at(3).done("a").answers == [("b", "ok")]


def test_the_same_id_after_it_was_taken_back_is_answered(script: Script) -> None:
    script.called("a").cancelled("a").at(1).done("a").at(2).called("a")
    assert (script.run, script.answers) == ([], [("a", "ok")])


def test_one_of_two_is_taken_back(script: Script) -> None:
    script.called("a").called("b").cancelled("a")
    assert script.done("a").answers == [("b", "ok")]


def test_what_was_answered_can_not_be_taken_back(script: Script) -> None:
    assert script.called("a").done("a").cancelled("a").last == Outcome()


# the end of the call


def test_a_tool_that_closes_says_so_when_it_is_answered(script: Script) -> None:
    assert script.called("a", "goodbye", {}).done("a", {"status": "ok"}, closes=True).last.closes


def test_taken_back_it_closes_nothing_until_asked_again(script: Script) -> None:
    script.called("a", "goodbye", {}).cancelled("a").done("a", {"status": "ok"}, closes=True)
    assert not script.last.closes
    assert script.at(1).called("b", "goodbye", {}).last.closes
    assert script.at(2).called("b", "goodbye", {}).last.closes
    assert script.at(3).called("c", "goodbye", {}).last.closes


def test_a_tool_that_failed_closes_nothing(script: Script) -> None:
    assert not script.called("a", "goodbye", {}).done("a", BROKEN, closes=True).last.closes


# a connection that breaks


def test_tools_run_on_while_the_connection_is_gone_and_nobody_waits(script: Script) -> None:
    script.called("a").at(1).lost().lost()
    assert script.box.deadline() is None
    assert script.at(20).expire().last == Outcome()
    script.at(21).done("a")
    assert (script.answers, script.box.pending) == ([], 1)


def test_the_session_that_knows_the_call_gets_the_result_that_came_meanwhile(script: Script) -> None:
    script.called("a").at(2).lost().at(3).done("a").at(4).resumed(handle_at=1)
    assert (script.answers, script.last.untold, script.box.pending) == ([("a", "ok")], (), 0)


def test_what_is_still_running_is_answered_when_it_comes(script: Script) -> None:
    script.called("a").at(2).lost().at(3).resumed(handle_at=1)
    assert (script.answers, script.box.deadline()) == ([], T0 + LIMIT_S)
    assert script.at(4).done("a").answers == [("a", "ok")]


def test_what_is_overdue_by_then_is_answered_at_once(script: Script) -> None:
    script.called("a").at(2).lost().at(20).resumed(handle_at=1)
    assert script.answers == [("a", "timeout")]


def test_an_answer_after_the_handle_is_sent_again(script: Script) -> None:
    script.called("a").at(2).done("a")
    (sent,) = script.last.results
    script.at(3).lost().at(4).resumed(handle_at=1)
    assert script.last.results == (sent,)
    assert script.at(5).lost().at(6).resumed(handle_at=4.5).answers == []


def test_an_answer_before_the_handle_is_not(script: Script) -> None:
    assert script.called("a").at(1).done("a").at(3).lost().at(4).resumed(handle_at=2).last == Outcome()


def test_a_refusal_and_a_time_out_are_sent_again_too(script: Script) -> None:
    script.called("a", "bok").called("b").at(LIMIT_S).expire().at(9).lost().at(10).resumed(handle_at=0)
    assert script.answers == [("a", "error"), ("b", "timeout")]


def test_a_time_out_is_made_good_when_the_result_came_meanwhile(script: Script) -> None:
    script.called("b").at(LIMIT_S).expire().at(9).lost().done("b").at(10).resumed(handle_at=0)
    assert script.answers == [("b", "ok")]


def test_a_session_from_before_the_call_is_not_answered_but_told(script: Script) -> None:
    script.called("a").at(2).lost().at(3).done("a").at(4).resumed(handle_at=-1)
    assert (script.answers, script.box.pending) == ([], 0)
    assert script.last.untold == (FunctionResult("", "book", DONE),)
    assert script.notes == ["tool-untold"]


def test_a_fresh_session_knows_no_call(script: Script) -> None:
    script.called("a").called("b").at(2).done("a").called("c", "bok").at(3).lost().at(4).resumed(None)
    assert script.answers == []
    assert script.last.untold == (FunctionResult("", "book", DONE),)


def test_what_a_fresh_session_can_not_know_is_told_when_it_comes(script: Script) -> None:
    script.called("a").at(2).lost().at(3).resumed(None)
    assert script.last == Outcome()
    assert script.box.deadline() is None
    script.at(4).done("a")
    assert (script.answers, script.last.untold) == ([], (FunctionResult("", "book", DONE),))


def test_a_connection_that_can_not_be_had_at_once_was_lost_when_it_was_lost(script: Script) -> None:
    script.called("a").at(1).done("a").at(2).lost().at(20).lost().at(21).resumed(None)
    assert [result.name for result in script.last.untold] == ["book"]


def test_what_was_done_in_the_gap_is_as_if_done_at_its_end(script: Script) -> None:
    script.called("a").at(2).lost().at(20).done("a").at(30).resumed(None)
    assert script.at(30 + AGAIN_S).called("y").answers == [("y", "ok")]
    assert script.at(30.01 + AGAIN_S).called("z").run == ["z"]


def test_old_results_are_not_told_again_to_a_fresh_session(script: Script) -> None:
    script.called("a").done("a").called("b", "book", {"n": 1}).cancelled("b")
    assert script.at(60).lost().at(61).resumed(None).last == Outcome()


def test_only_what_was_done_is_told_to_a_fresh_session(script: Script) -> None:
    script.called("a").done("a", BROKEN).called("b", "goodbye", {}).done("b", {"status": "ok"}, closes=True)
    assert script.lost().at(1).resumed(None).last == Outcome()


def test_a_session_that_forgot_asks_again_and_nothing_is_run_twice(script: Script) -> None:
    script.called("a").at(1).done("a").at(2).lost().at(30).resumed(None)
    assert script.at(31).called("z").answers == [("z", "ok")]
    assert script.run == []


def test_nor_what_is_still_running(script: Script) -> None:
    script.called("a").at(1).lost().at(25).resumed(None).at(26).called("z")
    assert (script.run, script.box.pending) == ([], 1)
    assert script.at(27).done("a").answers == [("z", "ok")]


def test_the_new_session_may_use_the_old_id(script: Script) -> None:
    script.called("a").at(1).lost().at(2).resumed(None).at(3).called("a")
    assert (script.run, script.box.deadline()) == ([], T0 + 3 + LIMIT_S)
    assert script.at(4).done("a").answers == [("a", "ok")]
    assert script.at(5).lost().at(6).resumed(handle_at=3.5).answers == [("a", "ok")]
    assert script.at(7).lost().at(8).resumed(handle_at=2.5).answers == []


def test_a_session_may_be_lost_twice_before_the_tool_is_done(script: Script) -> None:
    script.called("a").at(1).lost().at(2).resumed(None).at(3).lost().at(4).resumed(None)
    assert script.at(5).done("a").last.untold == (FunctionResult("", "book", DONE),)


def test_what_a_dying_connection_still_says_is_answered_by_the_next(script: Script) -> None:
    script.called("a").at(1).done("a").at(2).lost()
    assert script.called("a").answers == []
    assert script.called("b").answers == []
    assert script.at(3).resumed(handle_at=0).answers == [("a", "ok")]
    assert script.box.pending == 0


# whatever happens

IDS = st.sampled_from(["", "a", "b", "c"])
STEPS = st.one_of(
    st.tuples(st.just("called"), IDS, st.sampled_from(["book", "goodbye", "bok"]), st.integers(0, 2)),
    st.tuples(st.just("done"), st.integers(0, 3), st.sampled_from([BOOKED, BROKEN, {}])),
    st.tuples(st.just("cancelled"), IDS),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 3.0, 8.0, 11.0])),
    st.tuples(st.just("break"), st.sampled_from([None, 0.0, 5.0]), st.sampled_from([0.5, 20.0])),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=25), st.booleans())
def test_no_id_is_ever_left_without_an_answer(steps: list[tuple[Any, ...]], asynchronous: bool) -> None:
    """Nothing is due for longer than the limit, and nothing is answered that wasn't asked."""
    script, clock, started, asked = Script(asynchronous), 0.0, list[str](), set[str]()
    for step in steps:
        match step:
            case ("called", id, name, n):
                asked.add(id)
                script.called(id, name, {"n": n})
            case ("done", nth, result):
                script.done(started[nth] if nth < len(started) else "never", result)
            case ("cancelled", id):
                script.cancelled(id)
            case ("wait", seconds):
                clock += seconds
                script.at(clock).expire()
            case ("break", before, gap):
                script.lost()
                clock += gap
                script.at(clock).resumed(None if before is None else clock - gap - before)
        started += script.run
        assert {id for id, _ in script.answers} <= asked
        assert all(
            result.scheduling in (("WHEN_IDLE", "SILENT") if asynchronous else ("",)) for result in script.last.results
        )
    due = script.box.deadline()
    assert due is None or due <= T0 + clock + LIMIT_S
    script.at(clock + LIMIT_S).expire()
    assert script.box.pending == 0


def test_nothing_grows_with_the_length_of_the_call(script: Script) -> None:
    for n in range(500):
        script.at(n * 20).called(f"a{n}", "book", {"n": n}).done(f"a{n}", {"status": "ok", "text": "x" * 5000})
    assert script.at(9990).called("a499", "book", {"n": 499}).answers == [("a499", "ok")]
    assert script.called("a0", "book", {"n": 0}).run == ["a0"]


def test_what_is_due_is_never_let_go_of(script: Script) -> None:
    script.called("a")
    for n in range(200):
        script.called(f"b{n}", "bok")
    assert script.done("a").answers == [("a", "ok")]


def test_every_answer_is_small_plain_json(script: Script) -> None:
    script.called("a").called("b").done(
        "a", {"rows": [{"text": 'quoted "words"' * 20}] * 500, "loop": LOOP, "set": {1}}
    )
    for result in script.last.results:
        assert len(orjson.dumps(result.response)) <= 8192


def test_a_result_that_comes_in_a_second_gap_waits_for_the_session_that_can_be_told() -> None:
    script = Script().called("a").lost().at(1).resumed(None)  # a fresh session: it never called
    script.at(2).lost().at(3).done("a")
    assert script.last == Outcome()
    script.at(4).resumed(None)
    assert script.last.untold == (FunctionResult("", "book", DONE),)
    assert not script.at(5).lost().at(6).resumed(None).last.untold

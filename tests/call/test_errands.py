"""What the model asks for, in a call: tools are run and answered, and the agent may end the call."""

from __future__ import annotations

from gateway.call.facts import ModelGone, OpenModel, ToolDone
from gateway.call.requests import RunTool
from gateway.live import cues
from gateway.live import messages as live
from tests.call.script import STARTED, Script, pcm, plan

TOOLS = {"goodbye": "hangup", "look": "lookup"}
WELL = {"status": "ok"}


def opened(**changes: object) -> Script:
    return Script(plan(tools=TOOLS, **changes))(STARTED).at(0.1)(live.Ready())(live.ResumptionUpdate("h1", True))  # type: ignore[arg-type]


def asks(call: Script, name: str = "goodbye", id: str = "1") -> Script:
    return call(live.ToolCall((live.FunctionCall(id, name, {}),)))


def results(call: Script) -> list[tuple[str, object]]:
    sent = [order for order in call.all if isinstance(order, live.SendToolResults)]
    return [(result.id, result.response["status"]) for order in sent for result in order.results]


def says(call: Script, words: str, ms: int) -> Script:
    return call(live.OutputTranscript(words))(live.ModelAudio(pcm(ms)))(live.GenerationComplete())


def test_a_tool_is_run_and_its_result_sent() -> None:
    call = asks(opened(), "look")
    (run,) = [order for order in call.last if isinstance(order, RunTool)]
    assert (run.name, run.type) == ("look", "lookup")
    call(ToolDone(run.id, WELL))
    assert results(call) == [("1", "ok")]


def test_a_tool_that_takes_too_long_is_answered_all_the_same() -> None:
    call = asks(opened(), "look").wait(8.1)
    assert results(call) == [("1", "timeout")]


def test_the_agent_says_goodbye_is_heard_and_the_line_closes() -> None:
    call = asks(opened())(ToolDone("1", WELL, closes=True))
    says(call, "Goodbye.", 400)(live.TurnComplete()).wait(0.3)
    assert call.ended is None
    assert call.wait(0.2).heard().ended == "agent-hung-up"
    assert call.said() == [("agent", "Goodbye.")]


def test_a_goodbye_that_was_said_before_is_heard_to_its_end() -> None:
    call = says(opened(), "Goodbye.", 1000)
    asks(call)(ToolDone("1", WELL, closes=True))(live.TurnComplete()).wait(0.5)
    assert call.ended is None
    assert call.wait(0.6).heard().ended == "agent-hung-up"


def test_a_caller_who_speaks_into_the_goodbye_keeps_the_line_open() -> None:
    call = asks(opened())(ToolDone("1", WELL, closes=True))
    says(call, "Goodbye.", 2000).wait(0.5)(live.Interrupted())(live.TurnComplete()).wait(5)
    assert call.ended is None
    assert call.notes("farewell-interrupted")


def test_an_agent_who_says_nothing_more_leaves_the_line_soon() -> None:
    call = asks(opened())(ToolDone("1", WELL, closes=True)).wait(4.1)
    assert call.ended == "agent-hung-up"


def test_while_a_tool_runs_the_model_is_not_stuck() -> None:
    call = asks(opened().speaks(600).silent(400)(live.InputTranscript("Look it up.")), "look").silent(6000)
    assert not call.notes("model-silent")
    call(ToolDone("1", WELL)).silent(4500)
    assert [order.text for order in call.all if isinstance(order, live.SendText)] == [cues.nudge()]


def test_a_result_that_comes_while_the_model_is_away_is_sent_when_it_is_back() -> None:
    call = asks(opened(), "look")(live.ResumptionUpdate("h2", True))(ModelGone(1011, "Internal error"))
    call.wait(0.1)(ToolDone("1", WELL))
    assert results(call) == []
    assert results(call(live.Ready())) == [("1", "ok")]


def test_the_model_is_not_left_while_it_waits_nor_before_it_spoke_about_the_result() -> None:
    call = asks(opened(), "look")(live.GoingAway(50.0)).silent(3000)
    call(ToolDone("1", WELL)).silent(2000)
    assert len([order for order in call.all if isinstance(order, OpenModel)]) == 1
    says(call, "Here it is.", 300)(live.TurnComplete()).silent(400).heard()
    call(live.ResumptionUpdate("h2", True)).silent(200)(live.Ready())
    assert call.notes("model-back")


def test_a_call_that_has_cost_enough_is_told_and_ends() -> None:
    call = opened(max_cost_usd=0.01)(live.Usage(prompt=4_000, by_modality={"prompt/AUDIO": 4_000}))
    assert call.notes("cost-reached")
    assert call.notes("ends-soon")
    assert call.wait(21).ended == "max-cost"

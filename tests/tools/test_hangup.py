"""The agent ends the call: it is told to say goodbye, and the line closes after that."""

from __future__ import annotations

import asyncio

from gateway.call.toolbox import Toolbox
from gateway.live.messages import FunctionCall, ToolCall
from gateway.tools import hangup


def test_it_tells_the_agent_to_say_goodbye_and_closes() -> None:
    outcome = asyncio.run(hangup.run({}))
    assert outcome.result == {"status": "ok", "note": hangup.NOTE}
    assert outcome.closes
    assert hangup.NOTE.startswith("say goodbye now")
    assert "the line closes after your words were heard" in hangup.NOTE


def test_the_model_reads_it_as_it_is() -> None:
    box = Toolbox({"goodbye": "hangup"}, asynchronous=False)
    (order,) = box.called(ToolCall((FunctionCall("1", "goodbye"),)), 0.0).run
    outcome = asyncio.run(hangup.run(order.args))
    told = box.done(order.id, outcome.result, 0.1, closes=outcome.closes)
    assert told.closes
    assert [result.response for result in told.results] == [{"status": "ok", "note": hangup.NOTE, "retryable": False}]

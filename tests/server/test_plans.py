"""From the flow to the call's plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway import settings
from gateway.server.plans import Caller, find, plan_call
from tests.flow.samples import SHORTEST, flows

MORE = """    tools: [goodbye]
    vad: { mode: gateway }
    model: { context: { trigger: 9000, target: 3000 } }
  eve: { instructions: You answer at night., tools: [goodbye, leave] }
tools:
  goodbye: { type: hangup, description: Ends the call. }
  leave: { type: hangup }
"""


def setup_of(folder: Path, name: str) -> Any:
    text = SHORTEST.replace(
        "persona: ava }", "persona: ava }\n  - { label: night, number: '+14155550101', persona: eve }"
    )
    flow, line = find(flows(folder, text + MORE), "desk", name)
    plan = plan_call(flow, line, flow.personas[line.persona], Caller("", ""), settings.read({}))
    return plan.setup.setup


def test_a_persona_has_the_tools_that_it_lists(tmp_path: Path) -> None:
    assert setup_of(tmp_path, "desk")["tools"] == [
        {"functionDeclarations": [{"name": "goodbye", "description": "Ends the call.", "behavior": "BLOCKING"}]}
    ]
    (tools,) = setup_of(tmp_path, "night")["tools"]
    assert [tool["name"] for tool in tools["functionDeclarations"]] == ["goodbye", "leave"]
    assert "goodbye" in tools["functionDeclarations"][1]["description"]  # the default says when


def test_what_a_persona_says_of_its_ears_and_its_memory_is_sent(tmp_path: Path) -> None:
    setup = setup_of(tmp_path, "desk")
    assert setup["realtimeInputConfig"]["automaticActivityDetection"] == {"disabled": True}
    assert setup["contextWindowCompression"] == {"triggerTokens": 9000, "slidingWindow": {"targetTokens": 3000}}

"""Rules for tools and for what a persona says of its model and its ears; most words are in broken/."""

from __future__ import annotations

import pytest

from gateway.flow.rules import personas, tools
from gateway.flow.source import Data

HANGUP: Data = {"type": "hangup"}


def flow(*lists: Data) -> Data:
    """Two tools, and a persona for each list of them."""
    return {
        "tools": {"goodbye": HANGUP, "leave": HANGUP},
        "personas": {f"p{n}": {"tools": names} for n, names in enumerate(lists)},
    }


def against(data: Data) -> list[str]:
    return [f"{finding.path[-1]}: {finding.message} ({finding.hint})" for finding in tools.judge(data)]


def test_a_tool_may_be_several_personas() -> None:
    assert against(flow(["goodbye"], ["goodbye", "leave"])) == []


def test_what_nobody_has_is_unused() -> None:
    unused = "leave: no persona has this tool (list it under a persona's tools, or remove it)"
    assert against(flow(["goodbye"], [])) == [unused]


@pytest.mark.parametrize("names", ["goodbye", ["goodbye", 5], ["goodbye", {"type": "hangup"}], {"goodbye": None}, None])
def test_of_what_is_no_list_of_names_nothing_more_is_said(names: Data) -> None:
    """A slip may mean any of the tools."""
    assert against(flow(names)) == []


def test_a_misspelt_tool_leaves_none_unused() -> None:
    assert against(flow(["godbye"])) == ["0: there is no such tool (did you mean 'goodbye'?)"]


def unheard(shared: Data, *own: Data) -> list[str]:
    data: Data = {"defaults": {"vad": shared}, "personas": {f"p{n}": {"vad": vad} for n, vad in enumerate(own)}}
    return [".".join(map(str, finding.path)) for finding in personas.unheard(data)]


def test_a_shared_sensitivity_is_heard_as_long_as_one_model_listens() -> None:
    high: dict[str, Data] = {"start_sensitivity": "high"}
    assert unheard({**high, "mode": "gateway"}, {}) == ["defaults.vad.start_sensitivity"]
    assert unheard({**high, "mode": "gateway"}, {}, {"mode": "model"}) == []
    assert unheard(high, {"mode": "gateway"}) == ["defaults.vad.start_sensitivity"]
    assert unheard(high, {"mode": "gateway"}, {}) == []


def test_a_sensitivity_of_ones_own_follows_ones_own_mode() -> None:
    both: dict[str, Data] = {"start_sensitivity": "high", "end_sensitivity": "low"}
    own = ["personas.p0.vad.start_sensitivity", "personas.p0.vad.end_sensitivity"]
    assert unheard({"mode": "gateway"}, both) == own
    assert unheard({}, {**both, "mode": "gateway"}) == own
    assert unheard({"mode": "gateway"}, {**both, "mode": "model"}) == []
    assert unheard({}, both) == []


def window(**context: Data) -> list[str]:
    data: Data = {"personas": {"ava": {"model": {"context": context}}}}
    return [f"{finding.path[-1]}: {finding.hint}" for finding in personas.context(data)]


def test_a_window_shrinks() -> None:
    assert window() == []
    assert window(trigger=5_000, target=4_999) == []
    assert window(target=25_000) == ["target: make it less than trigger"]
    assert window(trigger=8_000) == ["trigger: write a target, which is 8000 otherwise"]
    assert window(trigger=100) == []  # the schema's to refuse
    assert window(trigger=True, target="8k") == []

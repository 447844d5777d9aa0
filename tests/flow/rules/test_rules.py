"""The rule sets together, on data of any shape; their words are in broken/."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.flow import speech
from gateway.flow.inherit import complete
from gateway.flow.rules import judge, numbers
from gateway.flow.schema import check, homes
from gateway.flow.source import Data
from gateway.flow.template import BUILT_IN


def against(data: Data) -> list[str]:
    found = (*speech.judge(data), *judge(complete(data, "desk.yaml"), "desk.yaml", data))
    return [finding.message for finding in found]


def test_what_the_call_knows_needs_no_variable() -> None:
    words = " ".join(f"{{{{{name}}}}}" for name in BUILT_IN)
    number: Data = {"label": "a", "number": "+1", "persona": "a"}
    assert against({"numbers": [number], "personas": {"a": {"instructions": words}}}) == []


def test_a_name_is_reported_once_a_text_and_used_in_any() -> None:
    text: Data = "{{x}} {{x}} {{ y }}"
    data: Data = {"variables": {"z": "1"}, "personas": {"a": {"instructions": text, "greeting": {"text": "{{ z }}"}}}}
    assert against(data) == ["there is no name 'x'", "there is no name 'y'", "no number leads to this flow"]


def test_an_announcement_uses_a_variable() -> None:
    data: Data = {"variables": {"z": "1"}, "defaults": {"fallback": {"say": "{{z}}"}}, "personas": {}}
    assert against(data) == ["no number leads to this flow"]


def test_lines_are_found_past_wrong_shapes() -> None:
    assert list(numbers({"numbers": [1, {"label": "x"}]})) == [(("numbers", 1), {"label": "x"})]


_WORDS = ["{{x}}", "ava", "office", "always", "mon-fri", "09:00-18:00", "22:00-06:00", "closed", "2026-02-30", "12-25"]
_WORDS += ["12-24 to 01-02", "2026-01-01 to 9999-12-31", "0000-01-01", "US", "UK", "+1", "+1900", "20m", "dial", "UTC"]
_ANY: st.SearchStrategy[Data] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(_WORDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*homes(), "ava", "office", "mon-fri", "fri"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(_ANY)
def test_no_data_crashes(data: Data) -> None:
    against(data)


_WEEK = st.dictionaries(st.sampled_from(["mon-fri", "fri", "sun-mon", "sun"]), _ANY, max_size=3)
_HOURS = st.fixed_dictionaries({"weekly": _WEEK, "holidays": st.lists(_ANY, max_size=4), "closed": _ANY})
_LIMITS = st.fixed_dictionaries({"allow": _ANY, "deny": st.lists(_ANY), "countries": st.lists(_ANY), "warn_at": _ANY})
_FLOW = st.fixed_dictionaries(
    {
        "defaults": _ANY,
        "numbers": st.lists(_ANY, max_size=3),
        "personas": _ANY,
        "hours": st.dictionaries(st.sampled_from(["office", "late"]), _HOURS, max_size=2),
        "limits": _LIMITS,
    }
)


@settings(deadline=None)
@given(_FLOW)
def test_no_flow_crashes(data: dict[str, Data]) -> None:
    against(data)
    check(data)

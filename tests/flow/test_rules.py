"""The rules on data of any shape; their words are in broken/."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.flow import speech
from gateway.flow.build import complete
from gateway.flow.rules import judge, numbers
from gateway.flow.source import Data
from gateway.flow.speech import entries, texts
from gateway.flow.template import BUILT_IN


def against(data: Data) -> list[str]:
    full = complete(data, "desk.yaml")
    return [finding.message for finding in (*speech.judge(full), *judge(full, "desk.yaml", data))]


def test_reads_past_wrong_shapes() -> None:
    assert entries({"a": {"b": {"c": 1}}}, "a", "b") == {"c": 1}
    assert entries({"a": []}, "a", "b") == {}
    assert list(numbers({"numbers": [1, {"label": "x"}]})) == [(("numbers", 1), {"label": "x"})]
    assert list(texts({"personas": {"a": {"instructions": 5, "idle": {"say": "x"}}}})) == [
        (("personas", "a", "idle", "say"), "x")
    ]


def test_what_the_call_knows_needs_no_variable() -> None:
    words = " ".join(f"{{{{{name}}}}}" for name in BUILT_IN)
    number: Data = {"label": "a", "number": "+1", "persona": "a"}
    assert against({"numbers": [number], "personas": {"a": {"instructions": words}}}) == []


def test_a_name_is_reported_once_a_text_and_used_in_any() -> None:
    text: Data = "{{x}} {{x}} {{ y }}"
    data: Data = {"variables": {"z": "1"}, "personas": {"a": {"instructions": text, "greeting": {"text": "{{ z }}"}}}}
    assert against(data) == ["there is no name 'x'", "there is no name 'y'", "no number leads to this flow"]


_ANY: st.SearchStrategy[Data] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["{{x}}", "ava"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["numbers", "personas", "variables", "languages", "allowed", "ava", "defaults", "timezone"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(_ANY)
def test_no_data_crashes(data: Data) -> None:
    against(data)

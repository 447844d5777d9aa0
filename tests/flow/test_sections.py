from __future__ import annotations

from gateway.flow.sections import announcements, entries, items, numbers
from gateway.flow.source import Data
from gateway.flow.speech import fixed_texts, texts


def test_reads_past_wrong_shapes() -> None:
    assert entries({"a": {"b": {"c": 1}}}, "a", "b") == {"c": 1}
    assert entries({"a": []}, "a", "b") == {}
    assert items({"a": {"b": [1]}}, "a", "b") == [1]
    assert items({"a": {"b": "x"}}, "a", "b") == []
    assert list(numbers({"numbers": [1, {"label": "x"}]})) == [(("numbers", 1), {"label": "x"})]


def test_announcements_and_their_texts() -> None:
    say: dict[str, Data] = {"say": "x"}
    data: Data = {
        "defaults": {"fallback": say},
        "numbers": [{"fallback": "x"}, {"fallback": {"say": 5}}],
        "hours": {"office": {"closed": say}, "late": {"closed": {"persona": "ava"}}, "never": 1},
    }
    assert list(announcements(data)) == [
        (("defaults", "fallback"), say),
        (("numbers", 1, "fallback"), {"say": 5}),
        (("hours", "office", "closed"), say),
        (("hours", "late", "closed"), {"persona": "ava"}),
    ]
    assert [path for path, _ in fixed_texts(data)] == [
        ("defaults", "fallback", "say"),
        ("hours", "office", "closed", "say"),
    ]


def test_texts_of_personas() -> None:
    assert list(texts({"personas": {"a": {"instructions": 5, "idle": {"say": "x"}}}})) == [
        (("personas", "a", "idle", "say"), "x")
    ]

from __future__ import annotations

import pytest

from gateway.flow.template import Hole, TemplateError, holes, names, render, without_holes


def test_names_in_order_repeats_included() -> None:
    assert names("{{b}} and {{ call.from }} and {{b}}, not {c} or }}") == ("b", "call.from", "b")
    assert names("no name") == ()


def test_renders_once() -> None:
    assert render("{{a}}-{{ b }}-{{a}}", {"a": "{{b}}", "b": "\\1"}) == "{{b}}-\\1-{{b}}"


@pytest.mark.parametrize(
    ("text", "piece"),
    [("a {{b", "{{b"), ("{{a}} {{b c\nd", "{{b c"), ("{{a {{b}}", "{{a "), ("{{ {a} }}", "{{ {a} }}")],
)
def test_an_open_name_is_a_fault(text: str, piece: str) -> None:
    with pytest.raises(TemplateError) as caught:
        names(text)
    assert caught.value.piece == piece
    assert str(caught.value) == f"'{{{{' is never closed: {piece}"


def test_a_missing_value_is_a_fault() -> None:
    with pytest.raises(TemplateError, match=r"there is no such name: \{\{b\}\}"):
        render("{{a}} {{b}}", {"a": "x"})


def test_holes_and_what_opens_none() -> None:
    assert list(holes("{{a}} {{{ b }}} {{}} {{c {{a}} {{{{")) == [
        Hole(0, "{{a}}", "a"),
        Hole(7, "{{ b }}", "b"),
        Hole(16, "{{}}", ""),
        Hole(21, "{{", None),
        Hole(25, "{{a}}", "a"),
        Hole(33, "{{", None),
    ]
    assert without_holes("{{{a}}} {{") == "{     } {{"

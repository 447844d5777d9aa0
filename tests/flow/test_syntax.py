"""PyYAML's words in ours. What people slip on is in broken/ and in test_flow_source; here what nobody has met yet."""

from __future__ import annotations

import yaml

from gateway.flow.syntax import explain
from gateway.flow.text import text_of


def test_words_that_are_new_are_passed_on() -> None:
    told = explain(yaml.MarkedYAMLError(problem="a new fault"), text_of("f.yaml", "a: 1"))
    assert str(told) == "f.yaml:1:1: not YAML: a new fault (check quotes, brackets and indentation)"


def test_a_mark_beyond_the_text_is_its_end() -> None:
    mark = yaml.Mark("f.yaml", 99, 9, 9, None, 0)
    told = explain(yaml.MarkedYAMLError(problem="a new fault", problem_mark=mark), text_of("f.yaml", "a: 1"))
    assert (told.place.line, told.place.column) == (1, 5)

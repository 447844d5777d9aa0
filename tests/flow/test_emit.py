"""Values as YAML: any reader takes them as they were meant, and what stands on one line stays on it."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.flow.emit import block, line
from gateway.flow.environment import fill
from gateway.flow.source import Data, read

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t:#'\"-0{}[]&*!|>%@`"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("500ms", "500ms"),
        ("+14155550100", '"+14155550100"'),
        ("no", '"no"'),
        ("Say: yes", '"Say: yes"'),
        ("one\nzwölf\n", '"one\\nzwölf\\n"'),
        ("a" * 500, "a" * 500),
        (None, "null"),
        (0.8, "0.8"),
        ([], "[]"),
        ({"say": "Hi.", "to": ["+1"]}, '{say: Hi., to: ["+1"]}'),
    ],
)
def test_on_one_line(value: Data, words: str) -> None:
    assert line(value) == words


def test_over_several_lines() -> None:
    assert block({"sat": ["09:00-12:00", "13:00-15:00"], "deny": ["+1900"]}) == (
        'sat:\n  - 09:00-12:00\n  - 13:00-15:00\ndeny:\n  - "+1900"\n'
    )


def test_the_same_list_twice_is_written_twice() -> None:
    shared: Data = ["+1"]
    assert block({"allow": shared, "deny": shared}) == 'allow:\n  - "+1"\ndeny:\n  - "+1"\n'


def test_what_the_environment_filled_in_stands_as_written() -> None:
    filled, _ = fill({"to": ["${NAME}"]}, {"NAME": "marker"})
    assert line(filled) == "{to: ['${NAME}']}".replace("'", '"')


@given(VALUES)
def test_a_line_is_one_and_reads_back(value: Data) -> None:
    words = line(value)
    assert len(words.split("\n")) == 1
    assert yaml.safe_load(f"key: {words}") == {"key": value}


@given(TEXTS)
def test_our_own_reader_takes_it_too(text: str) -> None:
    source, problems = read(f"key: {line(text)}\n".encode(), "a.yaml")
    assert (source.data, problems) == ({"key": text}, [])

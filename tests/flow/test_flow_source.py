from __future__ import annotations

import pytest

from gateway.flow.compose import MAX_DEPTH, MAX_VALUES
from gateway.flow.model import Finding
from gateway.flow.source import MAX_SEARCHES, Data, path_text, read
from gateway.flow.text import MAX_BYTES
from gateway.problem import Place


def data_of(text: str) -> Data:
    source, problems = read(text.encode(), "f.yaml")
    assert problems == []
    return source.data


def faults_of(raw: bytes) -> list[str]:
    return [str(problem) for problem in read(raw, "f.yaml")[1]]


TEXTS = (
    "+15551234567 no yes on off No TRUE True 09:30 22:30:15 0123 00 2026-12-25 2026-12-25T10:00:00Z 1_000 0x1F 0b1 0o17"
    " 1e3 .5 5. +5 .inf .nan = Null 4111111111111111"
)


@pytest.mark.parametrize("written", [*TEXTS.split(), "9" * 5000, "1." + "5" * 400])
def test_stays_as_written(written: str) -> None:
    assert data_of(f"key: {written}") == {"key": written}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *[("true", True), ("false", False), ("null", None), ("~", None), ("", None)],
        *[("0", 0), ("15551234567", 15551234567), ("-3", -3), ("0.8", 0.8), ("-1.50", -1.5)],
        *[('"1"', "1"), ("'true'", "true"), ('""', ""), ("|\n  no\n", "no\n")],
    ],
)
def test_means(written: str, value: Data) -> None:
    found = data_of(f"key: {written}")
    assert found == {"key": value}
    assert isinstance(found, dict)
    assert type(found["key"]) is type(value)


def test_keys_are_text_as_written() -> None:
    assert data_of("no: 1\n0123: 2\n09:30: 3\ntrue: 4\n1: 5") == {"no": 1, "0123": 2, "09:30": 3, "true": 4, "1": 5}


def test_an_alias_is_a_copy_at_its_own_place() -> None:
    source, problems = read(b"a: &x { b: 1 }\nc: *x\n", "f.yaml")
    assert problems == []
    assert source.data == {"a": {"b": 1}, "c": {"b": 1}}
    assert source.problem(Finding(("c",), "m")).place == Place("f.yaml", 2, 4)
    assert source.problem(Finding(("c", "b"), "m")).place == Place("f.yaml", 1, 12)


TEXT = "# é\nnumbers:\n  - label: 🦷 desk\n    number:\npersonas: { ava: { instructions: 'a {{b}}' } }\n"


@pytest.mark.parametrize(
    ("finding", "line", "column"),
    [
        (Finding(("numbers",), ""), 3, 3),
        (Finding(("numbers",), "", at="key"), 2, 1),
        (Finding(("numbers", 0), ""), 3, 5),
        (Finding(("numbers", 0, "label"), ""), 3, 12),
        (Finding(("numbers", 0, "label"), "", piece="desk"), 3, 14),
        (Finding(("numbers", 0, "number"), ""), 4, 5),
        (Finding(("numbers", 0, "persona"), ""), 3, 5),
        (Finding(("numbers", 7, "persona"), ""), 2, 1),
        (Finding(("personas", "ava", "instructions"), "", piece="{{b}}"), 5, 37),
        (Finding(("personas", "ava", "instructions"), "", piece="{{c}}"), 5, 34),
        (Finding(("personas", "ava", "model", "name"), ""), 5, 13),
        (Finding(("nothing", "here"), ""), 2, 1),
        (Finding((), ""), 2, 1),
    ],
)
def test_places(finding: Finding, line: int, column: int) -> None:
    source, problems = read(TEXT.encode(), "f.yaml")
    assert problems == []
    problem = source.problem(finding)
    assert problem.place == Place("f.yaml", line, column)
    assert problem.source == TEXT.split("\n")[line - 1]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_in_editors(end: str) -> None:
    source, _ = read(f'a: 1{end}b: "x\u2028y"{end}c: 3'.encode(), "f.yaml")
    assert source.problem(Finding(("c",), "")).place == Place("f.yaml", 3, 4)


def test_caret() -> None:
    problem = read(b"a:\n  b: 1\n  b: 2\n", "f.yaml")[1][0]
    assert problem.with_caret() == "f.yaml:3:3: a.b: written twice (first on line 2)\n      b: 2\n      ^"


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "f.yaml:1:1: the file is empty (start with: version: 1)"),
        (b"# only this\n", "f.yaml:1:1: the file is empty (start with: version: 1)"),
        (b"---\n...\n", "f.yaml:1:1: the file is empty (start with: version: 1)"),
        (b"~", "f.yaml:1:1: the file is empty (start with: version: 1)"),
        (b"\xef\xbb\xbfa: 1", "f.yaml:1:1: the file starts with a byte order mark (save it as UTF-8 without BOM)"),
        (b"a: 1\nb: \xff", "f.yaml:2:4: not UTF-8 (save the file as UTF-8)"),
        ("a: 1".encode("utf-16"), "f.yaml:1:1: not UTF-8 (save the file as UTF-8)"),
        ("a: x\ufeff".encode(), "f.yaml:1:5: the character U+FEFF is not allowed here (remove it)"),
        (b"a: \x00", "f.yaml:1:4: the character U+0000 is not allowed here (remove it)"),
        (b"a" * (MAX_BYTES + 1), "f.yaml:1:1: the file is larger than 1 MiB (a flow is written by hand: split it)"),
        (b"a: !<> b", "f.yaml:1:4: a value can't start with '!' (put the value in quotes)"),
        (b"a: !e!x b", "f.yaml:1:4: a tag is not taken (remove it, or put the value in quotes)"),
        (b"!<a: b", "f.yaml:1:1: a value can't start with '!' (put the value in quotes)"),
        (b"a: !{b}", "f.yaml:1:4: a value can't start with '!' (put the value in quotes)"),
        (b"a: x\n\xc2\xa0b: 2: 3", "f.yaml:2:1: U+00A0 where a space belongs (indent with plain spaces)"),
        (b"a: 1 ] }\nb: [c", "f.yaml:2:4: the bracket is never closed (close it)"),
        (b"a:\n  b\n  c: { d: 1 }\n", "f.yaml:2:3: a key without ': ' after it (write key: value)"),
        (b"a: { b: 'c' d: e }", "f.yaml:1:13: a ',' or '}' is missing before this (check the brackets)"),
        (b"a: { b: [c] d: e }", "f.yaml:1:13: a ',' or '}' is missing before this (check the brackets)"),
        (b"a: |5x", "f.yaml:1:4: a value can't start with '|' (put the value in quotes)"),
        (b"a: &x\n", None),
        (b"? &x\n: 1\n", "f.yaml:1:3: a key is missing before ':' (write key: value)"),
        (b'"a\\n": !x 1', "f.yaml:1:8: the tag '!x' is not taken (remove it, or put the value in quotes)"),
        (b'"a\\e[31m": 1', "f.yaml:1:1: an escape for the character U+001B, which is not allowed (remove it)"),
        (b"a: &x 1\nb: &x 2\nc: *x", None),
    ],
)
def test_bytes_that_are_no_flow(raw: bytes, told: str | None) -> None:
    assert faults_of(raw) == ([] if told is None else [told])


def test_all_faults_of_the_yaml_at_once() -> None:
    assert faults_of(b"a: !x 1\na: 2\n<<: { b: 1 }\nc: *d\n? [e]\n: 1\n") == [
        "f.yaml:1:4: the tag '!x' is not taken (remove it, or put the value in quotes)",
        "f.yaml:4:4: there is no anchor '&d' (write the value out)",
        "f.yaml:2:1: a: written twice (first on line 1)",
        'f.yaml:3:1: ["<<"]: merge keys are not taken (write the keys out)',
        "f.yaml:5:3: a list or mapping can't be a key (a key is a word)",
    ]


def test_a_billion_laughs_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert faults_of("\n".join(lines).encode()) == [
        f"f.yaml:5:5: more than {MAX_VALUES} values, aliases counted (a flow is written by hand)"
    ]


def test_too_many_values_are_refused() -> None:
    told = f"f.yaml:{MAX_VALUES}:3: more than {MAX_VALUES} values (a flow is written by hand)"
    assert faults_of(b"- a\n" * 200_000) == [told]


def test_deep_through_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 2000))]
    (told,) = faults_of("\n".join(lines).encode())
    assert f"nested more than {MAX_DEPTH} deep, aliases counted" in told


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "a:\n "])
def test_deep_nesting_is_refused_early(opening: str) -> None:
    (told,) = faults_of((opening * 50_000).encode())
    assert told.startswith("f.yaml:")


def test_a_path_as_people_read_it() -> None:
    assert path_text(()) == ""
    assert path_text(("numbers", 0, "persona")) == "numbers[0].persona"
    assert path_text(("personas", "Night Shift", "vad")) == 'personas["Night Shift"].vad'
    assert path_text(('a"\n',)) == '["a\\"\\n"]'


def test_what_is_quoted_can_not_steer_a_terminal() -> None:
    source, _ = read(b"a: 1", "f.yaml")
    assert source.problem(Finding(("a",), "\x1b[31m\n", "\u2028")).words() == "a: ?[31m? (?)"


@pytest.mark.parametrize("text", ["[&a to us, *a]", "{x: &a 'to us', y: &b {z: 1}, v: &c [1]}", "x: &a |\n  to us\n"])
def test_an_anchor_that_swallows_no_word(text: str) -> None:
    assert read(text.encode(), "f.yaml")[1] == []


def test_an_anchor_that_swallows_a_word() -> None:
    problems = read(b"x: &Welcome to us\ny: [&a b, *c, &d e, *d]\n&z k: v\n", "f.yaml")[1]
    assert [str(problem) for problem in problems if "anchor" not in str(problem)] == [
        f"f.yaml:{place}: '&{name}' is no part of the text after it (put the value in quotes, or remove it)"
        for place, name in [("1:4", "Welcome"), ("2:5", "a"), ("3:1", "z")]
    ]


def test_pieces_of_a_text_stand_where_they_are_written() -> None:
    raw = b'a: "{{x}} ${Y:-{{z}}} {{x}} {{{w}}} ${MORE"\nb: "{{\\x71}} {{q}}"\n'
    source, problems = read(raw, "desk.yaml")
    assert problems == []

    def column(path: str, piece: str, nth: int = 0) -> int:
        return source.problem(Finding((path,), "", piece=piece, nth=nth)).place.column

    assert [column("a", "{{x}}", nth) for nth in (0, 1, 2)] == [5, 23, 4]
    assert (column("a", "${Y:-{{z}"), column("a", "{{w}}"), column("a", "${MORE")) == (11, 30, 37)
    assert (column("b", "{{q}}"), column("b", "{{"), column("b", "nothing")) == (14, 5, 4)


def test_of_very_many_pieces_that_are_not_written_so_the_text_itself_is_named() -> None:
    source, _ = read(b"a: x one y\n", "desk.yaml")
    for _ in range(MAX_SEARCHES - 1):
        source.problem(Finding(("a",), "", piece="{{z}}"))
    columns = [source.problem(Finding(("a",), "", piece="one")).place.column for _ in range(2)]
    assert columns == [6, 4]

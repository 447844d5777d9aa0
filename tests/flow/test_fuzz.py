"""Whatever is written, reading it gives flows or faults with a place inside the file, soon: no crash, no hang."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import catalog
from gateway.flow.load import FlowError
from gateway.problem import Form, Problem, render

FORMS: tuple[Form, ...] = ("text", "json", "sarif", "github")
ROOT = Path(__file__).parent.parent.parent
SAMPLES = [path.read_bytes() for path in [*sorted(ROOT.glob("flows/*.yaml")), ROOT / "bench" / "flow.yaml"]]
BROKEN = [path.read_bytes() for path in sorted((Path(__file__).parent / "broken").glob("*.yaml"))]
PATIENCE_S = 5.0  # of a busy machine; a file of a flow's size takes milliseconds

# What means something to YAML, to the flow language or to a terminal.
TOKENS = [
    *(b": ", b"- ", b"\n", b"  ", b"\t", b"#", b"&a ", b"*a", b"!!str ", b"|\n", b">\n", b"---\n", b"...\n", b"? "),
    *(b"{", b"}", b"[", b"]", b",", b'"', b"'", b"\\", b"%", b"@", b"`", b"{{", b"}}", b"{{call.from}}", b"${", b"}"),
    *(b"${X:-", b"${secret:X}", b"<<: *a", b"~", b"null", b"true", b"no", b"0123", b"+1555", b"09:30", b"1e999"),
    *(b"24:00-00:00", b"22:00-06:00", b"mon-fri", b"02-30", b"always", b"closed", b"10/h", b"300ms", b"REPLACEME"),
    *(b"\xff", b"\x00", b"\x1b[2J", b"\xc2\xa0", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\r", "٣é😀".encode(), b"a" * 300),
    *(b"version: 1\n", b"numbers:\n", b"personas:\n", b"hours:\n", b"limits:\n", b"defaults:\n", b"gemini: { a: 1 }"),
    *(b"tools:\n", b"tools: [goodbye]\n", b"{ type: hangup }", b"mode: gateway\n", b"max_cost: 0.5\n"),
]


def check(raw: bytes, folder: Path, env: dict[str, str] | None = None) -> None:
    file = folder / "flow.yaml"
    file.write_bytes(raw)
    begun = time.monotonic()
    try:
        problems = catalog.load(file, env or {}).warnings
    except FlowError as error:
        problems = error.problems
        assert any(problem.severity == "error" for problem in problems)
    for problem in problems:
        within(problem, raw, file)
    for form in FORMS:
        assert "\x1b" not in render(problems, form)
    assert time.monotonic() - begun < PATIENCE_S


def within(problem: Problem, raw: bytes, file: Path) -> None:
    """The place is in the file: its line exists, and its column is at most one past that line's end."""
    assert problem.place.file == str(file)
    assert problem.message
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    assert 1 <= problem.place.line <= len(lines)
    assert 1 <= problem.place.column <= len(lines[problem.place.line - 1]) + 2


def mutated(dice: random.Random) -> bytes:
    """A sample with a few things put in, taken out, doubled or moved."""
    raw = bytearray(dice.choice(SAMPLES if dice.random() < 0.6 else BROKEN))
    for _ in range(dice.randint(1, 6)):
        dice.choice(CHANGES)(raw, dice)
    return bytes(raw)


def put_in(raw: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(raw) + 1)
    raw[at:at] = dice.choice(TOKENS)


def take_out(raw: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(raw) + 1)
    del raw[at : at + dice.randint(1, 12)]


def replace_one(raw: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(raw) + 1)
    raw[at : at + 1] = bytes([dice.randrange(256)])


def move_lines(raw: bytearray, dice: random.Random) -> None:
    lines = raw.split(b"\n")
    if dice.random() < 0.2:
        dice.shuffle(lines)
    else:
        lines.insert(dice.randrange(len(lines)), dice.choice(lines))
    raw[:] = b"\n".join(lines)


def cut(raw: bytearray, dice: random.Random) -> None:
    del raw[dice.randrange(len(raw) + 1) :]


def indent(raw: bytearray, dice: random.Random) -> None:
    lines = raw.split(b"\n")
    at = dice.randrange(len(lines))
    lines[at] = bytearray(b" " * dice.randint(1, 3) + lines[at]) if dice.random() < 0.5 else lines[at].lstrip()
    raw[:] = b"\n".join(lines)


Change = Callable[[bytearray, random.Random], None]
CHANGES: tuple[Change, ...] = (put_in, put_in, take_out, replace_one, move_lines, cut, indent)


def run(count: int, folder: Path, seed: int) -> None:
    dice = random.Random(seed)
    for nth in range(count):
        raw = mutated(dice)
        (folder / "last.yaml").write_bytes(raw)  # pytest keeps the folder of a test that fails
        check(raw, folder, {"X": "x{{y}}${"} if nth % 3 else {})


def test_mutated_samples(tmp_path: Path) -> None:
    run(300, tmp_path, seed=1)


@pytest.mark.slow
def test_twenty_thousand_mutated_samples(tmp_path: Path) -> None:
    """`pytest -m slow tests/flow/test_fuzz.py`: a minute and a half."""
    run(20_000, tmp_path, seed=2)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes(tmp_path: Path, raw: bytes) -> None:
    check(raw, tmp_path)


def anchors(levels: int) -> bytes:
    """The billion laughs: each line holds the last one nine times."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines).encode()


def said(text: bytes) -> bytes:
    """A flow in which the text is what the agent is told."""
    return b"version: 1\npersonas: { a: { instructions: %s } }\n" % text


BOMBS = {
    "billion laughs": anchors(10),
    "deep lists": b"[" * 100_000,
    "deep keys": b"".join(b" " * n + b"a:\n" for n in range(1_000)),
    "deep inline keys": b"{a: " * 50_000,
    "ten megabytes in one line": b"description: " + b"x" * 10_000_000,
    "a megabyte of spaces": b" " * 1_000_000,
    "a megabyte of line feeds": b"\n" * 1_000_000,
    "a megabyte in one scalar": b"version: 1\npersonas: { a: { instructions: '" + b"x" * 1_000_000 + b"' } }\n",
    "many open quotes": b"a: '\n" * 100_000,
    "many open braces in a text": b"version: 1\npersonas: { a: { instructions: '" + b"{{" * 200_000 + b"' } }\n",
    "many open environment names": b"version: 1\npersonas: { a: { instructions: '" + b"${" * 200_000 + b"' } }\n",
    "many names that nobody knows": said(b"'%s'" % b"".join(b"{{n%d}}" % n for n in range(30_000))),
    "many variables that are not set": said(b"'%s'" % b"".join(b"${N%d}" % n for n in range(30_000))),
    "many names in escapes": said(b'"%s"' % b"".join(b"{{\\x6e%d}}" % n for n in range(30_000))),
    "many lines that dial the next": b"version: 1\nnumbers:\n"
    + b"".join(
        b"  - { label: l%d, number: '+1415%07d', fallback: { say: x, then: dial, to: '+1415%07d' } }\n"
        % (n, n, (n * 7 + 1) % 1_900)
        for n in range(1_900)
    ),
    "many numbers": b"version: 1\nnumbers:\n" + b"".join(b"  - { label: l%d }\n" % n for n in range(15_000)),
    "many holidays": b"version: 1\nhours: { a: { weekly: { mon: closed }, closed: { say: x }, holidays: ["
    + b"12-25, " * 6_000
    + b"] } }\n",
    "many ranges": b"version: 1\nhours: { a: { weekly: { mon: [" + b'"09:00-10:00", ' * 6_000 + b"] } } }\n",
    "many prefixes": b"version: 1\nlimits: { deny: [" + b"".join(b'"+1%05d", ' % n for n in range(8_000)) + b"] }\n",
}


@pytest.mark.parametrize("raw", BOMBS.values(), ids=BOMBS.keys())
def test_no_text_is_a_bomb(tmp_path: Path, raw: bytes) -> None:
    check(raw, tmp_path)


WORDS = ["x{{y}}", "{{", "${", "\x1b[2J", "\n- a: b", "x" * 100_000, "\u2028", ": {[", "REPLACEME"]


@pytest.mark.parametrize("words", WORDS)
def test_whatever_the_environment_holds(tmp_path: Path, words: str) -> None:
    text = (ROOT / "bench" / "flow.yaml").read_text("utf-8")
    for old in ("Harbour Dental", "12-25", "night", "office", "+1900", "Aoede", "18:00"):
        check(text.replace(old, "${X}", 1).encode(), tmp_path, {"X": words})

"""Lines that dial each other: who is told, where, and how surely the call goes round."""

from __future__ import annotations

import time
from pathlib import Path

from gateway.flow.rings import rings
from gateway.flow.source import Data
from tests.flow.samples import said

ROUND = "would go round for ever (write a number that is no line here)"
PERSONA = "personas: { ava: { instructions: x } }\n"


def line(label: str, own: int, dials: int | None = None, hours: str = "") -> str:
    """One line on one line; `dials` is its fallback."""
    then = f', fallback: {{ say: x, then: dial, to: "+1415555{dials:04}" }}' if dials else ""
    follows = f", hours: {hours}" if hours else ""
    return f'  - {{ label: {label}, number: "+1415555{own:04}", persona: ava{follows}{then} }}\n'


def closed(name: str, dials: int) -> str:
    who = f'{{ say: x, then: dial, to: "+1415555{dials:04}" }}'
    return f'  {name}: {{ weekly: {{ mon: "09:00-12:00" }}, closed: {who} }}\n'


def write(folder: Path, name: str, lines: str, hours: str = "") -> None:
    text = f"version: 1\nnumbers:\n{lines}{PERSONA}" + (f"hours:\n{hours}" if hours else "")
    (folder / name).write_text(text, encoding="utf-8")


def test_fallbacks_of_two_files(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", line("town", 101, 102))
    write(tmp_path, "b.yaml", line("lake", 102, 101))
    assert said(tmp_path) == [
        f"b.yaml:3:94: numbers[0].fallback.to: the fallback of a.yaml:3 leads back to this line: the call {ROUND}"
    ]


def test_a_fallback_from_defaults_is_told_where_it_is_written(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", line("town", 101, 102))
    write(tmp_path, "b.yaml", line("lake", 102))
    shared = 'defaults: { fallback: { say: x, then: dial, to: "+14155550101" } }\n'
    (tmp_path / "b.yaml").write_text((tmp_path / "b.yaml").read_text() + shared)
    assert said(tmp_path) == [
        f"b.yaml:5:49: defaults.fallback.to: the fallback of a.yaml:3 leads back to this line: the call {ROUND}"
    ]


def test_closed_hours_that_dial_each_other_may_be_meant(tmp_path: Path) -> None:
    """By day one, by night the other: the gateway can't know that one of them is always open."""
    write(
        tmp_path,
        "a.yaml",
        line("day", 101, hours="d") + line("night", 102, hours="n"),
        closed("d", 102) + closed("n", 101),
    )
    words = "numbers[1] dials numbers[0], which may dial it back: with nobody at either a call"
    assert said(tmp_path) == [f"a.yaml:8:74: warning: hours.n.closed.to: {words} {ROUND}"]


def test_closed_in_one_file_and_a_fallback_in_another(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", line("day", 101, hours="d"), closed("d", 102))
    write(tmp_path, "b.yaml", line("night", 102, 101))
    words = "numbers[0] dials a.yaml:3, which may dial it back: with nobody at either a call"
    assert said(tmp_path) == [f"b.yaml:3:95: warning: numbers[0].fallback.to: {words} {ROUND}"]


def test_a_chain_is_no_ring(tmp_path: Path) -> None:
    write(
        tmp_path, "a.yaml", line("one", 101, 102) + line("two", 102, 103) + line("three", 103) + line("four", 104, 102)
    )
    assert said(tmp_path) == []


def numbered(count: int, dialled: int) -> Data:
    """Lines that each dial a later one, but for the last, which dials the first."""
    lines: list[Data] = []
    for n in range(count):
        section: Data = {"then": "dial", "to": f"+{(n + dialled) % count}"}
        lines.append({"number": f"+{n}", "fallback": section, "hours": f"h{n}"})
    hours: Data = {f"h{n}": {"closed": {"then": "dial", "to": "+0"}} for n in range(count)}
    return {"numbers": lines, "hours": hours}


def test_ten_thousand_lines_in_one_ring_are_one_ring_and_soon_told() -> None:
    begun = time.monotonic()
    sure = [ring for ring in rings([numbered(10_000, 1)]) if ring.sure]
    assert [ring.line for ring in sure] == [(0, ("numbers", 9_999))]
    assert time.monotonic() - begun < 5.0


def test_whatever_shape_the_data_has() -> None:
    odd: list[Data] = [None, 5, {"numbers": 5}, {"numbers": [5, {"number": 5, "fallback": 5, "hours": 5}]}]
    odd += [{"numbers": [{"number": "+1", "hours": "x"}], "hours": 5}, {"numbers": [{"number": "+1", "hours": "x"}]}]
    assert list(rings(odd)) == []

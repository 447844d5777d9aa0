"""Lines that are well, or nearly wrong; the words of faults are in broken/."""

from __future__ import annotations

import pytest

from gateway.flow.near import MAX_NEAR
from gateway.flow.rules.lines import judge
from gateway.flow.source import Data

PERSONAS: Data = {"ava": {"languages": {"allowed": ["en-US", "es-US"]}}, "eve": {}}


def against(*numbers: Data, **more: Data) -> list[str]:
    found = judge({"numbers": list(numbers), "personas": PERSONAS, **more})
    return [".".join(map(str, finding.path)) for finding in found]


@pytest.mark.parametrize(
    "number",
    [
        {"number": "+14155550100", "persona": "ava", "language": "es-US"},
        {"number": "+14155550100", "persona": "eve", "language": "de-DE"},  # it speaks what the line asks for
        {"number": "+14155550100", "persona": "ava", "hours": "always"},
        {"search": {"country": "CA", "area_code": "204"}, "persona": "ava"},
        {"search": {"country": "DE", "contains": "30"}, "persona": "ava"},
        {"search": {"country": "${COUNTRY}", "area_code": "204"}, "persona": ["ava"]},
        {"search": 5, "persona": 5, "hours": 5, "language": 5},
        5,
    ],
)
def test_lines_that_are_well(number: Data) -> None:
    assert against(number) == []


def test_a_language_of_a_persona_that_is_not_there_is_not_told_as_well() -> None:
    assert against({"number": "+1", "persona": "avva", "language": "de-DE"}) == ["numbers.0.persona"]


def test_hours_that_all_lines_inherit_are_told_once() -> None:
    lines: list[Data] = [{"number": "+1", "persona": "ava"}, {"number": "+2", "persona": "ava"}]
    assert against(*lines, defaults={"hours": "office"}) == ["defaults.hours"]
    assert against(*lines, defaults={"hours": "office"}, hours={"office": {}}) == []
    assert against(*lines, defaults={"hours": "always"}) == []


def test_hints_stop_after_many() -> None:
    lines: list[Data] = [{"number": "+1", "persona": "avva"} for _ in range(MAX_NEAR + 2)]
    hints = [finding.hint for finding in judge({"numbers": lines, "personas": PERSONAS})]
    assert hints == ["did you mean 'ava'?"] * MAX_NEAR + ["", ""]

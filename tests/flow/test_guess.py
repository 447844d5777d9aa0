"""What people type at a front desk, and what it is taken to mean. Nothing: nobody can know."""

from __future__ import annotations

import pytest

from gateway.flow import guess, schema
from gateway.flow.environment import fill


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("+41 44 555 01 00", "+41445550100"),
        ("+41 (0)44 555 01 00", "+41445550100"),
        ("0041-44-555-01-00", "+41445550100"),
        ("+1 (415) 555-0100", "+14155550100"),
        ("+1900*", "+1900"),
        ("044 555 01 00", "0445550100"),  # which the schema refuses: no country
    ],
)
def test_phone_numbers(written: str, meant: str) -> None:
    assert guess.phone(written) == meant


@pytest.mark.parametrize("written", ["say-goodbye", "Say goodbye", "say_goodbye!"])
def test_tools(written: str) -> None:
    assert guess.tool(written) == "say_goodbye"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("14 minutes", "14m"),
        ("1 min.", "1m"),
        ("12 s", "12s"),
        ("300 MS", "300ms"),
        ("2 hrs", "2h"),
        ("a minute", ""),
        ("12 moons", ""),
    ],
)
def test_durations(written: str, meant: str) -> None:
    assert guess.duration(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Monday", "mon"),
        ("Mon-Fri", "mon-fri"),
        ("mon - fri", "mon-fri"),
        ("Monday to Friday", "mon-fri"),
        ("Weekdays", "mon-fri"),
        ("weekend", "sat-sun"),
        ("every day", "mon-sun"),
        ("payday", "pay"),  # which the schema refuses
    ],
)
def test_days(written: str, meant: str) -> None:
    assert guess.days(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [("10 per hour", "10/h"), ("10 calls a day", "10/d"), ("5/minute", "5/m"), ("10/week", ""), ("often", "")],
)
def test_rates(written: str, meant: str) -> None:
    assert guess.rate(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("25.12.", "12-25"),
        ("1.8.2027", "2027-08-01"),
        ("24/12/2026", "2026-12-24"),
        ("12/24/2026", "2026-12-24"),
        ("05/06", ""),  # May or June
        ("05/05", "05-05"),
        ("13/13", ""),
        ("2026/12/25", "2026-12-25"),
        ("Dec 25", "12-25"),
        ("December 25, 2026", "2026-12-25"),
        ("1 August", "08-01"),
        ("25. Dec. 2026", "2026-12-25"),
        ("31.02.", ""),
        ("25 Foo", ""),
        ("2026-12-24 - 2027-01-02", "2026-12-24 to 2027-01-02"),
        ("24.12. - 26.12.", "12-24 to 12-26"),
        ("easter", ""),
        ("12-24 to easter", ""),
        ("12-24 to 12-25 to 12-26", ""),
    ],
)
def test_dates(written: str, meant: str) -> None:
    assert guess.dates(written) == meant


def test_what_the_environment_filled_in_is_not_guessed_at() -> None:
    written, _ = fill({"limits": {"per_caller": "${RATE}", "max_duration": "14 minutes"}}, {"RATE": "10 per hour"})
    hints = {finding.path[-1]: finding.hint for finding in schema.check(written) if finding.path[:1] == ("limits",)}
    assert hints == {"per_caller": "such as 10/h", "max_duration": "did you mean '14m'?"}


def test_a_long_text_is_no_typing_error() -> None:
    found = schema.check({"hours": {"o": {"weekly": {"mon": "9-12," * 20 + "13-15"}, "holidays": [" " * 100_000]}}})
    assert {finding.hint for finding in found if finding.path[:1] == ("hours",) and finding.at != "key"} == {
        "such as 09:00-18:00",
        "such as 2026-12-25",
    }

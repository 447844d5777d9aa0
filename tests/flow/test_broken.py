"""Every file in `broken/` has one fault; its first line says what `load` must say, word for word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.flow.schema import document, section_of, walk
from tests.flow.samples import said

FOLDER = Path(__file__).parent / "broken"
FILES = sorted(FOLDER.glob("*.yaml"))
_SUBJECT = re.compile(r"[^:]+:\d+:\d+: (?:warning: )?([A-Za-z_]\S*): ")
_STEP = re.compile(r'([A-Za-z_][\w-]*)|\[(\d+)\]|\["([^"]*)"\]')


def expected(file: Path) -> str:
    return file.read_bytes().split(b"\n", 1)[0].decode("utf-8").removeprefix("# expect: ")


def subjects() -> Iterator[str]:
    """The places of the schema that the expectations speak of: `numbers[].search.country`."""
    for file in FILES:
        if found := _SUBJECT.match(expected(file)):
            steps = _STEP.findall(found[1])
            yield section_of(tuple(int(index) if index else word or quoted for word, index, quoted in steps))


def test_there_are_many() -> None:
    assert len(FILES) >= 300


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_says_exactly_what_its_first_line_expects(file: Path) -> None:
    assert said(file) == [expected(file)]


def test_together_the_folder_says_each_files_one_fault() -> None:
    """No file's fault hides or breeds another's, and they come in file order."""
    files = [line.split(":", 1)[0] for line in said(FOLDER)]
    assert files == [file.name for file in FILES]


def test_each_key_is_at_fault_somewhere() -> None:
    keys = {f"{place}.{name}".strip(".") for place, name, _ in walk(document())}
    assert keys - set(subjects()) == set()


def test_several_faults_in_one_file_come_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "desk.yaml").write_text(
        "version: 1\n"
        "defaults: { hours: offise, timezone: Mars/Base, fallback: { say: '{{call.to}}', to: '+14155550123' } }\n"
        "numbers:\n"
        "  - { label: desk, persona: ava, search: { country: GB, area_code: '415' }, timezone: Mars/Base }\n"
        "  - { label: side, persona: ava, hours: ofice, fallback: { then: dial } }\n"
        "hours:\n"
        "  office:\n"
        "    weekly: { mon-fri: ['09:00-12:00', '11:00-11:00', '11:00-13:00'], fri: 9-5, sat: closed }\n"
        "    holidays: [2026-02-29, 12-25, { date: 12-25, open: soon }]\n"
        "    closed: { persona: nobody, then: dial }\n"
        "personas:\n"
        "  ava: { instructions: x }\n"
        "limits: { warn_at: 30m, per_caller: 5, allow: ['+49'], countries: [UK, US], concurrent_calls: 0 }\n"
    )
    assert [line.split(" ")[0].removeprefix("desk.yaml:") + line.split(": ")[1] for line in said(tmp_path)] == [
        "2:20:defaults.hours",
        "2:38:defaults.timezone",
        "2:67:defaults.fallback.say",
        "2:81:defaults.fallback.to",
        "4:68:numbers[0].search.area_code",
        "4:87:numbers[0].timezone",
        "5:5:numbers[1].number",
        "5:41:numbers[1].hours",
        "5:48:numbers[1].fallback.say",
        "5:48:numbers[1].fallback.to",
        "8:40:hours.office.weekly.mon-fri[1]",
        "8:55:hours.office.weekly.mon-fri[2]",
        "8:76:hours.office.weekly.fri",
        "9:16:hours.office.holidays[0]",
        "9:43:hours.office.holidays[2].date",
        "9:56:hours.office.holidays[2].open",
        "10:24:hours.office.closed.persona",
        "10:32:hours.office.closed.then",
        "13:20:limits.warn_at",
        "13:37:limits.per_caller",
        "13:48:warning",
        "13:68:limits.countries[0]",
        "13:95:limits.concurrent_calls",
    ]

"""Every file in `broken/` has one fault; its first line says what `load` must say, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow.samples import said

FOLDER = Path(__file__).parent / "broken"
FILES = sorted(FOLDER.glob("*.yaml"))


def test_there_are_many() -> None:
    assert len(FILES) >= 90


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_says_exactly_what_its_first_line_expects(file: Path) -> None:
    first = file.read_bytes().split(b"\n", 1)[0].decode("utf-8")
    assert said(file) == [first.removeprefix("# expect: ")]


def test_together_the_folder_says_each_files_one_fault() -> None:
    """No file's fault hides or breeds another's, and they come in file order."""
    files = [line.split(":", 1)[0] for line in said(FOLDER)]
    assert files == [file.name for file in FILES]

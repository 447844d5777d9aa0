"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gateway import files


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "a.json"
    files.replace(file, "one\n")
    files.replace(file, "zwö\n")
    assert file.read_bytes() == "zwö\n".encode()
    assert list(file.parent.iterdir()) == [file]


def test_others_may_read_it_as_any_file(tmp_path: Path) -> None:
    (tmp_path / "usual").write_text("")
    files.replace(tmp_path / "ours", "")
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == stat.S_IMODE((tmp_path / "usual").stat().st_mode)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("one")
    (tmp_path / "link").symlink_to("target")
    files.replace(tmp_path / "link", "two")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "two"


def test_what_fails_half_way_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.json"
    files.replace(file, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.replace(file, "new")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_there_is_not_created_again(tmp_path: Path) -> None:
    file = tmp_path / "new" / "a.yaml"
    files.create(file, "one")
    with pytest.raises(FileExistsError):
        files.create(file, "two")
    assert file.read_text() == "one"


def test_how_a_file_compares(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    assert files.compare(file, "ü") == "missing"
    file.write_text("ü", encoding="utf-8")
    assert files.compare(file, "ü") == "current"
    assert files.compare(file, "u") == "stale"
    with pytest.raises(OSError, match="directory"):
        files.compare(tmp_path, "")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for write in (files.create, files.replace):
        with pytest.raises(NotADirectoryError, match="Not a directory"):
            write(tmp_path / "file" / "a.yaml", "")

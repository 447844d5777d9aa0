"""What the reading child says, in this process; `test_watch.py` runs it as a process."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.flow import compile as artefact
from gateway.flow.load import Flows, load
from gateway.server import reading
from gateway.server.reading import Child, Source, problem_of
from tests.server.world import FLOW


def said(folder: Path) -> list[tuple[str, object]]:
    out = io.StringIO()
    reading.main(folder, {}, out)
    return [(line[0], json.loads(line[1:])) for line in out.getvalue().splitlines()]


def write(folder: Path, text: str) -> Path:
    (folder / "clinic.yaml").write_text(text, encoding="utf-8")
    return folder


def test_flows_then_warnings_then_the_hash_of_all(tmp_path: Path) -> None:
    write(tmp_path, FLOW + "variables: { unused: x }\n")
    flows = load(tmp_path, {})
    (flow, warning, end) = said(tmp_path)
    assert flow == ("F", artefact.compile_flows(flows))
    assert warning[0] == "P"
    assert end == ("H", artefact.fingerprint(flows))


def test_faults_alone_and_no_hash(tmp_path: Path) -> None:
    write(tmp_path, "version: 2\nvariables: { unused: x }\n")
    told = said(tmp_path)
    assert told[-1] == ("H", "")
    assert {kind for kind, _ in told[:-1]} == {"P"}
    first = told[0][1]
    assert isinstance(first, Mapping)
    problem = problem_of(first)
    assert str(problem).startswith(f"{tmp_path}/clinic.yaml:1:")
    assert problem.source == ""  # a line of the file may hold what is private
    assert all(isinstance(plain, Mapping) and plain["severity"] == "error" for _, plain in told[:-1])


def test_of_a_bug_the_place_is_told_and_no_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load_(path: Path, env: Mapping[str, str]) -> Flows:
        raise RuntimeError("m4rk")

    monkeypatch.setattr(reading, "load", load_)
    (told, end) = said(tmp_path)
    assert end == ("H", "")
    assert isinstance(told[1], Mapping)
    assert told[1]["message"].startswith("a bug of ours: RuntimeError in test_reading.py:")
    assert "m4rk" not in str(told)


def test_a_child_that_is_stopped_before_it_began_never_begins(tmp_path: Path) -> None:
    child = Child(Source(tmp_path / "nowhere", {}))
    child.stop()
    assert child.run() == (b"", -9)


def test_the_environment_is_not_in_the_text_of_a_source() -> None:
    assert "m4rk" not in repr(Source(Path("flows"), {"KEY": "m4rk"}))

"""`gateway new` writes a flow that is in order as it is, under any name that a flow may have."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from gateway import catalog
from gateway.flow.starter import is_name, slug, starter

SCHEMA = Path(__file__).parent.parent.parent / "schemas" / "flow.schema.json"


def write(folder: Path, name: str) -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(starter(name, file), encoding="utf-8")
    return file


@pytest.mark.parametrize("name", ["harbour-dental", "24h", "123", "0", "no", "null", "true", "a" * 63, "1-2", "1e3"])
def test_it_is_in_order_as_it_is(tmp_path: Path, name: str) -> None:
    flows = catalog.load(write(tmp_path, name), {})
    assert flows.warnings == ()
    (flow,) = flows.flows
    assert (flow.name, [line.label for line in flow.numbers]) == (name, [name])


def test_it_shows_what_a_flow_can_say(tmp_path: Path) -> None:
    (flow,) = catalog.load(write(tmp_path, "harbour-dental"), {}).flows
    assert {name: len(holiday.open) for holiday in flow.hours["office"].holidays if (name := holiday.name)} == {
        "Christmas": 0,
        "New Year's Eve": 1,
    }
    assert flow.hours["office"].closed.persona == "night"
    assert flow.numbers[0].fallback is not None
    assert flow.limits.per_caller is not None
    assert flow.variables == {"business": "Harbour Dental"}


def test_the_number_comes_from_the_environment(tmp_path: Path) -> None:
    (flow,) = catalog.load(write(tmp_path, "24h-desk"), {"LINE_24H_DESK_NUMBER": "+4930123456"}).flows
    assert flow.numbers[0].number == "+4930123456"


def test_several_in_one_folder_get_along(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        write(tmp_path, name)
    flows = catalog.load(tmp_path, {})
    assert {flow.numbers[0].number for flow in flows.flows} == {"+12125550100", "+12125550101", "+12125550102"}
    assert flows.warnings == ()


def test_the_editor_is_told_where_the_schema_is(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    shutil.copy(SCHEMA, tmp_path / "schemas")
    for folder, way in ((tmp_path / "flows", ".."), (tmp_path / "flows" / "a" / "b", "../../.."), (tmp_path, "")):
        folder.mkdir(parents=True, exist_ok=True)
        first = write(folder, "desk").read_text(encoding="utf-8").splitlines()[0]
        lead, _, path = first.partition("=")
        assert lead == "# yaml-language-server: $schema"
        assert (folder / path).resolve() == (tmp_path / "schemas" / "flow.schema.json").resolve()
        assert path.startswith(way)


def test_where_no_schema_is_the_file_says_how_to_get_it(tmp_path: Path) -> None:
    text = write(tmp_path, "desk").read_text(encoding="utf-8")
    assert text.startswith("# For help while you type")
    assert "gateway schema > flow.schema.json" in text.splitlines()[0]
    assert not [line for line in text.splitlines() if line.startswith("# yaml-language-server")]


def test_a_folder_with_a_name_that_is_no_text(tmp_path: Path) -> None:
    text = starter("desk", tmp_path / "a\nb\udcff" / "desk.yaml")
    assert "/a?b?/desk.yaml" in text
    assert yaml.safe_load(text)["name"] == "desk"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Harbour Dental", "harbour-dental"),
        ("Dr. O'Hara & Söhne", "dr-ohara-sohne"),
        ("front_desk", "front-desk"),
        ("-desk-", "desk"),
        ("flows/desk.yaml", "flows-desk-yaml"),
        ("x" * 62 + "-y", "x" * 62),
        ("歯医者", ""),
        ("", ""),
    ],
)
def test_the_name_that_was_meant(words: str, name: str) -> None:
    assert not is_name(words)
    assert slug(words) == name
    assert is_name(name) or not name


def test_no_name_comes_from_the_environment() -> None:
    assert not is_name("${NAME}")

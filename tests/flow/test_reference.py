"""The reference is that of the schema as it stands, and what it shows is taken."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway import catalog
from gateway.flow import keys
from gateway.flow.reference import Key, anchor, keys_of, reference
from gateway.flow.schema import Schema, document, section_of
from gateway.flow.source import Path as Steps

PAGE = Path(__file__).parent.parent.parent / "docs" / "flow-reference.md"


def test_the_page_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: make docs"


@cache
def page() -> str:
    return reference()


def every_key(place: str = "", schema: Schema | None = None) -> Iterator[Key]:
    for key in keys_of(place, document() if schema is None else schema):
        yield key
        if key.body is not None and key.is_section:
            yield from every_key(key.inner, key.body)


KEYS = list(every_key())


def test_each_key_has_its_heading_and_a_row_in_a_table() -> None:
    headings = re.findall(r"^###+ `(.+)`$", page(), re.MULTILINE)
    assert sorted(headings) == sorted(key.inner if key.is_section else key.path for key in KEYS)
    for key in KEYS:
        assert f"| [`{key.name}`]({key.link}) |" in page()


def test_every_place_of_the_schema_is_told() -> None:
    """Keys that stand in several sections are told in one of them."""
    told = {key.name for key in KEYS}
    assert told >= {name for schema in document()["$defs"].values() for name in schema.get("properties", {})}
    assert told >= set(document()["properties"])


def test_links_lead_somewhere_and_headings_are_unique() -> None:
    headings = [anchor(title) for title in re.findall(r"^##+ (.+)$", page(), re.MULTILINE)]
    assert len(set(headings)) == len(headings)
    assert set(re.findall(r"\]\(#(.+?)\)", page())) <= set(headings)


def test_tables_are_whole() -> None:
    """A bar within a cell would break its row."""
    for row in re.findall(r"^\| \[`.*$", page(), re.MULTILINE):
        assert len(re.findall(r"(?<!\\)\|", row)) == 4, row


def test_what_is_planned_and_what_others_call_it() -> None:
    for names in keys.PLANNED.values():
        assert all(f"`{name}`" in page() for name in names)
    for name, ours in keys.FOREIGN.items():
        assert f"| `{name}` | `{ours}` |" in page()


def test_every_block_is_yaml() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", page(), re.DOTALL)
    assert len(blocks) > len(KEYS)
    for block in blocks:
        assert isinstance(yaml.safe_load(block), dict)


CONTEXT: dict[str, Any] = {
    "version": 1,
    "name": "desk",
    "variables": {"clinic": "Harbour Dental"},
    "defaults": {},
    "numbers": [{"label": "desk", "number": "+14155550100", "persona": "ava", "fallback": {"say": "Later."}}],
    "personas": {
        "ava": {
            **{"instructions": "Answer for {{clinic}}.", "greeting": {"text": "Hello."}, "idle": {"say": "Hello?"}},
            "tools": ["goodbye"],
        },
        "night": {"instructions": "We are closed."},
    },
    "tools": {"goodbye": {"type": "hangup"}},
    "hours": {
        "office": {
            "weekly": {"mon-fri": "09:00-18:00"},
            "holidays": [{"date": "2026-12-25"}],
            "closed": {"persona": "night"},
        }
    },
    "limits": {},
}
SIDS = {"OFFICE_ADDRESS_SID": "AD", "OFFICE_BUNDLE_SID": "BU", "OFFICE_IDENTITY_SID": "RI"}
ENV = {"FRONT_DESK_NUMBER": "+14155550123", **{name: lead + "0" * 32 for name, lead in SIDS.items()}}


def steps(place: str) -> Steps:
    """A section's place in the context."""
    name = {"personas": "ava", "tools": "goodbye", "hours": "office"}
    found = re.findall(r"\[\]|[^.\[\]]+", place)
    return tuple(0 if step == "[]" else name[found[0]] if step == "<name>" else step for step in found)


def in_context(key: Key, example: object) -> dict[str, Any]:
    """A flow in which the example is all that could be wrong."""
    flow = copy.deepcopy(CONTEXT)
    section: Any = flow
    for step in steps(key.place):
        section = section.setdefault(step, {}) if isinstance(section, dict) else section[step]
    if "search" in key.path:
        del flow["numbers"][0]["number"]
    if key.place.endswith("search"):
        section["country"] = "US"
    if key.place.endswith("closed") and key.name != "persona":
        flow["hours"]["office"]["closed"] = section = {"say": "We are closed."}
    if example == "dial" or key.name == "to":
        section.update({"then": "dial", "to": "+14155550123"})
    if key.name == "gemini":
        section["name"] = "gemini-3.8-live-extended-thinking"  # the example is one of thinking
    if key.path == "personas":
        del flow["hours"]
    section[key.name] = example
    return flow


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_each_example_is_taken_where_it_belongs(key: Key, tmp_path: Path) -> None:
    assert key.schema["examples"]
    for example in key.schema["examples"]:
        file = tmp_path / "desk.yaml"
        file.write_text(json.dumps(in_context(key, example)), encoding="utf-8")
        assert catalog.load(file, ENV).flows


def test_places_are_those_that_faults_name() -> None:
    assert all(section_of(steps(key.place)) == key.place for key in KEYS)

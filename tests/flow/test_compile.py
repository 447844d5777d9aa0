"""The artefact: whole, the same bytes everywhere, and read back only as it was written."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import catalog
from gateway.flow.compile import FORMAT, ArtefactError, compile_flows, fingerprint, read, text
from gateway.flow.load import Flows
from gateway.flow.starter import starter
from gateway.settings import child_environment

ROOT = Path(__file__).parent.parent.parent
FULL = """version: 1
name: full
description: "Zahnärzte, 歯医者, \\U0001F9B7"
defaults: { timezone: Europe/Berlin, language: de-DE, vad: { silence: 700ms } }
variables: { clinic: Zahnärzte }
numbers:
  - label: desk
    number: "+14155550100"
    persona: ava
    hours: office
    language: en-US
    timezone: Europe/London
    fallback: { say: "{{clinic}}: later.", then: dial, to: "+14155550123" }
    regulatory: { address_sid: AD00000000000000000000000000000000 }
  - { label: bought, search: { country: US, type: toll_free }, persona: ava }
personas:
  ava:
    instructions: You answer for {{clinic}}.
    greeting: { text: Hello., interruptible: false }
    languages: { primary: en-US, allowed: [en-US, de-DE] }
    model: { temperature: 1, context: { target: 6000 } }
    vad: { mode: gateway }
    tools: [goodbye]
    idle: { after: 12s, say: "Hello?" }
  night: { instructions: We are closed. }
hours:
  office:
    weekly: { mon-fri: ["09:00-12:00", "22:00-02:00"], sat: closed }
    holidays: [{ date: 12-24 to 01-02, name: Christmas, open: "10:00-11:00" }, 2027-05-01]
    closed: { persona: night }
  strict: { weekly: { sun: "00:00-24:00" }, closed: { say: "Closed.", then: voicemail } }
limits:
  max_duration: 15m
  warn_at: 14m
  concurrent_calls: 3
  per_caller: 10/h
  allow: ["+1"]
  deny: ["+1900"]
  countries: [US]
  max_cost: 2
tools:
  goodbye: { type: hangup, description: Ends the call. }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two flows, one of which says everything."""
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "full.yaml").write_text(FULL, encoding="utf-8")
    (flows / "other.yaml").write_text(starter("other", flows / "other.yaml"), encoding="utf-8")
    return flows


@pytest.fixture
def flows(folder: Path) -> Flows:
    return catalog.load(folder, {})


def test_what_is_read_is_what_was_compiled(flows: Flows) -> None:
    assert read(text(flows)).flows == tuple(replace(flow, file="") for flow in flows.flows)
    assert read(text(flows).encode()).flows == read(text(flows)).flows
    assert text(read(text(flows))) == text(flows)


def test_its_shape(flows: Flows) -> None:
    content = json.loads(text(flows))
    assert sorted(content) == ["calling_codes", "flows", "format", "hash", "lines"]
    assert content["format"] == FORMAT == 1
    assert list(content["flows"]) == ["full", "other"]
    assert content["lines"] == {"+12125550100": ["other", "other"], "+14155550100": ["full", "desk"]}
    assert content["calling_codes"]["49"] == "DE"
    full = content["flows"]["full"]
    assert "file" not in full
    assert full["numbers"][0]["fallback"] == {"say": "Zahnärzte: later.", "then": "dial", "to": "+14155550123"}
    assert full["hours"]["office"]["weekly"][0] == [{"start": 540, "end": 720}, {"start": 1320, "end": 1560}]


def test_its_hash_is_of_all_the_rest(flows: Flows) -> None:
    content = json.loads(text(flows))
    told = content.pop("hash")
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert told == hashlib.sha256(canonical.encode()).hexdigest() == fingerprint(flows)
    louder = Flows((replace(flows.flows[0], description="another"), *flows.flows[1:]))
    assert fingerprint(louder) != told


def test_it_is_sorted_and_plain_text(flows: Flows) -> None:
    def sorted_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert [key for key, _ in pairs] == sorted(key for key, _ in pairs)
        return dict(pairs)

    json.loads(text(flows), object_pairs_hook=sorted_keys)
    assert text(flows).isascii()
    assert text(flows).endswith("}\n")


def test_the_same_bytes_everywhere(folder: Path, tmp_path: Path) -> None:
    """Another working directory, way to the folder, order of files, hash seed, time zone, locale, umask of names."""
    moved = tmp_path / "elsewhere" / "flows"
    moved.mkdir(parents=True)
    for file in sorted(folder.iterdir(), reverse=True):
        shutil.copy(file, moved / f"{'a' if file.stem == 'other' else 'z'}-{file.name}")
    runs = (
        (folder.parent, "flows", {"PYTHONHASHSEED": "0", "TZ": "UTC"}),
        (
            ROOT,
            str(folder),
            {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
        ),
        (moved, ".", {"PYTHONHASHSEED": "2", "TZ": "America/St_Johns", "LC_ALL": "C", "PYTHONUTF8": "0"}),
        (moved, "../../flows/../elsewhere/flows", {"PYTHONIOENCODING": "ascii", "PYTHONOPTIMIZE": "2"}),
    )
    made = []
    for n, (cwd, path, env) in enumerate(runs):
        out = tmp_path / f"{n}.json"
        command = [sys.executable, "-m", "gateway", "compile", path, "--out", str(out)]
        whole = child_environment(PYTHONPATH=str(ROOT), **env)
        done = subprocess.run(command, cwd=cwd, env=whole, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        made.append(out.read_bytes())
    assert set(made) == {text(catalog.load(folder, {})).encode()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw[:-40], "this is no JSON"),
        (lambda raw: "", "this is no JSON"),
        (lambda raw: "[" * 100_000, "this is no JSON"),
        (lambda raw: "9" * 10_000, "this is no JSON"),
        (lambda raw: "[]", "this is no compiled flow"),
        (lambda raw: "{}", "this is no compiled flow of this version of the gateway"),
        (lambda raw: raw.replace('"format": 1', '"format": 2'), "it is of another format: this gateway reads format 1"),
        (lambda raw: raw.replace("later", "never"), "its hash is not that of its content: it was edited or cut"),
    ],
)
def test_what_is_no_artefact(flows: Flows, change: Any, words: str) -> None:
    with pytest.raises(ArtefactError) as raised:
        read(change(text(flows)))
    assert str(raised.value) == words


def test_where_it_stops_being_json(flows: Flows) -> None:
    with pytest.raises(ArtefactError) as raised:
        read(text(flows).replace('"format": 1', '"format": one'))
    lines = text(flows).splitlines()
    (line,) = [n for n, words in enumerate(lines, 1) if '"format": 1' in words]
    assert (raised.value.line, raised.value.column) == (line, lines[line - 1].index("1") + 1)


def signed(content: dict[str, Any]) -> str:
    """An artefact with the right hash, whatever is in it."""
    bare = {key: value for key, value in content.items() if key != "hash"}
    canonical = json.dumps(bare, sort_keys=True, separators=(",", ":"))
    return json.dumps({**bare, "hash": hashlib.sha256(canonical.encode()).hexdigest()})


@pytest.mark.parametrize(
    "change",
    [
        lambda flow: flow.pop("personas"),
        lambda flow: flow.update(colour="red"),
        lambda flow: flow.update(limits=None),
        lambda flow: flow.update(numbers={}),
        lambda flow: flow["limits"].update(concurrent_calls="3"),
        lambda flow: flow["limits"].update(concurrent_calls=True),
        lambda flow: flow["limits"].update(max_duration_s="900"),
        lambda flow: flow["limits"].update(max_cost_usd=True),
        lambda flow: flow["tools"]["goodbye"].update(type="http"),
        lambda flow: flow["personas"]["ava"].update(tools="goodbye"),
        lambda flow: flow["personas"]["ava"]["model"].update(context=None),
        lambda flow: flow["numbers"][0]["fallback"].update(then="sing"),
        lambda flow: flow["personas"]["ava"]["vad"].update(silence_ms=0.5),
        lambda flow: flow["hours"]["office"]["weekly"].append("mon"),
    ],
)
def test_an_artefact_of_another_version_is_refused_not_half_read(flows: Flows, change: Any) -> None:
    content = compile_flows(flows)
    assert read(signed(content)).flows
    change(content["flows"]["full"])
    with pytest.raises(ArtefactError, match="this is no compiled flow of this version of the gateway"):
        read(signed(content))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["flows", "numbers", "a"]) | st.text(), inner),
    max_leaves=8,
)


@given(
    st.binary() | st.text() | JSON.map(json.dumps) | JSON.map(lambda one: signed({"format": 1, "flows": {"a": one}}))
)
def test_anything_is_flows_or_an_artefact_error(raw: str | bytes) -> None:
    with contextlib.suppress(ArtefactError):
        assert isinstance(read(raw), Flows)


def test_half_a_character_from_the_environment_is_kept(flows: Flows) -> None:
    odd = replace(flows.flows[0], file="", description="\udcff")
    assert read(text(Flows((odd,))).encode("ascii")).flows == (odd,)


def test_no_flows_at_all_make_an_artefact() -> None:
    assert read(text(Flows(()))).flows == ()


def test_the_owner_of_the_environment_is_not_told(folder: Path) -> None:
    """What the environment holds but no flow names is not in it."""
    assert "marker-7" not in text(catalog.load(folder, {**os.environ, "DESK": "marker-7", "HOME": "marker-7"}))

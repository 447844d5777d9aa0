"""The list of what a call runs on is whole, and in CycloneDX's form."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.ci import ROOT


@pytest.fixture(scope="module")
def boms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("sbom")
    subprocess.run(["make", "--silent", "sbom", f"SBOM={folder}"], cwd=ROOT, check=True, capture_output=True)
    return {name: json.loads((folder / f"{name}.cdx.json").read_text()) for name in ("gateway", "functions")}


@pytest.mark.slow
def test_both_are_of_the_form(boms: dict[str, Any]) -> None:
    validation = pytest.importorskip("cyclonedx.validation.json", reason="it comes with uv sync --group supply")
    judge = validation.JsonStrictValidator(pytest.importorskip("cyclonedx.schema").SchemaVersion.V1_5)
    for name, bom in boms.items():
        assert judge.validate_str(json.dumps(bom)) is None, name
        assert judge.validate_str(json.dumps({**bom, "components": [{}]})) is not None


def named(bom: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one.get("group", "") + one["name"], one["version"]) for one in bom["components"]}


@pytest.mark.slow
def test_the_gateways_holds_what_it_is_installed_with_and_no_more(boms: dict[str, Any]) -> None:
    found = {name for name, _ in named(boms["gateway"])}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {dependency.split(">")[0].split(";")[0].strip() for dependency in project["dependencies"]}
    assert wanted <= found
    assert not {"pytest", "pip-audit", "pocketsphinx"} & found


@pytest.mark.slow
def test_functions_holds_every_package_of_their_lock(boms: dict[str, Any]) -> None:
    lock = json.loads((ROOT / "twilio-functions" / "package-lock.json").read_text())["packages"]
    wanted = {(path.rpartition("node_modules/")[2], one["version"]) for path, one in lock.items() if path}
    found = {(name.replace("%40", "@"), version) for name, version in named(boms["functions"])}
    assert {(name, version) for name, version in wanted if not lock_optional(lock, name)} - found == set()


def lock_optional(lock: dict[str, Any], name: str) -> bool:
    """Packages for other machines than this one."""
    return all(one.get("optional") for path, one in lock.items() if path.rpartition("node_modules/")[2] == name)


def test_make_knows_where_it_goes(tmp_path: Path) -> None:
    said = subprocess.run(
        ["make", "--dry-run", "sbom", f"SBOM={tmp_path}"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert f"{tmp_path}/gateway.cdx.json" in said.stdout

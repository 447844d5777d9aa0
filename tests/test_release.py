"""One release, said in every place that says it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from gateway.release import VERSION

REPO = Path(__file__).parent.parent
FUNCTIONS = REPO / "twilio-functions"


def test_core_and_functions_are_of_one_release() -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    package, lock = (json.loads((FUNCTIONS / f"{name}.json").read_text()) for name in ("package", "package-lock"))
    asset = (FUNCTIONS / "assets" / "release.private.js").read_text(encoding="utf-8")
    said = [project["version"], package["version"], lock["version"], lock["packages"][""]["version"]]
    assert said == [VERSION] * 4
    assert re.findall(r"^module\.exports = '(.+)';$", asset, re.MULTILINE) == [VERSION]

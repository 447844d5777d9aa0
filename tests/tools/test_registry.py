"""The dict of kinds: one for each type that a flow file may name, and each answers in the one shape."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from gateway.flow.model import Tool
from gateway.tools.registry import KINDS


def test_a_kind_for_each_type_of_the_flow_language() -> None:
    assert set(KINDS) == set(get_args(get_type_hints(Tool)["type"]))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("args", [{}, {"reason": "done"}, {"a": [{"b": None}]}], ids=["none", "some", "odd"])
def test_whatever_the_arguments_a_kind_answers(name: str, args: dict[str, Any]) -> None:
    outcome = asyncio.run(KINDS[name].run(args))
    assert outcome.result["status"] in ("ok", "error")
    assert json.loads(json.dumps(outcome.result)) == outcome.result


def test_each_kind_is_a_module_of_its_name() -> None:
    folder = Path(__file__).parents[2] / "gateway" / "tools"
    assert all((folder / f"{name}.py").is_file() for name in KINDS)

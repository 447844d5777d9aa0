"""What a call-hour costs: the arithmetic, and the figures that the page gives."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deploy.cost import GUIDE, OURS, table

REPO = Path(__file__).parents[2]


def test_the_guides_shape_pays_an_instance_a_call() -> None:
    assert GUIDE.hour == pytest.approx(0.144)
    assert GUIDE.full == GUIDE.scaled == GUIDE.hour


def test_ours_shares_one_core() -> None:
    assert OURS.hour == pytest.approx(0.072)
    assert OURS.full == pytest.approx(0.002)
    assert OURS.scaled == pytest.approx(0.003)


def test_ours_is_what_is_deployed() -> None:
    values = yaml.safe_load((REPO / "cloudbuild.yaml").read_text(encoding="utf-8"))["substitutions"]
    assert (OURS.calls, OURS.streams) == (int(values["_MAX_CALLS"]), int(values["_CONCURRENCY"]))


def test_the_page_gives_these_figures() -> None:
    page = (REPO / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert "\n".join(table()) in page

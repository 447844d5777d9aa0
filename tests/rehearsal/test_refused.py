"""What is said of a model that is not to be had."""

from __future__ import annotations

from typing import get_args

import pytest

from gateway.live.closing import Kind
from gateway.rehearsal.refused import NAMES, advice
from gateway.rehearsal.report import Loss, Model

KEY = "AIza-marker"


def said(kind: str, code: int, reason: str = "", backend: str = "developer", at: str = "") -> str:
    losses = [Loss("gone", 1006, "an earlier one", 0), Loss(kind, code, reason, 1)]
    return advice(losses, Model("gemini-x", NAMES[backend], at), backend, [KEY, ""])


@pytest.mark.parametrize(
    ("kind", "code", "backend", "words"),
    [
        ("key", 1007, "developer", "the Gemini Developer API refused the API key: check GOOGLE_API_KEY "),
        ("key", 403, "vertex", "Vertex AI refused the credentials, or they may not use the project: "),
        ("model", 1008, "developer", "the Gemini Developer API has no Live model gemini-x: change model: in the flow"),
        ("model", 1008, "vertex", "Vertex AI has no Live model gemini-x in GOOGLE_CLOUD_LOCATION: change "),
        ("quota", 429, "developer", "the Gemini Developer API has no quota left for your project: "),
        ("quota", 1011, "vertex", "https://console.cloud.google.com/iam-admin/quotas"),
        ("config", 1007, "developer", "refuses what the flow asks for (why so): check the persona's model and voice"),
        ("transient", 0, "developer", "could not be reached (why so): check the network, and the proxy if there is"),
        ("late", 0, "vertex", "Vertex AI could not be reached (why so): "),
        ("transient", 1011, "vertex", "Vertex AI was lost (1011) (why so): try again"),
    ],
)
def test_the_last_loss_is_told_with_what_to_do(kind: str, code: int, backend: str, words: str) -> None:
    assert words in said(kind, code, "why so", backend)


@pytest.mark.parametrize("kind", [*get_args(Kind), "late"])
@pytest.mark.parametrize("backend", NAMES)
@pytest.mark.parametrize("code", [0, 1007])
def test_whatever_it_was_it_is_one_line_without_the_key(kind: str, backend: str, code: int) -> None:
    words = said(kind, code, f"bad header\n{KEY!r}\n", backend)
    assert words
    assert "\n" not in words
    assert KEY not in words


def test_another_place_than_googles_is_named() -> None:
    assert said("key", 1007, at="localhost:1").startswith("the Gemini Developer API at localhost:1 refused the API key")


def test_without_a_loss_nothing_is_said() -> None:
    assert advice([], Model("m", "b"), "developer", []) == ""

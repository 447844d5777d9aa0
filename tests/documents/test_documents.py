"""README.md, docs/ and their neighbours keep their word."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from gateway.flow.load import load
from gateway.telemetry.families import FAMILIES
from tests.documents.reading import (
    DOCUMENTS,
    ROOT,
    SHELLS,
    Block,
    anchors,
    blocks,
    first_cells,
    links,
    looks_like_commands,
)

BLOCKS = [block for file in DOCUMENTS for block in blocks(file)]
NAMED = {"CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"}


def of(name: str, language: str) -> list[Block]:
    return [block for block in BLOCKS if block.file.name == name and block.language == language]


def test_every_document_is_looked_at() -> None:
    assert {file.name for file in DOCUMENTS} >= {*NAMED, "architecture.md", "settings.md", "telemetry.md"}


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_lead_somewhere(file: Path) -> None:
    lost = []
    for line, link in links(file):
        path, _, anchor = unquote(link).partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (file.parent / path).resolve() if path else file
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            lost.append(f"{file.name}:{line}: {link}")
    assert lost == []


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_commands_stand_in_blocks_that_are_run(block: Block) -> None:
    """A block of another language, or of none, may hide no command."""
    assert block.language in (*SHELLS, "yaml", "json", "python", "js") or not looks_like_commands(block)


def test_the_readmes_flow_is_a_flow(tmp_path: Path) -> None:
    (block,) = of("README.md", "yaml")
    (tmp_path / "harbour.yaml").write_text(block.text)
    assert [line.label for flow in load(tmp_path, {}).flows for line in flow.numbers] == ["front-desk"]


def test_every_metric_is_told_of() -> None:
    told = first_cells(ROOT / "docs" / "telemetry.md")
    assert [name for name in told if name.startswith("gateway_")] == list(FAMILIES)
    text = (ROOT / "docs" / "telemetry.md").read_text()
    for name, family in FAMILIES.items():
        labels = ", ".join(f"`{label}`" for label in family.labels)
        assert f"| `{name}` | {family.kind} | {labels} | {family.help} |" in text


def test_every_setting_is_told_of() -> None:
    source = (ROOT / "gateway" / "settings.py").read_text()
    read = set(re.findall(r"""env(?:\.get\(|\[|, )"([A-Z][A-Z0-9_]+)\"""", source)) | set(
        re.findall(r'"([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)"', source)
    )
    page = (ROOT / "docs" / "settings.md").read_text()
    core, others = page.split("## Of `gateway doctor`")
    told = set(
        re.findall(r"`([A-Z][A-Z0-9_]+)`", "\n".join(row.split("|")[1] for row in core.splitlines() if row[:1] == "|"))
    )
    assert read == told
    assert "FUNCTIONS_URL" in others

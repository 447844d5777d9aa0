"""One world for all tests of this folder: it takes seconds to build, and no test leaves a trace that another meets."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.end_to_end.world import FUNCTIONS, Core, World, world


@pytest.fixture(scope="package")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if shutil.which("npm") is None:
        pytest.skip("Node and npm are missing: install Node 20 or 22")
    if not (FUNCTIONS / "node_modules").is_dir():
        pytest.skip("the Functions' packages are missing: run npm ci in twilio-functions")
    with world(tmp_path_factory.mktemp("end-to-end")) as made:
        yield made


@pytest.fixture(scope="package")
def cores() -> list[Core]:
    """All that were started; the last one serves."""
    return []


@pytest.fixture
def core(here: World, cores: list[Core]) -> Core:
    """A core that is alive, and to which the edge leads."""
    if not cores or cores[-1].process.poll() is not None:
        cores.append(here.core())
    here.edge.core = cores[-1].port
    return cores[-1]

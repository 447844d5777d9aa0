"""Hostile mode's rows, played once for all the files that judge them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.server.hostile_rows import ROWS
from tests.server.hostile_table import Everything, play_all
from tests.server.hostile_world import Played


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Everything:
    return play_all(ROWS, tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="session")
def row_of(hostile: Everything) -> Mapping[str, Played]:
    return hostile.rows

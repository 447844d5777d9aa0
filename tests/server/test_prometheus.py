"""A real Prometheus reads `GET /metrics` while calls go on, and finds in it what was counted."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.server.test_telling import conversation
from tests.server.world import World, http, play

PATIENCE_S = 30.0  # for Prometheus to come up and to look twice, on a loaded machine
CONFIG = """
global: {{ scrape_interval: 200ms, scrape_timeout: 200ms }}
scrape_configs:
  - job_name: gateway
    static_configs: [{{ targets: ["{target}"] }}]
"""
FLAGS = ("--log.level=warn", "--storage.tsdb.retention.time=1h")


def needed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"no {program} on this machine (Debian: apt-get install prometheus)")
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _prepare(folder: Path, target: str) -> None:
    folder.mkdir()
    (folder / "prometheus.yml").write_text(CONFIG.format(target=target))


@asynccontextmanager
async def prometheus(program: str, folder: Path, target: str) -> AsyncIterator[str]:
    """One that reads `target`. Gives its URL."""
    _prepare(folder, target)
    address = f"127.0.0.1:{free_port()}"
    given = (f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data")
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program, *given, f"--web.listen-address={address}", *FLAGS, stdout=log, stderr=log
        )
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        await process.wait()


async def ask(url: str, query: str) -> list[dict[str, Any]]:
    """What Prometheus knows."""
    try:
        status, body = await http(f"{url}/api/v1/query?query={quote(query)}")
    except (OSError, IndexError):  # it isn't up yet
        return []
    if status != 200:
        return []
    found: list[dict[str, Any]] = json.loads(body[body.index("{") : body.rindex("}") + 1])["data"]["result"]
    return found


async def number(url: str, query: str, wanted: float) -> None:
    """Wait until the query's one answer is what is wanted."""
    found: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(PATIENCE_S):
            while [float(one["value"][1]) for one in found] != [wanted]:
                await asyncio.sleep(0.05)
                found = await ask(url, query)
    except TimeoutError:
        pytest.fail(f"{query}: {found}, not {wanted}")


@pytest.mark.slow
def test_a_real_prometheus_reads_what_was_counted(tmp_path: Path) -> None:
    program = needed("prometheus")

    async def scenario(world: World) -> None:
        async with prometheus(program, tmp_path / "prometheus", world.url.removeprefix("http://")) as url:
            phone, _ = await conversation(world)
            await number(url, "gateway_calls_active", 1)
            await phone.stop()
            await world.note("call-ended")
            await number(url, "gateway_calls_active", 0)
            await number(url, "gateway_barge_in_total", 1)
            await number(url, "gateway_call_time_to_first_audio_seconds_count", 1)
            await number(url, 'gateway_call_time_to_first_audio_seconds_bucket{le="+Inf"}', 1)
            await number(url, "gateway_turn_response_latency_seconds_count", 0)
            await number(url, 'gateway_model_reconnects_total{how="resumed"}', 1)
            await number(url, 'gateway_handover_total{reason="sigterm",resumed="true"}', 0)
            await number(url, "gateway_store_down", 0)
            await number(url, "gateway_event_loop_lag_seconds_count > bool 3", 1)
            await number(url, "histogram_quantile(0.5, gateway_event_loop_lag_seconds_bucket) < bool 5", 1)
            series = await ask(url, '{job="gateway"}')
            assert series
            assert [one for one in series if "CA1" in json.dumps(one) or "MZ1" in json.dumps(one)] == []

    play(tmp_path, scenario, METRICS="on")


def test_promtool_finds_no_fault_in_the_text(tmp_path: Path) -> None:
    program = needed("promtool")

    async def scenario(world: World) -> None:
        await conversation(world)
        _, body = await http(world.url + "/metrics", headers={"Accept": "text/plain"})
        judge = await asyncio.create_subprocess_exec(
            program, "check", "metrics", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        _, faults = await judge.communicate(body.encode())
        assert (judge.returncode, faults.decode()) == (0, "")

    (tmp_path / "flow").mkdir()
    play(tmp_path / "flow", scenario, METRICS="on")

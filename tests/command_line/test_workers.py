"""``userproxy run --workers``: what the number may be, and that a run with workers is like any other."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import pytest

from tests.command_line.process import WEB, running, wrong_usage
from tests.command_line.test_run import get, web_on
from userproxy.testing.backends.http import HttpBackend
from userproxy.testing.backends.tcp import TcpEcho

MOST = 4 * len(os.sched_getaffinity(0))


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "", "²", str(MOST + 1), "9" * 5000])
def test_a_number_that_makes_no_sense_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    line = wrong_usage(tmp_path, "run", f"--workers={text}", "-f", tmp_path)
    assert f"argument --workers: must be auto or a number from 1 to {MOST} (here)" in line


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_table_swap_and_stop_with_two_workers(tmp_path: Path, loop: str) -> None:
    async with HttpBackend("one") as one, HttpBackend("two") as two:
        file = tmp_path / "web.yaml"
        file.write_text(web_on(18420, one.endpoint))
        async with running(tmp_path, "run", "-f", file, "--workers", "2", "--loop", loop, "-v") as run:
            address = await run.address(WEB)
            assert [await get(address) for _ in range(20)] == ["one"] * 20
            file.write_text(web_on(18420, two.endpoint))
            await run.rows(lambda rows: rows and rows[0]["endpoints"] == [two.endpoint])
            assert [await get(address) for _ in range(20)] == ["two"] * 20
            await run.error("worker_started worker=1")
            assert await run.stop() == 0
            # Nothing is cut; a worker may see only now that its last clients closed.
            assert re.search(r"^stopped: \d+ connections and flows over$", await run.rest(), re.MULTILINE)
        assert "worker_lost" not in run.errors.read_text()


async def test_what_is_open_in_workers_is_drained(tmp_path: Path) -> None:
    async with TcpEcho("one") as one:
        file = tmp_path / "web.yaml"
        file.write_text(web_on(18421, one.endpoint))
        async with running(tmp_path, "run", "-f", file, "--workers", "auto") as run:
            streams = [await asyncio.open_connection(*await run.address(WEB)) for _ in range(8)]
            for reader, writer in streams:
                writer.write(b"x")
                assert await reader.read(1)
            stopped = asyncio.create_task(run.stop())
            await run.rows(lambda rows: rows and rows[0]["state"] == "draining")
            for reader, writer in streams:
                writer.write_eof()
                await reader.read()
                writer.close()
            assert await stopped == 0
            assert "stopped: 8 connections and flows over\n" in await run.rest()

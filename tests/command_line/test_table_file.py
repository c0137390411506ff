"""``--table-file`` is true from the first moment to the last."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from pathlib import Path

import pytest

from tests.command_line.process import WEB, running
from tests.command_line.test_run import manifest, web_on
from userproxy.cli.table import TableRow
from userproxy.cli.table_file import TableFile
from userproxy.errors import ConfigError
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.objects import service


@pytest.mark.proxied
async def test_addresses_of_an_earlier_run_are_gone_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "table.json").write_text('[{"service": "of an earlier run"}]')
    async with running(tmp_path, "run", "-f", "-", "--addresses", "ephemeral") as run:
        await run.rows(lambda rows: rows == [])
        assert run.process.stdin is not None
        run.process.stdin.write(manifest(service("piped", 80)).encode())
        run.process.stdin.close()
        assert [row["service"] for row in await run.rows(bool)] == ["piped"]
        assert await run.stop() == 0
        assert run.table() == []


@pytest.mark.proxied
async def test_rows_drain_before_they_go(tmp_path: Path) -> None:
    async with TcpEcho() as echo:
        (tmp_path / "m.yaml").write_text(web_on(18420, echo.endpoint))
        async with running(tmp_path, "run", "-f", tmp_path / "m.yaml") as run:
            reader, writer = await asyncio.open_connection(*await run.address(WEB))
            writer.write(b"x")
            await reader.readexactly(1)
            run.process.terminate()
            await run.rows(lambda rows: [row["state"] for row in rows] == ["draining"])
            writer.close()
            assert await run.process.wait() == 0
            assert run.table() == []
            assert "~ " not in await run.rest(), "that everything drains is no news"


def row(name: str) -> TableRow:
    return TableRow("default", name, "", "TCP", "IPv4", 80, "127.1.2.3", 80, "listening", (), "")


def test_what_is_told_after_the_end_is_out_of_date(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    file = TableFile(path)
    file.keep([row("a")])
    assert [found["service"] for found in json.loads(path.read_text())] == ["a"]
    file.close()
    late = threading.Thread(target=file.keep, args=([row("b")],))
    late.start()
    late.join()
    assert json.loads(path.read_text()) == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.json"]


def test_a_place_where_no_file_can_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "table.json").mkdir()
    with pytest.raises(ConfigError, match=r"table\.json: cannot be written: Is a directory"):
        TableFile(tmp_path / "table.json")
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.json"]


def test_what_is_no_plain_file_is_not_replaced(tmp_path: Path) -> None:
    """As root it would be: a --table-file /dev/null would be an ordinary file from then on."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(ConfigError, match="fifo: is no plain file"):
        TableFile(fifo)
    assert fifo.is_fifo()

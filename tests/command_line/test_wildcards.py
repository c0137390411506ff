"""Sockets of the host that listen on every address are named by the table and by ``check`` (rule L7)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line.process import running, userproxy
from tests.command_line.test_run import web_on


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on at every address."""
    with socket.socket() as sock:
        sock.bind(("0.0.0.0", 0))
        sock.listen()
        yield sock.getsockname()[1]


def test_L7_check_names_them(tmp_path: Path, taken: int) -> None:
    (tmp_path / "m.yaml").write_text(web_on(taken, "10.0.0.1:80"))
    done = userproxy(tmp_path, "check", "-f", tmp_path / "m.yaml")
    assert done.returncode == 0, "it is a note, no problem"
    [note] = [line for line in done.stdout.splitlines() if line.startswith("note: default/web")]
    assert f"listens on every address at port {taken}" in note


@pytest.mark.proxied
async def test_L7_the_table_names_them(tmp_path: Path, taken: int) -> None:
    (tmp_path / "m.yaml").write_text(web_on(taken, "10.0.0.1:80"))
    async with running(tmp_path, "run", "-f", tmp_path / "m.yaml") as run:
        [row] = await run.rows(bool)
        assert row["listen_port"] != taken
        assert f"a wildcard listener of this host answers at {row['listen_address']}:{taken} too" in str(
            row["note"]
        )
        assert "wildcard listener" in await run.line("web")
        assert await run.stop() == 0


@pytest.mark.proxied
async def test_L7_without_addresses_of_their_own_it_is_not_asked(tmp_path: Path, taken: int) -> None:
    (tmp_path / "m.yaml").write_text(web_on(taken, "10.0.0.1:80"))
    async with running(tmp_path, "run", "-f", tmp_path / "m.yaml", "--addresses", "ephemeral") as run:
        [row] = await run.rows(bool)
        assert row["note"] == ""
        assert await run.stop() == 0

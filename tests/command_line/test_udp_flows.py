"""``userproxy run --max-udp-flows``: what the number may be, and that it counts."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.command_line.process import running, wrong_usage
from userproxy.testing.backends.udp import UdpEcho
from userproxy.testing.objects import endpoint_slice, service


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", "", "²", "1000001", "9" * 5000])
def test_a_number_that_makes_no_sense_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    line = wrong_usage(tmp_path, "run", f"--max-udp-flows={text}", "-f", tmp_path)
    assert "argument --max-udp-flows: must be a number from 1 to 1000000, not" in line


@pytest.mark.proxied
@pytest.mark.parametrize("options", [(), ("--loop", "asyncio")])
async def test_one_flow_more_than_stated_makes_the_oldest_go(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    async with UdpEcho() as echo:
        file = tmp_path / "dns.json"
        items = [service("dns", "53/UDP"), endpoint_slice("dns", [echo.endpoint], protocol="UDP")]
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        async with running(tmp_path, "run", "-f", file, "--max-udp-flows", "2", "-vv", *options) as run:
            [row] = await run.rows(lambda rows: bool(rows) and rows[0]["state"] == "listening")
            with ExitStack() as stack:
                clients = [
                    stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(3)
                ]
                for client in clients:
                    client.connect((row["listen_address"], row["listen_port"]))
                    client.send(b"hello")
                line = await run.error("flow_closed")
                assert "state=LT" in line
                assert "client={}:{}".format(*clients[0].getsockname()) in line
            assert await run.stop() == 0

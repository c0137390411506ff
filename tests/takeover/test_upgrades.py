"""`userproxy run --takeover` as processes: upgrades under load lose nothing, whatever becomes of the new."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.command_line.process import LIMIT_S, Running, running
from tests.command_line.test_run import manifest, replace_file
from tests.option import asked_loops, asked_numbers
from tests.takeover.load import load
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.backends.udp import UdpEcho
from userproxy.testing.objects import endpoint_slice, service

NAME = f"upgraded-{os.getpid()}"
KILLED = """
import os, signal, sys
import userproxy.takeover.predecessor
from userproxy.{module} import {name} as patched
usual = patched.{function}
def killed(*arguments, **named):
    if {when}:
        os.kill(os.getpid(), signal.SIGKILL)
    return usual(*arguments, **named)
patched.{function} = killed
from userproxy.cli import main
raise SystemExit(main(sys.argv[1:]))
"""

OLD_IS_KILLED = "os.path.exists('/proc/OLD') and os.kill(OLD, signal.SIGKILL)"
"""Never true, so the process itself goes on."""


class Upgradable:
    """A Service of one TCP and one UDP port, and the processes that serve it one after the other."""

    def __init__(self, folder: Path, tcp: TcpEcho, udp: UdpEcho) -> None:
        self.folder = folder
        self.tcp = tcp
        self.udp = udp
        self.file = folder / "m.yaml"
        self.socket = folder / "s"
        self.file.write_text(self.manifest())

    def manifest(self, *more: dict[str, object]) -> str:
        return manifest(
            service(NAME, "web:80", "dns:53/UDP"),
            endpoint_slice(NAME, [self.tcp.endpoint], port_name="web"),
            endpoint_slice(NAME, [self.udp.endpoint], port_name="dns", protocol="UDP", name=f"{NAME}-udp"),
            *more,
        )

    @contextlib.asynccontextmanager
    async def process(self, name: str, script: str = "", *arguments: str) -> AsyncIterator[Running]:
        """One more process; ``script`` is Python to run instead of the command."""
        home = self.folder / name
        home.mkdir()
        options = ["-f", str(self.file), "--takeover", str(self.socket), "-v", *arguments]
        table = "--table-file" not in arguments
        if script:
            (home / "program.py").write_text(script)
            command = f'exec "{sys.executable}" "{home}/program.py" run "$@"'
            started = running(home, command, "sh", *options, shell=True, table=table)
        else:
            started = running(home, "run", *options, table=table)
        async with started as run:
            yield run

    async def survives(self, script: str, *options: str) -> None:
        """Under load an old process goes on as it was after a successor that kills itself by ``script``."""
        async with contextlib.AsyncExitStack() as processes:
            old = await processes.enter_async_context(self.process("old", "", *options))
            tcp, udp = await self.addresses(old)
            async with load(tcp, udp) as report:
                await report.wait(10)
                sources = set(self.udp.clients)
                killed = await processes.enter_async_context(self.process("killed", script, *options))
                async with asyncio.timeout(LIMIT_S):
                    assert await killed.process.wait() == -signal.SIGKILL
                await old.error("takeover_failed")
                await report.wait(10)
                # Routes change again, and a takeover works again.
                more = service("more", 80), endpoint_slice("more", [self.tcp.endpoint])
                replace_file(self.file, self.manifest(*more))
                await old.rows(lambda rows: len(rows) == 3)
                new = await processes.enter_async_context(self.process("new", "", *options))
                await new.line("took over")
                await report.wait(10)
                assert self.udp.clients == sources
                assert len(await new.rows(lambda rows: len(rows) == 3)) == 3

    async def addresses(self, run: Running) -> tuple[tuple[str, int], tuple[str, int]]:
        def both(rows: list[dict[str, object]]) -> bool:
            return [row["state"] for row in rows] == ["listening"] * 2

        rows = await run.rows(both)
        found = {row["protocol"]: (str(row["listen_address"]), int(str(row["listen_port"]))) for row in rows}
        return found["TCP"], found["UDP"]


@pytest.fixture
async def upgradable(tmp_path: Path) -> AsyncIterator[Upgradable]:
    async with TcpEcho() as tcp, UdpEcho() as udp:
        yield Upgradable(tmp_path, tcp, udp)


@pytest.mark.proxied
@pytest.mark.parametrize("workers", asked_numbers())
@pytest.mark.parametrize("loop", asked_loops())
async def test_three_upgrades_under_load_refuse_cut_and_lose_nothing(
    upgradable: Upgradable, loop: str, workers: str
) -> None:
    options = ("", "--loop", loop, "--workers", workers)
    async with contextlib.AsyncExitStack() as stack:
        old = await stack.enter_async_context(upgradable.process("0", *options))
        assert "nobody to take over from" in await old.line()
        tcp, udp = await upgradable.addresses(old)
        async with load(tcp, udp) as report:
            await report.wait(20)
            sources = set(upgradable.udp.clients)
            for number in range(1, 4):
                new = await stack.enter_async_context(upgradable.process(str(number), *options))
                assert await new.line("took over") == f"took over from process {old.process.pid}"
                assert await old.line("handed over") == f"handed over to process {new.process.pid}"
                await report.wait(20)
                old = new
            assert upgradable.udp.clients == sources  # each flow has kept its socket
        assert await old.stop() == 0
    assert list(upgradable.folder.glob("s*")) == []


@pytest.mark.proxied
async def test_the_old_process_serves_its_connections_to_their_end(upgradable: Upgradable) -> None:
    async with upgradable.process("old") as old:
        tcp, _ = await upgradable.addresses(old)
        reader, writer = await asyncio.open_connection(*tcp)
        writer.write(b"before\n")
        assert (await reader.readline()).endswith(b"before\n")
        async with upgradable.process("new") as new:
            await new.line("took over")
            await old.line("handed over")
            writer.write(b"after\n")
            assert (await reader.readline()).endswith(b"after\n")
            writer.close()
            await writer.wait_closed()
            # It may have ended before the drain that counts it has begun.
            assert re.search("stopped: [01] connections and flows over$", await old.rest(), re.MULTILINE)
            assert await old.process.wait() == 0
            assert old.table() == []
            assert await new.rows(lambda rows: len(rows) == 2)


@pytest.mark.parametrize(
    ("module", "name", "function", "when"),
    [
        pytest.param(
            "takeover.predecessor", "Predecessor", "greet", "True", id="connected, and has said nothing"
        ),
        pytest.param("proxy", "Proxy", "synced", "True", id="greeted"),
        pytest.param("dataplane.plane", "DataPlane", "inherit", "True", id="has the listening sockets"),
        pytest.param("dataplane.plane", "DataPlane", "heir", "True", id="has bound its table"),
        pytest.param("dataplane.heir", "Heir", "adopt_flow", "True", id="has the first flow"),
        pytest.param(
            "succession.channel", "Channel", "send", "arguments[1] == {'ask': 'serving'}", id="has everything"
        ),
    ],
)
async def test_a_new_process_that_is_killed_leaves_the_old_one_as_it_was(
    upgradable: Upgradable, module: str, name: str, function: str, when: str
) -> None:
    script = KILLED.format(module=module, name=name, function=function, when=when)
    await upgradable.survives(script)


@pytest.mark.proxied
async def test_of_two_upgrades_at_once_one_says_so_and_ends(upgradable: Upgradable) -> None:
    async with contextlib.AsyncExitStack() as processes:
        old = await processes.enter_async_context(upgradable.process("old"))
        tcp, udp = await upgradable.addresses(old)
        first = await processes.enter_async_context(upgradable.process("first", "", "-f", "-"))
        async with load(tcp, udp) as report:
            await first.line("taking over")  # and waits for standard input
            async with upgradable.process("second") as second:
                assert await second.process.wait() == 1
                assert "another process is taking over already" in second.errors.read_text()
            assert first.process.stdin is not None
            first.process.stdin.close()
            await first.line("took over")
            await report.wait(10)


@pytest.mark.proxied
@pytest.mark.parametrize("workers", asked_numbers())
async def test_sigterm_while_another_process_takes_over(upgradable: Upgradable, workers: str) -> None:
    async with upgradable.process("old", "", "--workers", workers) as old:
        await upgradable.addresses(old)
        async with upgradable.process("new", "", "-f", "-", "--workers", workers) as new:
            await new.line("taking over")
            assert await old.stop() == 0
            assert new.process.stdin is not None
            new.process.stdin.close()
            assert await new.line("has ended before it was taken over from")
            assert len(await new.rows(lambda rows: len(rows) == 2)) == 2
            await upgradable.addresses(new)


async def test_the_old_process_is_killed_with_its_flows_half_way_over(upgradable: Upgradable) -> None:
    """Nobody serves then: the new one begins with what it has, so no queue is lost."""
    async with upgradable.process("old") as old:
        tcp, udp = await upgradable.addresses(old)
        async with load(tcp, udp) as report:
            await report.wait(2)
        script = KILLED.format(
            module="dataplane.heir", name="Heir", function="adopt_flow", when=OLD_IS_KILLED
        ).replace("OLD", str(old.process.pid))
        async with upgradable.process("new", script) as new:
            await new.line("has ended before it was taken over from")
            assert await upgradable.addresses(new) == (tcp, udp)
            async with load(tcp, udp) as report:
                await report.wait(2)


@pytest.mark.proxied
@pytest.mark.parametrize("workers", asked_numbers())
async def test_sigterm_for_the_new_process_before_it_serves(upgradable: Upgradable, workers: str) -> None:
    async with upgradable.process("old", "", "--workers", workers) as old:
        tcp, udp = await upgradable.addresses(old)
        async with load(tcp, udp) as report:
            async with upgradable.process("new", "", "-f", "-", "--workers", workers) as new:
                await new.line("taking over")
                assert await new.stop() == 0
            await old.error("takeover_failed")
            await report.wait(10)


@pytest.mark.proxied
async def test_one_table_file_for_both(upgradable: Upgradable, tmp_path: Path) -> None:
    """It shows what is served at every moment, and the one that ends does not empty it."""
    shared = str(tmp_path / "shared.json")
    async with upgradable.process("old", "", "--table-file", shared) as old:
        old.table_file = Path(shared)
        table = await old.rows(lambda rows: len(rows) == 2)
        async with upgradable.process("new", "", "--table-file", shared, "-f", "-") as new:
            await new.line("taking over")
            assert old.table() == table
            assert new.process.stdin is not None
            new.process.stdin.close()
            await new.line("took over")
            assert await old.process.wait() == 0
            assert old.table() == table
            assert await new.stop() == 0
        assert old.table() == []

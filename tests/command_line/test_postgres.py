"""A real PostgreSQL in a pod without a route: by name, with TLS, and among connections that are reset."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import dns.asyncquery
import dns.message
import pytest

from tests.command_line.postgres_client import ShortSession, psql
from tests.command_line.postgres_server import PASSWORD, PostgresServer, needs_postgres, postgres_server
from tests.command_line.process import LIMIT_S, Running, environment, running
from tests.command_line.test_exec import names_work
from userproxy.testing.api_server import ApiServer
from userproxy.testing.objects import RawObject, pod, service

pytestmark = needs_postgres

SHOP = f"shop-{os.getpid()}"
"""A namespace of this run of the tests alone, so its loopback addresses are too."""
NAMES = (f"db-0.db.{SHOP}.svc.cluster.local", f"db-rw.{SHOP}.svc.cluster.local")
"""Of the one pod of a StatefulSet, and of the Service for those that write."""
SHORT_NAMES = (f"db-0.db.{SHOP}", f"db-rw.{SHOP}", f"db-r.{SHOP}")
PORT = 5432
RESET = "read: connection reset by peer"
CONNECTS, AT_ONCE = 1000, 25


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with postgres_server(tmp_path_factory.mktemp("postgres"), (*NAMES, *SHORT_NAMES), port) as found:
        yield found


def objects(place: str) -> list[RawObject]:
    """A StatefulSet's pods, of which the second one has nobody who listens, and three Services of them."""

    def member(number: int, backends: dict[int, str], **labels: str) -> RawObject:
        name = f"db-{number}"
        return pod(
            name, f"sql:{PORT}", backends=backends, namespace=SHOP, labels={"app": "db", **labels},
            hostname=name, subdomain="db",
        )  # fmt: skip

    return [
        service("db", f"sql:{PORT}", namespace=SHOP, clusterIP="None", selector={"app": "db"}),
        service("db-rw", f"sql:{PORT}", namespace=SHOP, selector={"role": "primary"}),
        service("db-r", f"sql:{PORT}", namespace=SHOP, selector={"app": "db"}),
        member(0, {PORT: place}, role="primary"),
        member(1, {}),
    ]


@dataclass
class Shop:
    """An API server, and a proxy on this host, which reaches pods through it alone."""

    server: ApiServer
    proxy: Running
    dns_port: int

    async def address(self, name: str) -> str:
        """What the proxy's DNS says."""
        question = dns.message.make_query(name, "A")
        answer = await dns.asyncquery.udp(question, "127.0.0.1", timeout=LIMIT_S, port=self.dns_port)
        ((record,),) = answer.answer
        return str(record)


@contextlib.asynccontextmanager
async def shop(database: PostgresServer, home: Path, *options: str | Path) -> AsyncIterator[Shop]:
    async with ApiServer() as server:
        await server.apply(*objects(database.place))
        config = server.kubeconfig(home / "config")
        arguments = ("--kubeconfig", config, "--dns", "127.0.0.1:0", "--dial", "port-forward", *options)
        async with running(home, "run", *arguments) as proxy:
            port = await proxy.dns_port()
            await proxy.rows(lambda rows: len(rows) == 4)
            yield Shop(server, proxy, int(port))


async def test_a_thousand_connects_of_which_one_in_ten_is_reset(
    database: PostgresServer, tmp_path: Path
) -> None:
    """Half of the resets are the pod's, half the client's; nobody else notices any of them."""
    async with contextlib.AsyncExitStack() as stack:
        it = await stack.enter_async_context(shop(database, tmp_path))
        addresses = {name: await it.address(name) for name in NAMES}
        sessions = [
            await stack.enter_async_context(psql(tmp_path, database.conninfo(name, hostaddr=address)))
            for name, address in (*addresses.items(),) * 2
        ]
        backends = [await session.ask("select pg_backend_pid()") for session in sessions]
        over = asyncio.Event()

        async def keep_asking(number: int) -> int:
            asked = 0
            while not over.is_set():
                assert await sessions[number].ask(f"select {number} * {asked}") == str(number * asked)
                asked += 1
                await asyncio.sleep(0.01)  # leaves the machine to those that connect
            return asked

        asking = [asyncio.ensure_future(keep_asking(number)) for number in range(len(sessions))]
        it.server.fail_forwards(RESET, count=None, every=20, after_bytes=1)
        outcomes: Counter[str] = Counter()
        context = ssl.create_default_context(cafile=database.authority)
        turns = iter(range(CONNECTS))

        async def keep_connecting() -> None:
            for turn in turns:
                name = NAMES[turn % 2]
                try:
                    async with ShortSession.open((addresses[name], PORT), name, context) as session:
                        outcomes["connected"] += 1
                        if outcomes["connected"] % 19 == 0:
                            await session.reset_in_the_answer_to("select repeat('x', 3000000)")
                        else:
                            assert await session.ask(f"select {turn}") == b"%d" % turn
                            await session.leave()
                            outcomes["answered"] += 1
                except ConnectionResetError:
                    outcomes["reset by the pod"] += 1

        await asyncio.gather(*(keep_connecting() for _ in range(AT_ONCE)))
        over.set()
        asked = await asyncio.gather(*asking)
        assert outcomes == {"connected": 950, "answered": 900, "reset by the pod": 50}
        assert all(asked)
        assert [await session.ask("select pg_backend_pid()") for session in sessions] == backends
        assert await it.proxy.stop() == 0


@names_work
async def test_psql_finds_the_database_by_name_alone(database: PostgresServer, tmp_path: Path) -> None:
    """Of the pods of db-r one takes no connection: the request for TLS then goes to the other."""
    async with ApiServer() as server:
        await server.apply(*objects(database.place))
        config = server.kubeconfig(tmp_path / "config")
        asked = [
            f'psql -XAt "{database.conninfo(name)}" -c "select {number}"'
            for number, name in enumerate((*SHORT_NAMES, SHORT_NAMES[-1], *NAMES))
        ]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "userproxy", "exec", "--kubeconfig", config, "--dial", "port-forward",
            "--", "sh", "-ec", "\n".join(asked),
            stdout=PIPE, env=environment(tmp_path, PGPASSWORD=PASSWORD),
        )  # fmt: skip
        async with asyncio.timeout(LIMIT_S):
            output, _ = await process.communicate()
        assert output.split() == [b"%d" % number for number in range(len(asked))]
        assert process.returncode == 0
        assert server.forwards.connected > len(asked), "nobody was sent on"


async def test_a_session_ends_with_its_upgrade_and_the_next_one_works(
    database: PostgresServer, tmp_path: Path
) -> None:
    async with shop(database, tmp_path) as it:
        conninfo = database.conninfo(NAMES[0], hostaddr=await it.address(NAMES[0]))
        async with psql(tmp_path, conninfo) as session:
            assert await session.ask("select 1") == "1"
            it.server.break_forwards()
            with pytest.raises(AssertionError, match="psql has ended"):
                await session.ask("select 2")
        async with psql(tmp_path, conninfo) as session:
            assert await session.ask("select 3") == "3"


async def test_a_copy_of_100_MB_each_way(database: PostgresServer, tmp_path: Path) -> None:
    rows, row = 100_000, "x" * 1000
    sent, got = tmp_path / "sent", tmp_path / "got"
    sent.write_text("".join(f"{number} {row}\n" for number in range(rows)))
    async with shop(database, tmp_path) as it:
        conninfo = database.conninfo(NAMES[0], hostaddr=await it.address(NAMES[0]))
        async with psql(tmp_path, conninfo) as session:
            await session.ask("create temporary table copied (line text); select 1")
            assert await session.ask(f"\\copy copied from {sent}\nselect count(*) from copied") == str(rows)
            assert await session.ask(f"\\copy copied to {got}\nselect 2") == "2"
        assert got.read_bytes() == sent.read_bytes()

"""``userproxy run --dns``: real clients find what is served."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dns.message import make_query

from tests.command_line.process import LIMIT_S, Running, running, userproxy, wrong_usage
from tests.command_line.test_run import manifest, replace_file
from tests.command_line.tools import missing_tools, needs, said
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.objects import endpoint_slice, service

FULL = "svc.cluster.local"
WEB = "127.145.179.210"
"""Rule L1: of shop/web, in every run, as nothing else is served beside it here."""


def shop(*names: str) -> str:
    return manifest(*(service(name, 18430, namespace="shop") for name in names))


@contextlib.asynccontextmanager
async def answering(tmp_path: Path, text: str, *arguments: str) -> AsyncIterator[tuple[Running, str]]:
    """A run, and the number of its DNS server, once names are known."""
    file = tmp_path / "m.yaml"
    file.write_text(text)
    async with running(tmp_path, "run", "-f", file, "--dns", "127.0.0.1:0", *arguments) as run:
        port = await run.dns_port()
        await run.rows(len)
        yield run, port


async def dig(port: str, *arguments: str) -> str:
    return await said("dig", "@127.0.0.1", "-p", port, "+tries=1", *arguments)


async def short(port: str, *arguments: str) -> list[str]:
    return sorted((await dig(port, "+short", *arguments)).splitlines())


@needs("dig")
@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
async def test_dig_finds_a_service_its_port_and_its_name(tmp_path: Path, transport: str) -> None:
    async with answering(tmp_path, shop("web")) as (run, port):
        assert await short(port, transport, f"web.shop.{FULL}") == [WEB]
        assert await short(port, transport, "AAAA", f"web.shop.{FULL}") == []
        assert await short(port, transport, "-x", WEB) == [f"web.shop.{FULL}."]
        assert await short(port, transport, "SRV", f"web.shop.{FULL}") == [f"0 100 18430 web.shop.{FULL}."]
        assert "status: NXDOMAIN" in await dig(port, transport, f"none.shop.{FULL}")
        assert "status: REFUSED" in await dig(port, transport, "example.com")
        assert await run.stop() == 0
        assert run.errors.read_text() == ""


@needs("dig")
@pytest.mark.proxied
async def test_answers_follow_what_is_served(tmp_path: Path) -> None:
    async with answering(tmp_path, shop("web")) as (run, port):
        replace_file(tmp_path / "m.yaml", shop("db"))
        async with asyncio.timeout(LIMIT_S):
            while "NXDOMAIN" not in await dig(port, f"web.shop.{FULL}"):
                pass
        assert len(await short(port, f"db.shop.{FULL}")) == 1
        assert await run.stop() == 0


@needs("dig")
async def test_aliases_and_what_is_behind_them_follow_too(tmp_path: Path) -> None:
    alias = service("old", type="ExternalName", externalName=f"web.shop.{FULL}")
    async with answering(tmp_path, shop("web")) as (run, port):
        replace_file(tmp_path / "m.yaml", shop("web") + "---\n" + manifest(alias))
        async with asyncio.timeout(LIMIT_S):
            while await short(port, f"old.default.{FULL}") != [WEB, f"web.shop.{FULL}."]:
                pass
            replace_file(tmp_path / "m.yaml", shop("web"))
            while "NXDOMAIN" not in await dig(port, f"old.default.{FULL}"):
                pass
        assert await run.stop() == 0


@needs("dig")
async def test_exec_starts_its_command_once_names_have_answers(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(shop("web"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = ("dig", "@127.0.0.1", "-p", port, "+short", "SRV", f"web.shop.{FULL}")
    options = ("-f", str(tmp_path / "m.yaml"), "--dns", f"127.0.0.1:{port}")
    done = await asyncio.to_thread(userproxy, tmp_path, "exec", *options, "--", *command)
    assert done.stdout == f"0 100 18430 web.shop.{FULL}.\n"
    assert f"DNS at 127.0.0.1:{port}" in done.stderr
    assert done.returncode == 0


@needs("dig")
async def test_what_does_not_fit_in_a_datagram_comes_by_tcp(tmp_path: Path) -> None:
    endpoints = [f"10.0.{n // 200}.{n % 200}:18430" for n in range(120)]
    names = [f"db-{number}" for number in range(120)]
    entries = endpoint_slice("db", endpoints, namespace="shop", hostnames=names)
    text = manifest(service("db", 18430, namespace="shop", clusterIP="None"), entries)
    async with answering(tmp_path, text) as (run, port):
        await run.rows(lambda rows: len(rows) == 120)
        for size in ("+noedns", "+bufsize=512", "+bufsize=1232", "+bufsize=65535"):
            cut = await dig(port, "+ignore", size, f"db.shop.{FULL}")
            assert " tc " in cut.replace(";", " "), size
            found = int(cut.partition("MSG SIZE  rcvd: ")[2].split()[0])
            assert found <= (512 if size in ("+noedns", "+bufsize=512") else 1232)
            assert len(await short(port, size, f"db.shop.{FULL}")) == 120
        assert await run.stop() == 0


@needs("host")
async def test_host_finds_short_names_when_they_were_asked_for(tmp_path: Path) -> None:
    async with answering(tmp_path, shop("web"), "--dns-search", "shop") as (run, port):
        for name in ("web", "web.shop", "web.shop.svc"):
            found = await said("host", "-p", port, f"{name}.", "127.0.0.1")
            assert f"{name} is an alias for web.shop.{FULL}." in found
            assert f"web.shop.{FULL} has address {WEB}" in found
        assert await run.stop() == 0


@needs("dig")
async def test_names_of_others_are_asked_of_the_server_that_was_named(tmp_path: Path) -> None:
    """Which is one of ours, with another cluster domain."""
    others, own = tmp_path / "others", tmp_path / "own"
    for folder in (others, own):
        folder.mkdir()
    names = [f"db-{number}" for number in range(120)]
    endpoints = [f"10.0.0.{number + 1}:18430" for number in range(120)]
    entries = endpoint_slice("db", endpoints, namespace="far", hostnames=names)
    text = manifest(service("db", 18430, namespace="far", clusterIP="None"), entries)
    alias = service("db", type="ExternalName", externalName="db-0.db.far.svc.other.test")
    async with (
        answering(others, text, "--cluster-domain", "other.test") as (_, far),
        answering(own, manifest(service("web", 18430), alias), "--dns-forward", f"127.0.0.1:{far}") as (
            run,
            port,
        ),
    ):
        for transport in ("+notcp", "+tcp"):
            [address] = await short(far, "db-0.db.far.svc.other.test")
            assert await short(port, transport, "db-0.db.far.svc.other.test") == [address]
            found = await short(port, transport, f"db.default.{FULL}")
            assert found == [address, "db-0.db.far.svc.other.test."]
            assert len(await short(port, transport, "db.far.svc.other.test")) == 120
            assert "status: NXDOMAIN" in await dig(port, transport, "none.far.svc.other.test")
        assert await run.stop() == 0


async def test_a_flood_of_queries_cuts_no_traffic_and_is_survived(tmp_path: Path) -> None:
    async with TcpEcho() as echo:
        slices = endpoint_slice("web", [echo.endpoint], namespace="shop")
        async with answering(tmp_path, manifest(service("web", 18431, namespace="shop"), slices)) as (
            run,
            port,
        ):
            host, number = await run.address("web")
            over = threading.Event()
            flood = asyncio.create_task(asyncio.to_thread(flooded, int(port), over))
            try:
                for _ in range(100):
                    reader, writer = await asyncio.open_connection(host, number)
                    writer.write(b"hello")
                    async with asyncio.timeout(LIMIT_S):
                        assert await reader.readexactly(5) == b"hello"
                    writer.close()
                    await writer.wait_closed()
            finally:
                over.set()
                await flood
            if not missing_tools("dig"):
                assert await short(port, "+tcp", f"web.shop.{FULL}") == [host]
            assert await run.stop() == 0
            assert run.errors.read_text() == ""


def flooded(port: int, over: threading.Event) -> None:
    """Queries and nonsense, as fast as they can be sent."""
    good = make_query(f"web.shop.{FULL}", "A").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.connect(("127.0.0.1", port))
        while not over.is_set():
            for datagram in (good, good[:20], b"", b"\xff" * 100):
                sending.send(datagram)


@needs("dig")
async def test_another_cluster_domain(tmp_path: Path) -> None:
    async with answering(tmp_path, shop("web"), "--cluster-domain", "k8s.example") as (run, port):
        assert await short(port, "web.shop.svc.k8s.example") == [WEB]
        assert "status: REFUSED" in await dig(port, f"web.shop.{FULL}")
        assert await run.stop() == 0


@pytest.mark.proxied
@needs("dig")
async def test_an_address_that_is_taken_is_one_line_and_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(shop("web"))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        options = ("-f", tmp_path / "m.yaml", "--dns", f"127.0.0.1:{port}")
        async with running(tmp_path, "run", *options) as run:
            await run.error(f"--dns 127.0.0.1:{port}: is taken; stop whoever answers there, or name another")
            assert await run.rows(len)
            other.close()
            await run.line("DNS at")
            assert await short(port, f"web.shop.{FULL}") == [WEB]
            assert await run.stop() == 0
            assert run.errors.read_text().count("\n") == 1


BAD = [
    (("--dns", "localhost:1053"), "localhost:1053: has to be an IP address and a port, as in 127.0.0.1"),
    (("--dns", "127.0.0.1"), "as in 127.0.0.1:1053"),
    (("--dns", "127.0.0.1:70000"), "as in 127.0.0.1:1053"),
    (("--dns", "0.0.0.0:1053"), "name one address, so that answers come from where was asked"),
    (("--dns-search", "shop"), "--dns-search is about --dns, which is missing"),
    (("--dns-forward", "192.0.2.1"), "--dns-forward is about --dns, which is missing"),
    (("--dns", "127.0.0.1:1053", "--dns-search", "a.b"), "--dns-search a.b: is no namespace"),
    (("--dns", "127.0.0.1:1053", "--dns-forward", "dns.example"), "as in 192.0.2.1 or 192.0.2.1:53"),
    (("--dns", "[::1]:1053", "--dns-forward", "[::1]:1053"), "name another DNS server"),
    (("--dns", "127.0.0.1:1053", "--cluster-domain", "a..b"), "is no cluster domain"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "wanted"), BAD)
def test_a_bad_option_is_one_line(tmp_path: Path, options: tuple[str, ...], wanted: str) -> None:
    (tmp_path / "m.yaml").write_text(shop("web"))
    assert wanted in wrong_usage(tmp_path, "run", "-f", tmp_path / "m.yaml", *options)

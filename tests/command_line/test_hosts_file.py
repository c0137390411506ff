"""``userproxy run --hosts-file``: the block is true while it runs, and gone afterwards."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line.process import LIMIT_S, running
from tests.command_line.test_run import manifest, replace_file
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.objects import endpoint_slice, service

BEFORE = "127.0.0.1 localhost"
IN_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    path = tmp_path / "hosts"
    path.write_text(BEFORE)
    return path


def shop(*names: str, port: int = 18430) -> str:
    return manifest(*(service(name, port, namespace="shop") for name in names))


def read(path: Path) -> str:
    return path.read_text()


def write(path: Path, text: str) -> None:
    path.write_text(text)


async def names(hosts: Path, *wanted: str) -> str:
    """The file, once these names are all that it has in namespace shop."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            text = read(hosts)
            found = {word for word in text.split() if word.endswith(".shop")}
            if found == {f"{name}.shop" for name in wanted}:
                return text
            await asyncio.sleep(0.01)


@pytest.mark.proxied
async def test_the_block_follows_what_is_served_and_goes_at_the_end(tmp_path: Path, hosts: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(shop("web"))
    async with running(tmp_path, "run", "-f", file, "-n", "shop", "--hosts-file", hosts) as run:
        text = await names(hosts, "web")
        assert "\tweb.shop.svc.cluster.local web.shop.svc web.shop web\n" in text
        replace_file(file, shop("web", "db"))
        await names(hosts, "web", "db")
        replace_file(file, shop("db"))
        await names(hosts, "db")
        write(hosts, "10.0.0.1 others\n")
        assert (await names(hosts, "db")).startswith("10.0.0.1 others\n# BEGIN")
        write(hosts, BEFORE)
        await names(hosts, "db")
        assert await run.stop() == 0
        assert read(hosts) == BEFORE
        assert run.errors.read_text() == ""


@pytest.mark.proxied
async def test_a_run_that_was_killed_leaves_a_block_that_the_next_takes_away(
    tmp_path: Path, hosts: Path
) -> None:
    (tmp_path / "m.yaml").write_text(shop("web"))
    async with running(tmp_path, "run", "-f", tmp_path / "m.yaml", "--hosts-file", hosts) as run:
        await names(hosts, "web")
        await run.stop(signal.SIGKILL)
    await names(hosts, "web")
    (tmp_path / "m.yaml").write_text(shop("db"))
    async with running(tmp_path, "run", "-f", tmp_path / "m.yaml", "--hosts-file", hosts) as run:
        await names(hosts, "db")
        assert await run.stop() == 0
    assert read(hosts) == BEFORE
    assert (tmp_path / "hosts.before-userproxy").read_text() == BEFORE


@pytest.mark.proxied
async def test_a_clash_is_said_once_and_the_first_namespace_has_the_name(tmp_path: Path, hosts: Path) -> None:
    (tmp_path / "m.yaml").write_text(shop("web") + "---\n" + manifest(service("web", 1, namespace="bank")))
    options = ("-f", tmp_path / "m.yaml", "-n", "shop", "-n", "bank", "--hosts-file", hosts)
    async with running(tmp_path, "run", *options, "--addresses", "ephemeral") as run:
        await run.error("web: is the name of Service shop/web; for Service bank/web use web.bank.svc")
        text = await names(hosts, "web")
        assert "is at port" in text, "a port that is not at its number is told"
        assert await run.stop() == 0
        assert run.errors.read_text().count("is the name of") == 1


@pytest.mark.proxied
async def test_a_file_that_cannot_be_had_is_one_line_and_the_rest_works(tmp_path: Path, hosts: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(hosts)
    async with TcpEcho() as echo:
        (tmp_path / "m.yaml").write_text(manifest(service("web", 80), endpoint_slice("web", [echo.endpoint])))
        options = ("-f", tmp_path / "m.yaml", "--hosts-file", link, "--addresses", "ephemeral")
        async with running(tmp_path, "run", *options) as run:
            await run.error(f"{link}: is a link, and links are not followed; name the file itself: {hosts}")
            reader, writer = await asyncio.open_connection(*await run.address("web"))
            writer.write(b"x")
            assert await reader.readexactly(1)
            writer.close()
            link.unlink()
            link.write_text(BEFORE)
            async with asyncio.timeout(LIMIT_S):
                while "web.default" not in read(link):  # it is tried again
                    await asyncio.sleep(0.01)
            assert await run.stop() == 0
            assert run.errors.read_text().count("\n") == 1
    assert read(link) == BEFORE
    assert read(hosts) == BEFORE


def _namespaces_work() -> bool:
    if not all(shutil.which(tool) for tool in ("unshare", "getent")):
        return False
    return subprocess.run([*IN_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _namespaces_work(), reason="no unshare or getent, or no namespaces here")
async def test_the_resolver_of_the_system_finds_the_names(tmp_path: Path, hosts: Path) -> None:
    """In a mount namespace, with the file at /etc/hosts: a mount, so it is written in place."""
    (tmp_path / "m.yaml").write_text(shop("web"))
    script = (
        f'mount --bind {hosts} /etc/hosts; echo ready; "$0" -m userproxy run "$@" & '
        "while read name; do getent hosts $name || echo none; done; kill $!; wait $!; cat /etc/hosts"
    )
    process = await asyncio.create_subprocess_exec(
        *IN_NAMESPACE, "sh", "-c", script, sys.executable, "-f", str(tmp_path / "m.yaml"), "-n", "shop",
        "--hosts-file", "/etc/hosts",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    await names(hosts, "web")
    output, _ = await process.communicate(b"web.shop\nweb\nweb.shop.svc.cluster.local\nweb.bank\n")
    address = "127.145.179.210"
    lines = output.decode().splitlines()
    assert [line.split()[0] for line in lines if line.startswith((address, "none"))][:4] == [
        address, address, address, "none",
    ]  # fmt: skip
    assert read(hosts) == BEFORE

"""``userproxy run`` on manifests: the table, changes under load, loops, exit codes."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from tests.command_line.process import WEB, Running, running, userproxy
from tests.option import OPTION, asked_loops
from userproxy.model.names import Family, NamespacedName
from userproxy.routing import LoopbackAddresses
from userproxy.testing.backends.http import HttpBackend
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.objects import endpoint_slice, service

TABLE_FIELDS = (
    "namespace", "service", "port_name", "protocol", "family", "service_port", "listen_address",
    "listen_port", "state", "endpoints",
)  # fmt: skip


def manifest(*objects: dict[str, object]) -> str:
    return yaml.safe_dump_all(objects)


def web_on(port: int, *endpoints: str) -> str:
    """A manifest of the Service `WEB` with one port."""
    return manifest(service(WEB, port), endpoint_slice(WEB, list(endpoints)))


def own_address() -> str:
    """Where `WEB` listens, by its name (rule L1)."""
    address = LoopbackAddresses().hold(NamespacedName("default", WEB), Family.IPV4)
    assert address is not None
    return address


def replace_file(path: Path, text: str) -> None:
    """As a careful editor does: beside it, then renamed."""
    temporary = path.with_suffix(".new")
    temporary.write_text(text)
    temporary.rename(path)


@pytest.fixture
async def backends() -> AsyncIterator[list[HttpBackend]]:
    async with HttpBackend("one") as one, HttpBackend("two") as two:
        yield [one, two]


async def get(address: tuple[str, int]) -> str:
    """The body of one request on a connection of its own."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), answer
        return body.decode().strip()
    finally:
        writer.close()


@pytest.mark.proxied
@pytest.mark.parametrize("loop", asked_loops())
async def test_table_requests_change_and_stop(tmp_path: Path, backends: list[HttpBackend], loop: str) -> None:
    one, two = backends
    file = tmp_path / "web.yaml"
    file.write_text(web_on(18400, one.endpoint))
    async with running(tmp_path, "run", "-f", file, "--loop", loop) as run:
        assert (await run.line()).split() == [
            "NAMESPACE", "SERVICE", "PORT", "ADDRESS", "STATE", "ENDPOINTS", "NOTE",
        ]  # fmt: skip
        assert f"{own_address()}:18400" in await run.line(WEB)
        address = await run.address(WEB)
        assert await get(address) == "one"
        [row] = run.table()
        assert tuple(row)[: len(TABLE_FIELDS)] == TABLE_FIELDS
        assert row["endpoints"] == [one.endpoint]
        replace_file(
            file,
            web_on(18400, two.endpoint),
        )
        assert two.endpoint in await run.line("~ default")
        assert await get(address) == "two"
        replace_file(file, manifest(service("other", 18400)))
        lines = {await run.line(), await run.line()}
        assert {line[0] for line in lines} == {"-", "+"}
        assert await run.stop() == 0
        assert "stopped" in await run.rest()


@pytest.mark.proxied
async def test_endpoints_move_under_load_without_a_failed_request(
    tmp_path: Path, backends: list[HttpBackend]
) -> None:
    """Edits in place while clients ask."""
    file = tmp_path / "web.yaml"

    def text(backend: HttpBackend) -> str:
        return web_on(18401, backend.endpoint)

    file.write_text(text(backends[0]))
    async with running(tmp_path, "run", "-f", tmp_path / "web.yaml") as run:
        address = await run.address(WEB)
        answers: list[str] = []
        going_on = True

        async def client() -> None:
            while going_on:
                answers.append(await get(address))

        clients = [asyncio.create_task(client()) for _ in range(4)]
        for number in range(8):
            backend = backends[number % 2]
            file.write_text(text(backend))
            await _moved(run, backend)
        going_on = False
        await asyncio.gather(*clients)
        assert set(answers) == {"one", "two"}
        assert await run.stop() == 0


async def _moved(run: Running, backend: HttpBackend) -> None:
    await run.rows(lambda rows: rows and rows[0]["endpoints"] == [backend.endpoint])


@pytest.mark.proxied
async def test_a_bad_edit_is_reported_and_what_served_before_goes_on(
    tmp_path: Path, backends: list[HttpBackend]
) -> None:
    file = tmp_path / "web.yaml"
    good = manifest(service(WEB, 18402), endpoint_slice(WEB, [backends[0].endpoint]))
    file.write_text(good)
    async with running(tmp_path, "run", "-f", file, "--log-format", "json") as run:
        address = await run.address(WEB)
        replace_file(file, "kind: Service\n  bad: [")
        line = json.loads(await run.error('"problem"'))
        assert str(file) in line["object"] + line["origin"]
        assert "line 2, column 6" in line["field"]
        assert await get(address) == "one"
        replace_file(file, manifest(service(WEB, 99999), endpoint_slice(WEB, [backends[0].endpoint])))
        refused = json.loads(await run.error("99999"))
        assert refused["object"] == f"Service default/{WEB}"
        assert refused["field"] == "spec.ports[0].port"
        assert await get(address) == "one"
        replace_file(file, manifest(service(WEB, 18402), endpoint_slice(WEB, [backends[1].endpoint])))
        await run.rows(lambda rows: rows and rows[0]["endpoints"] == [backends[1].endpoint])
        assert await get(address) == "two"


@pytest.mark.proxied
async def test_namespaces_and_selector_limit_what_is_served(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(
        manifest(
            service("a", 80, namespace="shop", labels={"tier": "front"}),
            service("b", 80, namespace="shop"),
            service("c", 80, namespace="bank", labels={"tier": "front"}),
        )
    )
    options = ("-f", tmp_path / "all.yaml", "-n", "shop", "-l", "tier=front", "--addresses", "ephemeral")
    async with running(tmp_path, "run", *options) as run:
        rows = await run.rows(bool)
        assert [row["service"] for row in rows] == ["a"]
        assert rows[0]["state"] == "refusing"


# What goes wrong.


@pytest.mark.proxied
async def test_a_port_that_is_taken_is_served_at_another_number(tmp_path: Path) -> None:
    async with TcpEcho() as echo, TcpEcho(host=own_address(), port=18406):
        (tmp_path / "m.yaml").write_text(web_on(18406, echo.endpoint))
        async with running(tmp_path, "run", "-f", tmp_path / "m.yaml") as run:
            assert await run.address(WEB) == (own_address(), 26406)
            assert "port 18406 is taken" in await run.line("web")


@pytest.mark.proxied
async def test_an_empty_folder_warns_and_waits(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    async with running(tmp_path, "run", "-f", folder, "--addresses", "ephemeral") as run:
        await run.error("manifests")
        assert await run.line() == "no Service yet"
        (folder / "web.yaml").write_text(manifest(service(WEB, 80)))
        assert "web" in await run.line("+")


@pytest.mark.proxied
async def test_an_unparsable_file_at_start_is_reported_and_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text("{")
    async with running(tmp_path, "run", "-f", file, "--addresses", "ephemeral") as run:
        await run.error("web.yaml")
        replace_file(file, manifest(service(WEB, 80)))
        assert await run.rows(bool)


def wrong(*arguments: str, says: str) -> object:
    return pytest.param(arguments, says, id=says)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        wrong("run", says="no cluster found"),
        wrong("run", "-f", "missing.yaml", says="missing.yaml: No such file"),
        wrong("run", "-f", "x", "--kubeconfig", "y", says="-f and --kubeconfig cannot be combined"),
        wrong("run", "-f", "x", "--context", "y", says="-f and --context cannot be combined"),
        wrong("run", "-f", "x", "--server", "http://x", says="-f and --server cannot be combined"),
        wrong("run", "--kubeconfig", "missing", says="missing"),
        wrong("run", "--nonsense", says="unrecognized arguments: --nonsense"),
        wrong("run", "-f", ".", "--drain-timeout", "soon", says="not a duration"),
        wrong("run", "-f", ".", "-l", "a=b=c", says="a=b=c"),
        wrong("run", "-f", ".", "--loopback-range", "10.0.0.0/8", says="not local to this host"),
        wrong("run", "-f", ".", "--loopback-range", "fd00:9::/64", says="ip_nonlocal_bind=1"),
        wrong("run", "-f", ".", "--loopback-range", "127.9.0.0/25", says="smaller than 256"),
        wrong("run", "-f", ".", "--loopback-range", "127.9.0.1/16", says="host bits"),
        wrong("run", "-f", ".", "--table-file", "no/such/folder.json", says="no folder"),
        wrong("run", "-f", ".", "--table-file", ".", says="--table-file .: cannot be written"),
        wrong("run", "-f", ".", "--table-file", "/proc/table.json", says="table.json: cannot be written"),
        wrong("explain", "-f", "missing.yaml", says="missing.yaml: No such file"),
        wrong("check", "-f", "missing.yaml", says="missing.yaml: No such file"),
        wrong("check", says="-f/--filename"),
        wrong("demo", "--seconds", "0", says="must be above 0"),
        wrong(says="COMMAND"),
        wrong("sing", says="invalid choice"),
    ],
)
def test_wrong_usage_is_one_clear_line_and_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = userproxy(tmp_path, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    done = userproxy(tmp_path, "run", "--help", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not loaded & {"aiohttp", "rich", "yaml", "uvloop", "watchfiles", "orjson"}
    assert "argparse" in loaded
    others = {"userproxy.cli.command_process", "userproxy.cli.running", "userproxy.cli.load.options"}
    assert not loaded & others, "what other commands need"


def test_help_lists_files_among_the_sources(tmp_path: Path) -> None:
    _, _, sources = userproxy(tmp_path, "run", "--help").stdout.partition("source:\n")
    assert "-f PATH" in sources


def test_version(tmp_path: Path) -> None:
    done = userproxy(tmp_path, "--version")
    assert done.stdout.startswith("userproxy ")


@pytest.mark.proxied
async def test_nothing_is_left_behind(tmp_path: Path, backends: list[HttpBackend]) -> None:
    (tmp_path / "m.yaml").write_text(
        manifest(service(WEB, 18407), endpoint_slice(WEB, [backends[0].endpoint]))
    )
    async with running(tmp_path, "run", "-f", tmp_path / "m.yaml") as run:
        assert await get(await run.address(WEB)) == "one"
        workers = _children(run.process.pid)
        assert len(workers) == (OPTION.workers if OPTION.workers > 1 else 0)
        assert await run.stop() == 0
    assert not set(workers).intersection(os.listdir("/proc"))
    assert sorted(os.listdir(tmp_path)) == ["errors.txt", "m.yaml", "table.json", "userproxy"]
    assert os.listdir(tmp_path / "userproxy") == []


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

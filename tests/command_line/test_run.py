"""``userproxy run`` on manifests: the table, changes under load, signals, loops, exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from tests.command_line.process import LIMIT_S, WEB, Row, Running, environment, running, userproxy
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


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
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


# Signals.


WITHOUT_TIME_STAMPS = """
import sys
import userproxy.sources.disk as disk
disk._stamp = lambda status: (status.st_ino,)
disk._TRUSTED_AGE_NS = -1
from userproxy.cli import main
raise SystemExit(main(sys.argv[1:]))
"""


async def test_sighup_reads_files_again_and_standard_input_not(tmp_path: Path) -> None:
    """On a file system where nothing else tells of a change."""
    file, program = tmp_path / "m.yaml", tmp_path / "blind.py"
    file.write_text(manifest(service("before", 80)))
    program.write_text(WITHOUT_TIME_STAMPS)
    script = f'exec "{sys.executable}" "{program}" run -f - -f "{file}" --addresses ephemeral "$@"'
    async with running(tmp_path, script, "sh", shell=True) as run:
        assert run.process.stdin is not None
        run.process.stdin.write(manifest(service("piped", 80)).encode())
        run.process.stdin.close()
        await run.rows(lambda rows: _services(rows) == ["before", "piped"])
        file.write_text(manifest(service("behind", 80)))
        run.process.send_signal(signal.SIGHUP)
        await run.rows(lambda rows: _services(rows) == ["behind", "piped"])
        assert await run.stop() == 0


def _services(rows: list[Row]) -> list[object]:
    return [row["service"] for row in rows]


SIGNALLED = """
import os, signal, sys
import userproxy.cli.{module} as module
usual = module.{function}
def signalled(*arguments):
    os.kill(os.getpid(), signal.{number})
    return usual(*arguments)
module.{function} = signalled
from userproxy.cli import main
raise SystemExit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("module", "function", "number", "code", "says"),
    [
        pytest.param("parser", "parse", "SIGINT", 130, "", id="Ctrl-C while arguments are parsed"),
        pytest.param("run", "settings_of", "SIGINT", 130, "", id="Ctrl-C before there is a loop"),
        pytest.param("run", "settings_of", "SIGHUP", 2, "missing.yaml", id="SIGHUP is no end"),
    ],
)
def test_a_signal_in_the_first_moments(
    tmp_path: Path, module: str, function: str, number: str, code: int, says: str
) -> None:
    script = SIGNALLED.format(module=module, function=function, number=number)
    done = subprocess.run(
        [sys.executable, "-c", script, "run", "-f", str(tmp_path / "missing.yaml")],
        capture_output=True, text=True, timeout=LIMIT_S, env=environment(tmp_path), check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.spec("L6")
async def test_a_signal_lets_open_connections_end_by_themselves(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with TcpEcho() as echo:
        (tmp_path / "m.yaml").write_text(web_on(18403, echo.endpoint))
        async with running(tmp_path, "run", "-f", tmp_path / "m.yaml") as run:
            address = await run.address(WEB)
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"before ")
            assert await reader.readexactly(7) == b"before "
            run.process.send_signal(number)
            while True:
                try:
                    _, probe = await asyncio.open_connection(*address)
                    probe.close()
                except ConnectionRefusedError:
                    break
            writer.write(b"after")
            assert await reader.readexactly(5) == b"after"
            writer.close()
            assert await run.process.wait() == 0
            # The probes that were still queued count too.
            assert re.search(r"stopped: \d+ connections and flows over\n", await run.rest())


async def test_the_drain_timeout_cuts_what_is_left_and_says_so(tmp_path: Path) -> None:
    async with TcpEcho() as echo:
        (tmp_path / "m.yaml").write_text(web_on(18404, echo.endpoint))
        async with running(tmp_path, "run", "-f", tmp_path / "m.yaml", "--drain-timeout", "50ms") as run:
            reader, writer = await asyncio.open_connection(*await run.address(WEB))
            writer.write(b"x")
            await reader.readexactly(1)
            assert await run.stop() == 0
            assert "1 cut at the limit of 0.05 s" in await run.rest()
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_at_once(tmp_path: Path, number: signal.Signals) -> None:
    async with TcpEcho() as echo:
        (tmp_path / "m.yaml").write_text(web_on(18405, echo.endpoint))
        async with running(tmp_path, "run", "-f", tmp_path / "m.yaml", "-v") as run:
            address = await run.address(WEB)
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"x")
            await reader.readexactly(1)
            run.process.send_signal(number)
            await _refused(address)
            assert await run.stop(number) == 128 + number
            writer.close()


async def _refused(address: tuple[str, int]) -> None:
    while True:
        try:
            _, probe = await asyncio.open_connection(*address)
        except ConnectionRefusedError:
            return
        probe.close()


# What goes wrong.


async def test_a_port_that_is_taken_is_served_at_another_number(tmp_path: Path) -> None:
    async with TcpEcho() as echo, TcpEcho(host=own_address(), port=18406):
        (tmp_path / "m.yaml").write_text(web_on(18406, echo.endpoint))
        async with running(tmp_path, "run", "-f", tmp_path / "m.yaml") as run:
            assert await run.address(WEB) == (own_address(), 26406)
            assert "port 18406 is taken" in await run.line("web")


async def test_an_empty_folder_warns_and_waits(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    async with running(tmp_path, "run", "-f", folder, "--addresses", "ephemeral") as run:
        await run.error("manifests")
        assert await run.line() == "no Service yet"
        (folder / "web.yaml").write_text(manifest(service(WEB, 80)))
        assert "web" in await run.line("+")


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


def test_help_lists_files_among_the_sources(tmp_path: Path) -> None:
    _, _, sources = userproxy(tmp_path, "run", "--help").stdout.partition("source:\n")
    assert "-f PATH" in sources


def test_version(tmp_path: Path) -> None:
    done = userproxy(tmp_path, "--version")
    assert done.stdout.startswith("userproxy ")


async def test_nothing_is_left_behind(tmp_path: Path, backends: list[HttpBackend]) -> None:
    (tmp_path / "m.yaml").write_text(
        manifest(service(WEB, 18407), endpoint_slice(WEB, [backends[0].endpoint]))
    )
    async with running(tmp_path, "run", "-f", tmp_path / "m.yaml") as run:
        assert await get(await run.address(WEB)) == "one"
        assert _children(run.process.pid) == ""
        assert await run.stop() == 0
    assert sorted(os.listdir(tmp_path)) == ["errors.txt", "m.yaml", "table.json"]


def _children(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text()

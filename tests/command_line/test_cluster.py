"""``userproxy run`` on a cluster: our own API server as a process, kubectl, kubeconfig, a lost API."""

from __future__ import annotations

import asyncio
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from tests.command_line.process import LIMIT_S, WEB, Running, environment, running, userproxy
from tests.command_line.test_run import get
from userproxy.testing import ApiServer
from userproxy.testing.backends.http import HttpBackend
from userproxy.testing.objects import endpoint_slice, node, service


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with ApiServer() as server:
        yield server


@pytest.mark.proxied
async def test_services_of_a_cluster_follow_the_watch(tmp_path: Path, server: ApiServer) -> None:
    async with HttpBackend("one") as one, HttpBackend("two") as two:
        await server.apply(service(WEB, 18410))
        await server.apply(endpoint_slice(WEB, [one.endpoint]))
        async with running(tmp_path, "run", "--server", server.url) as run:
            address = await run.address(WEB)
            assert await get(address) == "one"
            await server.apply(endpoint_slice(WEB, [two.endpoint]))
            await _moved_to(run, two.endpoint)
            assert await get(address) == "two"
            await server.delete("Service", WEB)
            await run.rows(lambda rows: not rows)
            assert await run.stop() == 0


@pytest.mark.proxied
@pytest.mark.spec("R7")
async def test_a_lost_api_server_stops_no_traffic(tmp_path: Path, server: ApiServer) -> None:
    async with HttpBackend("one") as one, HttpBackend("two") as two:
        await server.apply(service(WEB, 18411))
        await server.apply(endpoint_slice(WEB, [one.endpoint]))
        async with running(tmp_path, "run", "--server", server.url, "-v") as run:
            address = await run.address(WEB)
            port = server.port
            await server.stop()
            await run.error("watch_lost")
            assert await get(address) == "one"
            await server.apply(endpoint_slice(WEB, [two.endpoint]))
            await server.start(port=port)
            await _moved_to(run, two.endpoint)
            assert await get(address) == "two"
            await run.error("watch_restored")


@pytest.mark.proxied
async def test_an_unreachable_server_at_start_is_said_once_and_tried_again(
    tmp_path: Path, server: ApiServer
) -> None:
    url, port = server.url, server.port
    await server.stop()
    async with running(tmp_path, "run", "--server", url, "--addresses", "ephemeral") as run:
        assert "cannot be reached" in await run.error("watch_lost")
        await server.apply(service("web", 80))
        await server.start(port=port)
        assert await run.rows(bool)
        assert run.errors.read_text().count("watch_lost") == 1


@pytest.mark.proxied
async def test_zone_hints_of_this_node(tmp_path: Path, server: ApiServer) -> None:
    labels = {"topology.kubernetes.io/zone": "a"}
    await server.apply(node("worker-1", labels=labels))
    await server.apply(service("web", 18412))
    await server.apply(endpoint_slice("web", ["10.0.0.1:80"], zones=["a"], name="web-a"))
    await server.apply(endpoint_slice("web", ["10.0.0.2:80"], zones=["b"], name="web-b"))
    options = ("--server", server.url, "--node-name", "Worker-1", "--dial", "direct")
    async with running(tmp_path, "run", *options) as run:
        await _moved_to(run, "10.0.0.1:80")
        await server.apply(node("worker-1", labels={"topology.kubernetes.io/zone": "b"}))
        await _moved_to(run, "10.0.0.2:80")


@pytest.mark.proxied
async def test_a_kubeconfig_by_option_and_by_variable(tmp_path: Path, server: ApiServer) -> None:
    await server.apply(service("web", 80))
    path = tmp_path / "config"
    server.kubeconfig(path)
    for arguments, variable in ((["--kubeconfig", str(path)], ""), ([], str(path))):
        home = tmp_path / f"home-{len(arguments)}"
        home.mkdir()
        options = [*arguments, "--addresses", "ephemeral"]
        async with running(home, "run", *options, KUBECONFIG=variable) as run:
            assert [row["service"] for row in await run.rows(bool)] == ["web"]
            assert await run.stop() == 0


@pytest.mark.proxied
async def test_sighup_reads_the_kubeconfig_again(tmp_path: Path, server: ApiServer) -> None:
    path = tmp_path / "config"
    server.kubeconfig(path)
    await server.apply(service("web", 80))
    async with ApiServer() as successor:
        async with running(tmp_path, "run", "--kubeconfig", path, "--addresses", "ephemeral") as run:
            await run.rows(bool)
            successor.kubeconfig(path)
            run.process.send_signal(signal.SIGHUP)
            async with asyncio.timeout(LIMIT_S):
                while not successor.requests:
                    await asyncio.sleep(0.01)
            assert await run.stop() == 0


WITHOUT_HOME = """
import pwd, sys
def getpwuid(number):
    raise KeyError(f"getpwuid(): uid not found: {number}")
pwd.getpwuid = getpwuid
from userproxy.cli import main
raise SystemExit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param(["explain", "--server", "http://127.0.0.1:1"], 1, "127.0.0.1:1", id="a server"),
        pytest.param(["run"], 2, "no cluster found", id="nothing"),
    ],
)
def test_a_user_without_a_home(tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    variables = environment(tmp_path)
    del variables["HOME"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_HOME, *arguments],
        capture_output=True, text=True, timeout=LIMIT_S, env=variables, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_kubeconfig_without_the_context_names_those_there_are(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
                "users": [{"name": "u", "user": {"token": "s3cr3t"}}],
                "contexts": [
                    {"name": name, "context": {"cluster": "c", "user": "u"}} for name in ("kind", "minikube")
                ],
            }
        )
    )
    done = userproxy(tmp_path, "run", "--kubeconfig", path, "--context", "prod")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert all(word in done.stderr for word in ("prod", "kind", "minikube"))
    assert "s3cr3t" not in done.stderr
    path.write_text("{")
    done = userproxy(tmp_path, "run", "--kubeconfig", path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


async def test_an_expired_server_certificate_is_said_so(tmp_path: Path) -> None:
    import datetime

    import trustme

    authority = trustme.CA()
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    certificate = authority.issue_cert(
        "127.0.0.1", not_before=past - datetime.timedelta(days=2), not_after=past
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    pem = authority.cert_pem.bytes()
    async with ApiServer(ssl_context=context, certificate_authority=pem) as server:
        server.kubeconfig(tmp_path / "config")
        done = await asyncio.to_thread(userproxy, tmp_path, "explain", "--kubeconfig", tmp_path / "config")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "expired" in done.stderr


@pytest.mark.proxied
async def test_a_namespaced_role_is_enough(tmp_path: Path, server: ApiServer) -> None:
    await server.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    await server.apply(service("web", 80, namespace="shop"))
    await server.apply(service("other", 80))
    options = ("--server", server.url, "-n", "shop", "--addresses", "ephemeral")
    async with running(tmp_path, "run", *options) as run:
        assert [row["service"] for row in await run.rows(bool)] == ["web"]
    paths = {request.path for request in server.requests}
    assert paths
    assert all("/namespaces/shop/" in path or path.endswith("/nodes") for path in paths)


@pytest.mark.proxied
async def test_two_processes_and_kubectl(tmp_path: Path) -> None:
    """The whole chain: ``userproxy apiserver``, ``kubectl apply``, ``userproxy run --server``."""
    import shutil

    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    async with HttpBackend("one") as one, HttpBackend("two") as two:
        async with running(tmp_path, "apiserver", "--listen", "127.0.0.1:0", table=False) as api:
            url = (await api.line("listening on")).rpartition(" ")[2]
            home = tmp_path / "proxy"
            home.mkdir()
            async with running(home, "run", "--server", url) as run:

                async def apply(*objects: dict[str, object]) -> None:
                    done = await asyncio.to_thread(
                        subprocess.run,
                        [kubectl, "--server", url, "apply", "-f", "-"],
                        input=yaml.safe_dump_all(objects),
                        text=True,
                        capture_output=True,
                        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
                        check=False,
                    )
                    assert done.returncode == 0, done.stderr

                await apply(service(WEB, 18413), endpoint_slice(WEB, [one.endpoint]))
                assert await get(await run.address(WEB)) == "one"
                await apply(endpoint_slice(WEB, [two.endpoint]))
                await _moved_to(run, two.endpoint)
                assert await get(await run.address(WEB)) == "two"
            assert await api.stop() == 0


async def _moved_to(run: Running, endpoint: str) -> None:
    await run.rows(lambda rows: rows and rows[0]["endpoints"] == [endpoint])

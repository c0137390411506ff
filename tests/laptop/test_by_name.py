"""From a laptop: every Service of a cluster, by name, without root, although no pod has a route."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.command_line.own_network import answers_are, missing
from tests.command_line.process import running
from tests.command_line.test_run import manifest
from tests.command_line.tools import needs, said
from tests.laptop.laptop import AS_A_USER, NAMESPACE, laptop
from userproxy.testing.backends import HttpBackend
from userproxy.testing.objects import RawObject, pod, service

UNPRIVILEGED_PORTS = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())


def with_spec(raw: RawObject, **fields: object) -> RawObject:
    spec = raw["spec"]
    assert isinstance(spec, dict)
    return {**raw, "spec": {**spec, **fields}}


def cluster(namespace: str, places: dict[str, str]) -> list[RawObject]:
    """A Service of two pods at port 80, one of a named port, and a headless one; each pod says its name."""

    def pod_of(app: str, number: int) -> RawObject:
        name = f"{app}-{number}"
        backends = {8080: places[name]}
        return pod(name, "http:8080", backends=backends, namespace=namespace, labels={"app": app})

    def service_of(app: str, port: int, target: object) -> RawObject:
        one = {"name": "http", "port": port, "targetPort": target}
        return service(app, one, namespace=namespace, selector={"app": app})

    return [
        service_of("web", 80, "http"),
        service_of("api", 18480, 8080),
        with_spec(service_of("db", 15480, 8080), clusterIP="None"),
        pod_of("web", 0),
        pod_of("web", 1),
        pod_of("api", 0),
        with_spec(pod_of("db", 0), hostname="db-0", subdomain="db"),
    ]


PODS = ("web-0", "web-1", "api-0", "db-0")
NAMES = {"web": 80, "api": 18480, "db-0.db": 15480, "db": 15480}
"""Of Services and of an endpoint, with their port."""


def pods_of(name: str) -> set[str]:
    """Who may answer to ``name``."""
    return {each for each in PODS if each.startswith(name.partition("-")[0])}


@needs("dig", "curl")
@pytest.mark.spec("L1")
async def test_dig_and_curl_find_every_service(tmp_path: Path) -> None:
    """The API server, the pods and the proxy are processes of their own; the proxy has no privilege."""
    domain = f"{NAMESPACE}.svc.cluster.local"
    async with AsyncExitStack() as stack:
        backends = [await stack.enter_async_context(HttpBackend(name)) for name in PODS]
        places = {backend.name: backend.endpoint for backend in backends}
        (tmp_path / "m.yaml").write_text(manifest(*cluster(NAMESPACE, places)))
        arguments = ("-f", tmp_path / "m.yaml", "--write-kubeconfig", tmp_path / "config")
        server = await stack.enter_async_context(running(tmp_path, "apiserver", *arguments, table=False))
        await server.line("listening on")
        options = ("--dns", "127.0.0.1:0")
        run = await stack.enter_async_context(laptop(tmp_path / "laptop", tmp_path / "config", *options))
        port = await run.dns_port()
        rows = await run.rows(lambda rows: len(rows) == 3)
        at_80 = 80 if UNPRIVILEGED_PORTS <= 80 else 8080
        assert [row["listen_port"] for row in rows if row["service"] == "web"] == [at_80]
        for name, number in {**NAMES, "web": at_80}.items():
            address = await said("dig", "@127.0.0.1", "-p", port, "+short", f"{name}.{domain}")
            place = f"{name}.{NAMESPACE}:{number}"
            seen = {
                await said("curl", "-sS", "--resolve", f"{place}:{address}", f"http://{place}/")
                for _ in range(len(pods_of(name)))
            }
            assert seen == pods_of(name), run.errors.read_text()
        assert await run.stop() == 0


SERVED = """
echo 53 >/proc/sys/net/ipv4/ip_unprivileged_port_start
port=9000
for pod in web-0 web-1 api-0 db-0; do
    start $pod "$python" -m userproxy.testing.backends http --name $pod --port $port
    port=$((port + 1))
done
start server "$python" -m userproxy apiserver -f "$folder/m.yaml" --write-kubeconfig "$folder/config"
listens server
start said "$@" "$python" -m userproxy run --kubeconfig "$folder/config" --dns 127.0.0.1:53
listens said
"""


@pytest.mark.skipif(bool(missing()), reason=missing())
async def test_every_program_finds_every_service_by_plain_names(tmp_path: Path) -> None:
    """In a network of its own, where the responder may have port 53 and no pod has a route."""
    places = {name: f"127.0.0.1:{9000 + number}" for number, name in enumerate(PODS)}
    (tmp_path / "m.yaml").write_text(manifest(*cluster("shop", places)))
    asked: dict[str, set[str]] = {}
    for name, port in NAMES.items():
        for host in (f"{name}.shop", f"{name}.shop.svc.cluster.local"):
            asked[f"getent hosts {host}"] = {f"{name}.shop.svc.cluster.local"}
            asked[f"curl --silent --show-error --max-time 30 http://{host}:{port}/"] = pods_of(name)
    asked["curl --silent --show-error --max-time 30 http://web.shop/"] = pods_of("web")
    asked["curl --silent --show-error --max-time 30 http://198.18.0.1:8080/"] = {"failed: 7"}
    await answers_are(asked, tmp_path, SERVED, *AS_A_USER)

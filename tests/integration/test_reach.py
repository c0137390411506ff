"""`Proxy` decides how endpoints are reached by its settings, its source and this host's Node."""

from __future__ import annotations

import socket
from _socket import socket as RawSocket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_network

import pytest

from tests.integration.world import greeting
from tests.option import in_one_process_only
from userproxy import Addresses, DialMode, MemorySource, Proxy, Settings
from userproxy.dataplane.descriptors import Descriptors
from userproxy.dataplane.engine import Engine
from userproxy.dataplane.pod_dialling import PodCaller
from userproxy.model.names import NamespacedName
from userproxy.model.routes import Endpoint
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.backends.udp import UdpEcho
from userproxy.testing.objects import endpoint_slice, node, service

pytestmark = in_one_process_only("they cannot reach pods")
LAPTOP = Settings(addresses=Addresses.EPHEMERAL, node_name="laptop")
POD = NamespacedName("default", "web-0")


class RemoteSource(MemorySource):
    """Objects as of a cluster that this host may be outside of."""

    @property
    def remote(self) -> bool:
        return True


class Way:
    """A way to a pod that is there at once."""

    timeout_s: float | None = None

    def __init__(self, far_end: socket.socket) -> None:
        self._far_end = far_end

    def cancel(self) -> None:
        """It is never under way."""

    def redial(self, endpoint: Endpoint, pod: NamespacedName) -> bool:
        return False

    def over(self, *, clean: bool) -> None:
        self._far_end.close()


@dataclass
class Pods:
    """A `PodDialler` in whose place this test answers: with the name of the pod."""

    dialled: list[NamespacedName] = field(default_factory=list)

    def attach(self, engine: Engine, descriptors: Descriptors) -> None:
        """Nothing to watch."""

    def counts(self) -> Mapping[str, int]:
        return {}

    def stopping(self) -> None:
        """Nothing is held back."""

    def dial(self, endpoint: Endpoint, pod: NamespacedName, caller: PodCaller) -> Way | None:
        self.dialled.append(pod)
        theirs, ours = socket.socketpair()
        theirs.setblocking(False)
        ours.sendall(f"{pod.name}\n".encode())
        ours.shutdown(socket.SHUT_WR)
        caller.forwarded(Way(ours), RawSocket(fileno=theirs.detach()))
        caller.reached()
        return None


async def test_from_outside_a_pod_is_reached_through_the_dialler() -> None:
    source, pods = RemoteSource(), Pods()
    source.apply(service("web", 80), endpoint_slice("web", ["10.0.0.1:8080"], pods=["web-0"]))
    async with Proxy(source, settings=LAPTOP, pod_dialler=pods) as proxy:
        await proxy.settled()
        assert await greeting(proxy.address("web")) == "web-0"
        assert pods.dialled == [POD]


async def test_it_is_dialled_directly_once_this_host_is_its_node() -> None:
    source, pods = RemoteSource(), Pods()
    async with TcpEcho("direct") as echo, Proxy(source, settings=LAPTOP, pod_dialler=pods) as proxy:
        source.apply(service("web", 80), endpoint_slice("web", [echo.endpoint], pods=["web-0"]))
        await proxy.settled()
        assert await greeting(proxy.address("web")) == "web-0"
        source.apply(node("laptop", internal_ips=["127.0.0.1"]))
        await proxy.settled()
        assert await greeting(proxy.address("web")) == "direct"
        source.apply(node("laptop", internal_ips=["192.0.2.1"]))
        await proxy.settled()
        assert await greeting(proxy.address("web")) == "web-0"


@pytest.mark.parametrize(
    ("source", "settings", "with_pods"),
    [
        pytest.param(MemorySource, LAPTOP, True, id="objects from calls"),
        pytest.param(RemoteSource, replace(LAPTOP, dial_mode=DialMode.DIRECT), True, id="mode direct"),
        pytest.param(
            RemoteSource, replace(LAPTOP, direct_cidrs=(ip_network("127.0.0.0/8"),)), True, id="direct CIDR"
        ),
        pytest.param(RemoteSource, LAPTOP, False, id="nothing that reaches pods"),
    ],
)
async def test_what_is_dialled_directly(
    source: type[MemorySource], settings: Settings, with_pods: bool
) -> None:
    objects, pods = source(), Pods()
    async with (
        TcpEcho("direct") as echo,
        Proxy(objects, settings=settings, pod_dialler=pods if with_pods else None) as proxy,
    ):
        objects.apply(service("web", 80), endpoint_slice("web", [echo.endpoint], pods=["web-0"]))
        await proxy.settled()
        assert await greeting(proxy.address("web")) == "direct"
        assert pods.dialled == []


@pytest.mark.spec("T8")
async def test_T8_a_port_that_has_only_endpoints_out_of_reach_refuses_and_says_why() -> None:
    source = RemoteSource()
    source.apply(
        service("web", "http:80", "dns:53/UDP"),
        endpoint_slice("web", ["10.0.0.1:8080"], port_name="http"),
        endpoint_slice(
            "web", ["10.0.0.1:53"], port_name="dns", protocol="UDP", name="web-dns", pods=["web-0"]
        ),
    )
    async with Proxy(source, settings=LAPTOP, pod_dialler=Pods()) as proxy:
        await proxy.settled()
        assert [(str(port.state), port.reason) for port in proxy.snapshot().ports] == [
            ("refusing", "UDP: port-forward carries TCP only"),
            ("refusing", "no Pod behind this address: port-forward cannot reach it"),
        ]


async def test_udp_goes_directly_where_the_host_is_the_node() -> None:
    source = RemoteSource()
    async with UdpEcho() as echo, Proxy(source, settings=LAPTOP, pod_dialler=Pods()) as proxy:
        source.apply(
            node("laptop", internal_ips=["127.0.0.1"]),
            service("web", "53/UDP"),
            endpoint_slice("web", [echo.endpoint], protocol="UDP", pods=["web-0"]),
        )
        await proxy.settled()
        (port,) = proxy.snapshot().ports
        assert (str(port.state), [one.endpoint for one in port.endpoints]) == ("listening", [echo.endpoint])

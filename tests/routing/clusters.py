"""Random clusters for property tests: few names and addresses, so that everything meets everything."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from tests.routing.objects import IPV4, IPV6, TCP, UDP
from userproxy.model.endpoints import EndpointSlice, SliceEndpoint, SlicePort
from userproxy.model.service import Service, ServicePortSpec, ServiceType, TrafficPolicy

ZONES = ["eu-a", "eu-b"]
NODES = ["here", "there"]

policies = st.sampled_from(TrafficPolicy)
service_ports = st.lists(
    st.builds(
        ServicePortSpec,
        name=st.sampled_from(["http", "dns"]),
        protocol=st.sampled_from([TCP, UDP]),
        port=st.integers(80, 82),
        node_port=st.sampled_from([None, None, 30080]),
    ),
    min_size=1,
    max_size=2,
    unique_by=(lambda port: port.name, lambda port: (port.protocol, port.port)),
).map(tuple)
slice_ports = st.lists(
    st.builds(
        SlicePort,
        name=st.sampled_from(["http", "http", "dns"]),
        protocol=st.sampled_from([TCP, TCP, UDP]),
        port=st.integers(8080, 8081),
    ),
    max_size=2,
    unique_by=lambda port: (port.name, port.protocol),
).map(tuple)


def hints(names: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """Mostly there: one ready endpoint without a hint switches the kind off."""
    return st.lists(st.sampled_from(names), max_size=2, unique=True).map(tuple)


def endpoints(addresses: list[str]) -> st.SearchStrategy[tuple[SliceEndpoint, ...]]:
    return st.lists(
        st.builds(
            SliceEndpoint,
            address=st.sampled_from(addresses),
            ready=st.booleans(),
            serving=st.booleans(),
            terminating=st.booleans(),
            node_name=st.sampled_from(["", *NODES]),
            zone_hints=hints(ZONES),
            node_hints=hints(NODES),
            hostname=st.sampled_from(["", "", "a", "b"]),
            pod=st.sampled_from(["", "web-0", "web-1"]),
        ),
        max_size=4,
        unique_by=lambda endpoint: endpoint.address,
    ).map(tuple)


@st.composite
def services(draw: st.DrawFn, name: str = "web") -> Service:
    return Service(
        "default",
        name,
        type=draw(st.sampled_from(ServiceType)),
        ports=draw(service_ports),
        headless=draw(st.sampled_from([False, False, False, True])),
        cluster_ips=draw(st.sampled_from([(), ((IPV4, "10.96.0.1"),), ((IPV4, "10.96.0.2"),)])),
        families=draw(st.sampled_from([(IPV4,), (IPV4, IPV6), (IPV6,)])),
        session_affinity_s=draw(st.sampled_from([None, 60])),
        internal_traffic_policy=draw(policies),
        external_traffic_policy=draw(policies),
        allocate_node_ports=draw(st.booleans()),
        external_ips=draw(st.sampled_from([(), (), ("192.0.2.1",), ("2001:db8::1",)])),
        load_balancer_ips=draw(st.sampled_from([(), (), ("192.0.2.2",)])),
        creation_timestamp=draw(st.sampled_from(["", "2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"])),
    )


@st.composite
def slices(draw: st.DrawFn, name: str = "web-1", owners: Sequence[str] = ("web",)) -> EndpointSlice:
    family = draw(st.sampled_from([IPV4, IPV4, IPV6, None]))
    addresses = ["fd00::1", "fd00::2"] if family is IPV6 else ["10.0.0.1", "10.0.0.2", "10.0.0.10"]
    return EndpointSlice(
        "default",
        name,
        draw(st.sampled_from(owners)),
        family,
        draw(slice_ports),
        draw(endpoints(addresses)),
        headless=draw(st.sampled_from([False, False, False, True])),
    )

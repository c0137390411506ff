"""Publication, addresses, loops, snapshots and stopping."""

from __future__ import annotations

import asyncio
import errno
import socket
from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from tests.dataplane.harness import SERVICE, Peer, endpoint_of, harness, listening, route
from tests.ipv6 import needs_ipv6
from userproxy.dataplane.binding import Bindings
from userproxy.dataplane.loops import OwnAddresses
from userproxy.errors import NotListening
from userproxy.model.names import NamespacedName, Protocol, ServicePortName
from userproxy.model.routes import Endpoint, RouteChanges
from userproxy.model.service import Balancer, PortOptions, TrafficPolicy

HASHED = PortOptions(balancer=Balancer.CONSISTENT_HASH)


# Which number (rule L1).


async def test_L1_the_stated_number_on_an_address_of_its_own() -> None:
    async with harness() as h:
        h.serve(route(Endpoint.of("127.0.0.1", 1), host="127.77.1.2", port=18080, service_port=18080))
        assert h.address == ("127.77.1.2", 18080)


async def test_L1_a_number_that_is_taken_moves_by_8000_and_stays_there() -> None:
    with socket.socket() as other:
        other.bind(("127.77.1.3", 18081))
        other.listen()
        async with harness() as h:
            taken = route(Endpoint.of("127.0.0.1", 1), host="127.77.1.3", port=18081, service_port=18081)
            h.serve(taken)
            assert h.address == ("127.77.1.3", 26081)
            port = h.plane.snapshot()[0]
            assert (port.state, port.reason) == ("listening", "port 18081 is taken")
            # The choice holds for the process, also when the stated number is free again.
            h.remove()
            other.close()
            h.serve(taken)
            assert h.address == ("127.77.1.3", 26081)


async def test_L1_a_number_that_is_not_permitted_moves_too(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Bindings.stated

    def stated(self: Bindings, wanted: object) -> object:
        if wanted.listen_port < 1024:  # type: ignore[attr-defined]  # a Route
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(self, wanted)  # type: ignore[arg-type]  # a Route

    monkeypatch.setattr(Bindings, "stated", stated)
    async with harness() as h:
        h.serve(route(Endpoint.of("127.0.0.1", 1), host="127.77.1.4", port=443, service_port=443))
        assert h.address == ("127.77.1.4", 8443)
        assert h.plane.snapshot()[0].reason == "port 443 is not permitted"


async def test_L1_stated_ports_come_first_and_no_fallback_takes_one() -> None:
    """18090 is taken, 26090 is a stated port of the same Service: the first free number from 10000 it is."""
    with socket.socket() as other:
        other.bind(("127.77.1.5", 18090))
        other.listen()
        async with harness() as h:
            stated = ((Protocol.TCP, 18090), (Protocol.TCP, 26090))
            routes = tuple(
                replace(
                    route(
                        Endpoint.of("127.0.0.1", 1),
                        name=ServicePortName("default", "web", f"p{port}"),
                        host="127.77.1.5",
                        port=port,
                        service_port=port,
                    ),
                    stated_ports=stated,
                )
                for _, port in stated
            )
            h.plane.apply(RouteChanges(1, changed=routes))
            assert h.plane.address(SERVICE, "p18090", None) == ("127.77.1.5", 10000)
            assert h.plane.address(SERVICE, "p26090", None) == ("127.77.1.5", 26090)


async def test_L1_above_65535_the_next_free_number_from_10000() -> None:
    with socket.socket() as other, socket.socket() as another:
        other.bind(("127.77.1.6", 60000))
        another.bind(("127.77.1.6", 10000))
        async with harness() as h:
            h.serve(route(Endpoint.of("127.0.0.1", 1), host="127.77.1.6", port=60000, service_port=60000))
            assert h.address == ("127.77.1.6", 10001)


async def test_L4_no_address_at_all_is_reported_and_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("userproxy.dataplane.retries.PAUSES_S", (0.01,))
    monkeypatch.setattr("userproxy.dataplane.binding.MOST_TRIED", 0)
    monkeypatch.setattr("userproxy.dataplane.binding.FALLBACK_OFFSET", 0)
    with listening() as listener, socket.socket() as other:
        other.bind(("127.77.1.7", 18100))
        other.listen()
        async with harness() as h:
            h.serve(route(endpoint_of(listener), host="127.77.1.7", port=18100, service_port=18100))
            healthy = route(
                endpoint_of(listener),
                name=ServicePortName("default", "healthy", ""),
                host="127.77.1.8",
                port=18100,
            )
            h.plane.apply(RouteChanges(2, changed=(healthy,)))
            [problem] = h.plane.problems()
            assert (problem.rule, problem.value) == ("L4", "127.77.1.7:18100")
            assert h.plane.snapshot()[1].state == "taken"
            with pytest.raises(NotListening):
                _ = h.address
            assert h.plane.address(NamespacedName("default", "healthy"), "", None) == ("127.77.1.8", 18100)
            other.close()
            while h.plane.problems():
                await asyncio.sleep(0.005)
            assert h.address == ("127.77.1.7", 18100)


# Loops (rule L8).


async def test_L8_an_endpoint_that_is_the_listener_itself_is_not_used() -> None:
    async with harness() as h:
        h.serve(route(host="127.77.2.1", port=18200, service_port=18200))
        me = Endpoint.of("127.77.2.1", 18200)
        h.swap(me)
        assert h.plane.snapshot()[0].state == "refusing"
        [problem] = h.plane.problems()
        assert (problem.rule, problem.value) == ("L8", me.name)
        h.swap()
        assert h.plane.problems() == ()


async def test_L8_a_loop_over_two_services_is_seen_whichever_comes_first() -> None:
    one, two = Endpoint.of("127.77.2.2", 18201), Endpoint.of("127.77.2.3", 18202)
    async with harness() as h:
        first = route(two, host=one.ip, port=one.port, service_port=one.port)
        second = route(
            one,
            name=ServicePortName("default", "other", ""),
            host=two.ip,
            port=two.port,
            service_port=two.port,
        )
        h.plane.apply(RouteChanges(1, changed=(first,)))
        assert h.plane.snapshot()[0].state == "listening"
        h.plane.apply(RouteChanges(2, changed=(second,)))
        assert [port.state for port in h.plane.snapshot()] == ["refusing", "refusing"]
        assert len(h.plane.problems()) == 2
        h.plane.apply(RouteChanges(3, removed=(first.key,)))
        assert [port.state for port in h.plane.snapshot()] == ["listening"]
        assert h.plane.problems() == ()


async def test_L8_a_loop_that_is_closed_while_the_ring_is_built_is_seen_too() -> None:
    """A names B's listener among many endpoints and hashes; both come in one difference."""
    other = Endpoint.of("127.77.2.5", 18205)
    many = [Endpoint.of("10.0.0.1", port) for port in range(1000, 1400)]
    async with harness() as h:
        first = route(*many, other, options=HASHED)
        second = route(
            Endpoint.of("127.0.0.1", 1),
            name=ServicePortName("default", "other", ""),
            host=other.ip,
            port=other.port,
            service_port=other.port,
        )
        h.plane.apply(RouteChanges(1, changed=(first, second)))
        await h.plane.published()
        port = next(port for port in h.plane.snapshot() if port.key == first.key)
        assert other.name not in [e.endpoint for e in port.endpoints]
        assert len(port.endpoints) == 400
        assert [problem.value for problem in h.plane.problems()] == [other.name]


def test_L8_addresses_of_a_stated_range_may_be_ours() -> None:
    own = OwnAddresses(IPv4Network("10.9.0.0/16"))
    mine, theirs = Endpoint.of("10.9.1.1", 80), Endpoint.of("10.8.1.1", 80)
    one = route(mine, theirs)
    own.route_changed(None, one)
    assert own.bound(Protocol.TCP, "10.9.1.1", 80) == {one.key}
    assert own.without_loops(one).internal == (theirs,)
    assert own.bound(Protocol.TCP, "10.8.1.1", 80) == set()


# Publishing last (design, decision 4).


async def test_B6_a_large_ring_is_published_when_it_is_complete() -> None:
    many = [Endpoint.of("10.0.0.1", port) for port in range(1000, 1400)]
    async with harness() as h:
        h.serve(route(*many, options=HASHED))
        with pytest.raises(KeyError):
            _ = h.address
        await h.plane.published()
        assert len(h.plane.snapshot()[0].endpoints) == 400


async def test_B6_a_route_that_waits_for_its_ring_is_dropped_when_a_newer_one_comes() -> None:
    many = [Endpoint.of("10.0.0.1", port) for port in range(1000, 1400)]
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener), options=HASHED))
            h.swap(*many)
            assert len(h.plane.snapshot()[0].endpoints) == 1
            h.swap(many[0])
            await h.plane.published()
            assert [e.endpoint for e in h.plane.snapshot()[0].endpoints] == [many[0].name]


async def test_a_service_that_goes_while_its_ring_is_built_never_comes() -> None:
    many = [Endpoint.of("10.0.0.1", port) for port in range(1000, 1400)]
    async with harness() as h:
        h.serve(route(*many, options=HASHED))
        h.remove()
        await h.plane.published()
        assert h.plane.snapshot() == ()


async def test_the_first_picker_of_a_service_port_sees_its_load() -> None:
    """Least connections: of two endpoints, the one without the open connections gets the next ones."""
    least = PortOptions(balancer=Balancer.LEAST_CONNECTIONS)
    with listening() as one, listening() as two:
        async with harness() as h:
            h.serve(route(endpoint_of(one), endpoint_of(two), options=least))
            clients = []
            for number in range(1, 21):
                clients.append(await Peer.connect(h.address))
                await h.connected(number)
            assert [e.open for e in h.plane.snapshot()[0].endpoints] == [10, 10]
            for client in clients:
                client.close()


# What a swap keeps.


async def test_B1_the_cursor_and_the_counters_survive_a_swap() -> None:
    with listening() as one, listening() as two:
        async with harness() as h:
            h.serve(route(endpoint_of(one), endpoint_of(two)))
            for _ in range(6):
                with await Peer.connect(h.address):
                    await h.connected()
                    h.swap(endpoint_of(two), endpoint_of(one), Endpoint.of("10.0.0.9", 9))
                    h.swap(endpoint_of(two), endpoint_of(one))
                for listener in (one, two):
                    try:
                        listener.accept()[0].close()
                    except BlockingIOError:
                        continue
                await h.ends.next()
            assert [e.connections for e in h.plane.snapshot()[0].endpoints] == [3, 3]


async def test_B7_service_ports_share_nothing() -> None:
    with listening() as one, listening() as two:
        async with harness() as h:
            endpoints = (endpoint_of(one), endpoint_of(two))
            other = ServicePortName("default", "other", "")
            h.serve(route(*endpoints, session_affinity_s=100))
            h.plane.apply(RouteChanges(2, changed=(route(*endpoints, name=other, session_affinity_s=100),)))
            ports = list(h.plane._ports.values())
            for _ in range(5):
                ports[0].choose("192.0.2.1", ())
            assert len(ports[0].affinity or ()) == 1
            assert len(ports[1].affinity or ()) == 0
            assert ports[0].picker is not ports[1].picker


async def test_B2_one_affinity_for_all_addresses_of_a_service_port() -> None:
    with listening() as one, listening() as two:
        async with harness() as h:
            h.serve(route(endpoint_of(one), endpoint_of(two), session_affinity_s=100))
            port = h.plane._ports[h.current.key]
            chosen = port.choose("192.0.2.1", ())
            h.serve(replace(h.current, service_port=81, session_affinity_s=50))
            assert h.plane._ports[h.current.key].choose("192.0.2.1", ()) == chosen
            assert port.affinity is not None
            assert port.affinity.timeout_s == 50


# Addresses.


@needs_ipv6
async def test_address_by_port_name_and_family() -> None:
    dead = Endpoint.of("127.0.0.1", 1)
    async with harness() as h:
        http, admin = (ServicePortName("default", "web", name) for name in ("http", "admin"))
        six = route(Endpoint.of("::1", 1), name=http, host="::1")
        h.plane.apply(RouteChanges(1, changed=(route(dead, name=http), route(dead, name=admin), six)))
        assert h.plane.address(SERVICE, "http", "IPv6")[0] == "::1"
        assert h.plane.address(SERVICE, "http", "IPv4")[0] == "127.0.0.1"
        assert h.plane.address(SERVICE, "http", None)[0] == "127.0.0.1"
        for unknown in ((SERVICE, "", None), (SERVICE, "nope", None), (NamespacedName("a", "b"), "", None)):
            with pytest.raises(KeyError):
                h.plane.address(*unknown)
        with pytest.raises(KeyError):
            h.plane.address(SERVICE, "admin", "IPv6")


@needs_ipv6
@pytest.mark.spec("S2")
async def test_ipv6_is_served_to_ipv6_endpoints() -> None:
    with listening("::1") as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener), host="::1"))
            with await Peer.connect(h.address) as client, await Peer.accept(listener) as endpoint:
                await client.send(b"six")
                assert await endpoint.receive() == b"six"


# Stopping.


async def test_L6_drain_waits_for_what_is_open() -> None:
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener)))
            with await Peer.connect(h.address) as client, await Peer.accept(listener) as endpoint:
                await h.connected()
                draining = asyncio.create_task(h.plane.drain(60))
                await asyncio.sleep(0)
                await client.send(b"last")
                assert await endpoint.receive() == b"last"
                client.fin()
                await endpoint.receive()
                endpoint.fin()
                report = await draining
                assert (report.drained, report.cut) == (1, 0)


async def test_TT_drain_cuts_at_its_limit() -> None:
    with listening() as listener:
        async with harness() as h:
            h.serve(route(endpoint_of(listener)))
            with await Peer.connect(h.address) as client, await Peer.accept(listener) as endpoint:
                await h.connected()
                report = await h.plane.drain(0.01)
                assert (report.drained, report.cut) == (0, 1)
                for peer in (client, endpoint):
                    with pytest.raises(ConnectionResetError):
                        await peer.receive()
                assert await h.ends.state() == "TT"


async def test_T8_the_reasons_for_refusing_are_told_apart() -> None:
    """No endpoint anywhere, some that the Local policy does not allow here, or none that can be reached."""
    nowhere = route()
    elsewhere = replace(route(), local=(), usable_anywhere=True, internal_traffic_policy=TrafficPolicy.LOCAL)
    no_way = replace(route(), usable_anywhere=True, unreachable="UDP: port-forward carries TCP only")
    assert nowhere.internal == elsewhere.internal == no_way.internal == ()
    async with harness() as h:
        for number, one in enumerate((nowhere, elsewhere, no_way), start=1):
            name = ServicePortName("default", f"web-{number}", "")
            h.plane.apply(RouteChanges(number, changed=(replace(one, name=name),)))
        reasons = [port.reason for port in h.plane.snapshot()]
        assert reasons == [
            "no usable endpoint",
            "no usable endpoint on this node (policy Local)",
            "UDP: port-forward carries TCP only",
        ]

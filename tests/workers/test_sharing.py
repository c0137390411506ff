"""Who serves a service port, and with which part of a limit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.dataplane.harness import route
from tests.dataplane.udp_peers import udp_route
from userproxy.model.names import ServicePortName
from userproxy.model.routes import Endpoint, Route
from userproxy.model.service import PortOptions
from userproxy.settings import Limits, Settings, UdpSettings
from userproxy.workers.sharing import LEAST_SHARE, Sharing, share

TCP = route(Endpoint.of("127.0.0.1", 1))
UDP = udp_route()
TWO = Settings(workers=2)


def limited(limit: int) -> Route:
    return replace(TCP, options=PortOptions(max_connections=limit))


@pytest.mark.parametrize(
    ("limit", "workers", "shares"),
    [(10, 2, [5, 5]), (11, 2, [6, 5]), (2, 4, [1, 1, 0, 0]), (0, 2, [0, 0]), (7, 3, [3, 2, 2])],
)
def test_the_shares_make_the_limit_and_the_first_have_the_remainder(
    limit: int, workers: int, shares: list[int]
) -> None:
    assert [share(limit, workers, index) for index in range(workers)] == shares
    assert sum(shares) == limit


@pytest.mark.parametrize(
    ("served", "settings", "can_spread", "owners"),
    [
        (TCP, TWO, True, 2),
        (limited(1), TWO, True, 1),
        (limited(2 * LEAST_SHARE - 1), TWO, True, 1),
        (limited(2 * LEAST_SHARE), TWO, True, 2),
        (TCP, Settings(workers=2, limits=Limits(max_connections_per_service=1)), True, 1),
        (limited(100), Settings(workers=2, limits=Limits(max_connections_per_service=1)), True, 2),
        (TCP, Settings(workers=2, limits=Limits(max_connections=3)), True, 1),
        (UDP, Settings(workers=2, udp=UdpSettings(max_flows_per_service=1)), True, 1),
        (TCP, Settings(workers=2, udp=UdpSettings(max_flows_per_service=1)), True, 2),
        (TCP, Settings(workers=2, limits=Limits(max_held_per_service=1)), True, 2),
        (replace(TCP, options=PortOptions(hold_s=1.0)),
         Settings(workers=2, limits=Limits(max_held_per_service=1)), True, 1),
        (replace(TCP, session_affinity_s=60), TWO, True, 2),
        (replace(TCP, session_affinity_s=60), TWO, False, 1),
        (TCP, TWO, False, 2),
    ],
    ids=[
        "no limit", "one connection", "just too few", "just enough", "a small default",
        "its own limit wins", "few in all", "few flows", "which are not TCP's", "few held, and it holds none",
        "few held", "affinity", "affinity that the kernel cannot keep", "and without affinity",
    ],
)  # fmt: skip
def test_how_many_serve_it(served: Route, settings: Settings, can_spread: bool, owners: int) -> None:
    assert len(Sharing(settings, can_spread=can_spread).owners(served)) == owners


def test_what_one_worker_serves_is_dealt_to_all_of_them() -> None:
    sharing = Sharing(Settings(workers=4), can_spread=True)
    names = [ServicePortName("default", f"web-{number}", "") for number in range(64)]
    chosen = {sharing.owners(replace(limited(1), name=name)) for name in names}
    assert chosen == {(0,), (1,), (2,), (3,)}


def test_with_few_connections_in_all_one_worker_serves_everything() -> None:
    sharing = Sharing(Settings(workers=2, limits=Limits(max_connections=1)), can_spread=True)
    assert {sharing.owners(TCP), sharing.owners(limited(1)), sharing.owners(UDP)} == {(0,)}
    assert sharing.settings_for(0).limits.max_connections == 1


@pytest.mark.parametrize(
    ("served", "limits"),
    [(TCP, [None, None]), (limited(11), [6, 5]), (limited(3), [3, 3]), (UDP, [2048, 2048])],
    ids=["none", "split", "whole, for whoever serves it", "flows"],
)
def test_the_limit_of_a_service_port_comes_with_its_route(served: Route, limits: list[int | None]) -> None:
    sharing = Sharing(TWO, can_spread=True)
    told = [sharing.route_for(served, index) for index in (0, 1)]
    assert [one.options.max_connections for one in told] == limits
    assert [replace(one, options=served.options) for one in told] == [served, served]


def test_the_limits_of_the_process_are_split() -> None:
    settings = Settings(
        workers=2,
        limits=Limits(max_connections=101, max_held_per_service=9, max_splice_pipes=3),
        udp=UdpSettings(max_flows=51),
    )
    sharing = Sharing(settings, can_spread=True)
    one, other = sharing.settings_for(0), sharing.settings_for(1)
    assert (one.limits.max_connections, other.limits.max_connections) == (51, 50)
    assert (one.limits.max_held_per_service, other.limits.max_held_per_service) == (5, 4)
    assert (one.limits.max_splice_pipes, other.limits.max_splice_pipes) == (2, 1)
    assert (one.udp.max_flows, other.udp.max_flows) == (26, 25)
    assert one.limits.reserved_descriptors == settings.limits.reserved_descriptors

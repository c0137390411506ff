"""Who keeps what two Services state: rule S10."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.routing.objects import HTTP, IPV4, IPV6, SCTP, TCP, UDP, name, service
from userproxy.model.names import NamespacedName
from userproxy.model.service import Service, ServicePortSpec
from userproxy.routing import conflicts
from userproxy.routing.conflicts import Claim, Conflicts, claims_of

OLD, NEW = "2024-01-01T00:00:00Z", "2024-06-01T00:00:00Z"
CLAIM = Claim("10.96.0.1", 80, TCP)
CLAIMS = {CLAIM: "spec.clusterIPs"}
WEB, API = name("web"), name("api")


@pytest.mark.parametrize(
    ("web", "api", "winner"),
    [
        pytest.param(OLD, NEW, WEB, id="S10 the older one"),
        pytest.param(NEW, OLD, API, id="S10 the older one, other way"),
        pytest.param(OLD, OLD, API, id="S10 same age: by name"),
        pytest.param("", "", API, id="S10 no age: by name"),
        pytest.param(NEW, "", WEB, id="S10 no age sorts last"),
        pytest.param("some day", NEW, API, id="S10 an unreadable age sorts last"),
        pytest.param("2024-01-01T00:00:00.5Z", OLD, API, id="S10 fractions count"),
        pytest.param("2024-01-01T00:30:00+01:00", OLD, WEB, id="S10 offsets count"),
        pytest.param("2023-12-31T23:59:59", OLD, WEB, id="S10 no zone is UTC"),
    ],
)
def test_S10_older_creation_then_name(web: str, api: str, winner: NamespacedName) -> None:
    for order in ((WEB, API), (API, WEB)):
        conflicts = Conflicts()
        for key in order:
            conflicts.replace(key, CLAIMS, web if key == WEB else api)
        assert conflicts.winner(CLAIM) == winner
        loser = API if winner == WEB else WEB
        assert list(conflicts.problems(winner)) == []
        (problem,) = conflicts.problems(loser)
        assert problem.object.name == loser.name
        assert (problem.field, problem.value, problem.rule) == ("spec.clusterIPs", "10.96.0.1:80/TCP", "S10")
        assert str(winner) in problem.message
        assert problem.severity == "warning"


def test_S10_loser_takes_over_when_the_first_goes() -> None:
    conflicts = Conflicts()
    conflicts.replace(WEB, CLAIMS, OLD)
    assert conflicts.replace(API, CLAIMS, NEW) == {API}
    assert conflicts.replace(WEB, {}) == {WEB, API}
    assert conflicts.winner(CLAIM) == API
    assert list(conflicts.problems(API)) == []


def test_S10_older_newcomer_takes_it_from_the_holder() -> None:
    conflicts = Conflicts()
    conflicts.replace(WEB, CLAIMS, NEW)
    assert conflicts.replace(API, CLAIMS, OLD) == {WEB, API}
    assert len(list(conflicts.problems(WEB))) == 1


def test_S10_unconcerned_services_are_not_touched() -> None:
    conflicts = Conflicts()
    conflicts.replace(WEB, CLAIMS, OLD)
    conflicts.replace(API, CLAIMS, NEW)
    assert conflicts.replace(name("third"), {Claim("10.96.0.9", 80, TCP): ""}, OLD) == set()
    assert conflicts.replace(API, CLAIMS, NEW) == set(), "the same again is no change"


def test_S10_nothing_is_left_of_services_that_are_gone() -> None:
    conflicts = Conflicts()
    for key in (WEB, API):
        conflicts.replace(key, CLAIMS, OLD)
    for key in (WEB, API):
        conflicts.replace(key, {})
    assert not conflicts._claimants
    assert not conflicts._rivals
    assert conflicts.winner(CLAIM) is None
    assert conflicts.replace(WEB, {}) == set()


@pytest.mark.parametrize(
    ("stated", "claims"),
    [
        pytest.param(service(), [], id="S10 nothing stated"),
        pytest.param(
            replace(service(), cluster_ips=((IPV4, "10.96.0.1"), (IPV6, "fd00::1"))),
            ["10.96.0.1:80/TCP", "[fd00::1]:80/TCP"],
            id="S10 cluster addresses",
        ),
        pytest.param(
            replace(service(), external_ips=("192.0.2.1",), load_balancer_ips=("192.0.2.1", "192.0.2.2")),
            ["192.0.2.1:80/TCP", "192.0.2.2:80/TCP"],
            id="S10 external IPs and VIPs, one of them twice",
        ),
        pytest.param(
            service("web", replace(HTTP, node_port=30080), ServicePortSpec("dns", UDP, 53, 30080)),
            ["30080/TCP", "30080/UDP"],
            id="S10 node ports by protocol",
        ),
        pytest.param(
            replace(service("web", ServicePortSpec("x", SCTP, 9, 30009)), external_ips=("192.0.2.1",)),
            [],
            id="S10 S7 SCTP ports claim nothing",
        ),
    ],
)
def test_S10_what_a_service_claims(stated: Service, claims: list[str]) -> None:
    assert [str(claim) for claim in claims_of(stated)] == claims


def test_S10_same_number_of_another_protocol_is_no_conflict() -> None:
    conflicts = Conflicts()
    conflicts.replace(WEB, {Claim("10.96.0.1", 53, TCP): ""}, OLD)
    assert conflicts.replace(API, {Claim("10.96.0.1", 53, UDP): ""}, NEW) == set()
    assert list(conflicts.problems(API)) == []


def test_S10_hundreds_of_rivals_are_compared_once_for_each_that_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """They may come from a template that states the same number everywhere."""
    looks = 0
    seniority = conflicts._Claimant.seniority.fget  # type: ignore[attr-defined]  # a property

    def counting(claimant: conflicts._Claimant) -> object:
        nonlocal looks
        looks += 1
        return seniority(claimant)

    monkeypatch.setattr(conflicts._Claimant, "seniority", property(counting))
    rivals = [name(f"web-{number:03}") for number in range(200)]
    board = Conflicts()
    for key in rivals:
        board.replace(key, CLAIMS, OLD)
        list(board.problems(key))
    assert looks <= 2 * len(rivals)
    looks = 0
    assert board.replace(rivals[0], {}) == set(rivals)
    for key in rivals[1:]:
        list(board.problems(key))
    assert looks <= len(rivals)
    assert board.winner(CLAIM) == rivals[1]

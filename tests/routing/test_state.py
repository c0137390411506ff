"""Events in, differences out: rules R2, R10, E9, D7 and the work that is done for them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network

import pytest

from tests.routing.objects import (
    BAD,
    IPV4,
    IPV6,
    KEY,
    NODE,
    WEB,
    WEB_1,
    cluster,
    endpoint_slice,
    fold,
    ready,
    served,
    service,
    state,
)
from userproxy.model.events import Delete, KubeObject, Mark, Rejected, SourceProblems, Synced, Upsert
from userproxy.model.names import NamespacedName, ObjectRef
from userproxy.model.node import Node
from userproxy.model.problems import Problem
from userproxy.routing import LoopbackAddresses, State
from userproxy.routing.table import Difference


def test_R2_nothing_is_served_before_everything_was_said() -> None:
    one = State(node_name=NODE, addresses=LoopbackAddresses())
    fold(one, WEB, WEB_1)
    changes = one.take()
    assert not changes
    assert (changes.generation, changes.more, one.synced) == (0, False, False)
    assert not one.routes
    fold(one, Synced())
    changes = one.take()
    assert one.synced
    assert [str(route.key) for route in changes.changed] == [KEY]
    assert changes.added_services == (WEB.key,)
    assert changes.generation == one.generation == 1


def test_problems_are_told_before_everything_was_said() -> None:
    one = State(node_name=NODE, addresses=LoopbackAddresses())
    down = ObjectRef("API server", "", "https://127.0.0.1:1")
    unreachable = Problem(down, "", "", "R7", "unreachable")
    fold(one, SourceProblems(down, (unreachable,)))
    assert one.take().problems == (unreachable,)


@pytest.mark.parametrize("first", ["service", "slice"])
def test_E9_slices_may_come_before_their_service(first: str) -> None:
    one = state(*((WEB, WEB_1) if first == "service" else (WEB_1, WEB)))
    assert cluster(one) == ["10.0.0.1:8080"]


def test_E9_slices_without_a_service_leave_nothing_to_do() -> None:
    one = state(WEB_1, endpoint_slice("api-1", ["10.0.1.1"], of="api"))
    assert not one._dirty
    fold(one, endpoint_slice("api-1", [], of="api"), Delete(WEB_1.ref))
    assert not one._dirty


def test_E9_slices_may_stay_behind_their_service() -> None:
    one = state(WEB, WEB_1)
    served(one)
    fold(one, Delete(WEB.ref))
    changes = one.take()
    assert [str(key) for key in changes.removed] == [KEY]
    assert changes.removed_services == (WEB.key,)
    fold(one, endpoint_slice("web-1", ["10.0.0.2"]))
    assert not one.take()
    fold(one, WEB)
    assert cluster(one) == ["10.0.0.2:8080"]


def indices(root: object, path: str = "state") -> dict[str, object]:
    """Every dict and set that ``root`` holds, at any depth, by path."""
    if isinstance(root, dict | set):
        return {path: root}
    if type(root).__module__.startswith("userproxy.routing") and hasattr(root, "__dict__"):
        inner = (indices(value, f"{path}.{key}") for key, value in vars(root).items())
        return {where: index for each in inner for where, index in each.items()}
    return {}


def test_E9_nothing_leaks_once_all_is_gone() -> None:
    pool = IPv4Network("127.5.0.0/24")
    one = state(addresses=LoopbackAddresses(pool, IPv6Network("fd00::/64")))
    services = [
        replace(service(f"svc-{n}"), families=(IPV4, IPV6), cluster_ips=((IPV4, "10.96.0.1"),))
        for n in range(300)
    ]
    slices = [endpoint_slice(f"s-{n}", [ready("10.0.0.1", zones="eu-a")], of=f"svc-{n}") for n in range(310)]
    lost = endpoint_slice("lost", of="")
    objects: list[KubeObject] = [*services, *slices, lost]
    fold(one, *objects)
    fold(one, Rejected(services[0].ref, (BAD,)), Rejected(slices[0].ref, (BAD,)))
    served(one)
    assert one.problems
    assert one.stale == (slices[0].ref, services[0].ref)
    found = indices(one)
    assert len(found) >= 12, "the walk found the indices"
    fold(one, *(Delete(each.ref) for each in objects))
    served(one)
    del found["state._addressing._plan._pools"]  # the ranges themselves, looked into below
    assert [path for path, index in found.items() if index] == []
    for family, range_ in one._addressing._plan._pools.items():  # type: ignore[attr-defined] # inside
        assert not range_._holders, family
        assert not range_._offsets, family
    assert not one.problems
    assert not one.stale


def test_R10_hundred_events_for_one_service_cost_one_derivation(monkeypatch: pytest.MonkeyPatch) -> None:
    one = state(WEB, service("api"), WEB_1)
    served(one)
    derived: list[NamespacedName] = []
    inner = State._derive

    def counted(self: State, key: NamespacedName, difference: Difference) -> int:
        derived.append(key)
        return inner(self, key, difference)

    monkeypatch.setattr(State, "_derive", counted)
    for number in range(100):
        fold(one, endpoint_slice("web-1", [f"10.0.0.{number}"]), Mark(number))
    assert one.take().changed_services == (WEB.key,)
    assert derived == [WEB.key]
    assert one.generation == 2


def test_take_works_in_slices_and_in_order() -> None:
    one = State(node_name=NODE, addresses=LoopbackAddresses())
    for number in (4, 2, 0, 3, 1):
        fold(one, service(f"svc-{number}"))
    fold(one, Synced())
    steps = []
    while True:
        changes = one.take(budget=2)
        steps.append([key.name for key in changes.added_services])
        if not changes.more:
            break
    assert steps == [["svc-0", "svc-1"], ["svc-2", "svc-3"], ["svc-4"]]
    assert one.generation == 3


def test_take_counts_a_service_with_very_many_endpoints_as_several() -> None:
    many = endpoint_slice("a", [f"10.0.{n // 256}.{n % 256}" for n in range(1000)], of="svc-0")
    one = state(many, *(service(f"svc-{number}") for number in range(20)))
    assert len(one.take(budget=10).added_services) == 1
    assert len(one.take(budget=10).added_services) == 10


def test_D7_bad_version_leaves_the_good_one_in_force() -> None:
    one = state(WEB, WEB_1)
    before = served(one)
    fold(one, Rejected(WEB.ref, (BAD,)))
    changes = one.take()
    assert (changes.problems, changes.stale, changes.changed) == ((BAD,), (WEB.ref,), ())
    assert served(one) == before
    fold(one, endpoint_slice("web-1", ["10.0.0.2"]))
    assert cluster(one) == ["10.0.0.2:8080"], "the stale Service lives on"
    assert one.stale == (WEB.ref,)
    fold(one, WEB)
    changes = one.take()
    assert (changes.cleared, changes.stale, changes.changed) == ((BAD,), (), ())


def test_D7_delete_ends_what_was_stale() -> None:
    one = state(WEB, WEB_1)
    served(one)
    fold(one, Rejected(WEB.ref, (BAD,)), Delete(WEB.ref))
    changes = one.take()
    assert (len(changes.removed), changes.problems, changes.stale) == (1, (), ())


def test_D7_bad_object_that_never_was_good_shows_its_problems_alone() -> None:
    one = state()
    fold(one, Rejected(WEB.ref, (BAD,)))
    changes = one.take()
    assert (changes.problems, changes.stale, dict(one.routes)) == ((BAD,), (), {})


@pytest.mark.parametrize(
    "good", [pytest.param(WEB_1, id="D7 slice"), pytest.param(Node(NODE, "eu-a"), id="D7 this node")]
)
def test_D7_slices_and_the_node_go_stale_too(good: KubeObject) -> None:
    one = state(WEB, WEB_1, good)
    served(one)
    fold(one, Rejected(good.ref, (BAD,)))
    assert one.take().stale == (good.ref,)
    fold(one, good)
    assert one.take().stale == ()


def test_D7_problems_of_a_good_object_are_told_beside_it() -> None:
    one = state(WEB)
    fold(one, Upsert(WEB_1, (BAD,)))
    changes = one.take()
    assert changes.problems == (BAD,)
    assert cluster(one) == ["10.0.0.1:8080"]
    fold(one, Upsert(WEB_1, ()))
    assert one.take().cleared == (BAD,)


def test_source_problems_are_replaced_as_a_whole() -> None:
    one = state()
    source = ObjectRef("file", "", "web.yaml")
    first, second = Problem(source, "", "", "", "one"), Problem(source, "", "", "", "two")
    fold(one, SourceProblems(source, (first,)))
    one.take()
    fold(one, SourceProblems(source, (second,)))
    changes = one.take()
    assert (changes.problems, changes.cleared) == ((second,), (first,))
    fold(one, SourceProblems(source, ()))
    assert one.take().cleared == (second,)

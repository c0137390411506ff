"""Any order of events gives the same table; differences add up to it; bad objects change nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.routing.clusters import ZONES, services, slices
from tests.routing.objects import NODE
from userproxy.model.events import Delete, Event, KubeObject, Rejected, Synced, Upsert
from userproxy.model.node import Node
from userproxy.model.problems import Problem
from userproxy.model.routes import Route, RouteKey
from userproxy.routing import LoopbackAddresses, State

SERVICES, SLICES = ("web", "api", "dns"), ("a", "b", "c")
OWNERS = ("", *SERVICES, "nobody")


def versions(objects: st.SearchStrategy[KubeObject]) -> st.SearchStrategy[list[Event]]:
    """A history of one object: good and bad versions and deletes; a good one or a delete ends it."""

    def events(of: list[tuple[KubeObject, str]]) -> list[Event]:
        result: list[Event] = []
        for one, what in of:
            problem = Problem(one.ref, "spec", "", "D7", what)
            if what == "upsert":
                result.append(Upsert(one))
            elif what == "upsert with problems":
                result.append(Upsert(one, (problem,)))
            elif what == "delete":
                result.append(Delete(one.ref))
            else:
                result.append(Rejected(one.ref, (problem,)))
        return result

    kinds = ["upsert", "upsert", "upsert with problems", "delete", "reject"]
    middle = st.lists(st.tuples(objects, st.sampled_from(kinds)), max_size=3)
    last = st.tuples(objects, st.sampled_from(["upsert", "upsert", "upsert with problems", "delete"]))
    return st.tuples(middle, last).map(lambda parts: events([*parts[0], parts[1]]))


@st.composite
def histories(draw: st.DrawFn) -> list[list[Event]]:
    """One history for each object."""
    nodes = st.builds(Node, name=st.sampled_from([NODE, "there"]), zone=st.sampled_from(["", *ZONES]))
    return [
        *(draw(versions(services(name))) for name in SERVICES),
        *(draw(versions(slices(name, OWNERS))) for name in SLICES),
        [Upsert(draw(nodes))],
    ]


def interleave(draw: st.DataObject, of: Sequence[Sequence[Event]]) -> list[Event]:
    """All events in an order that keeps each object's own; Synced somewhere among them."""
    queues = [list(history) for history in (*of, [Synced()])]
    order = draw.draw(st.permutations([which for which, queue in enumerate(queues) for _ in queue]))
    return [queues[which].pop(0) for which in order]


def fresh() -> State:
    ipv6 = IPv6Network("fd00:1::/64")
    return State(node_name=NODE, addresses=LoopbackAddresses(ipv6=ipv6))


def run(events: Sequence[Event], budgets: st.DataObject | None = None) -> State:
    """Fold all; take now and then if ``budgets`` says so; check on the way that differences add up."""
    state = fresh()
    table: dict[RouteKey, Route] = {}
    told: list[Problem] = []

    def take(budget: int) -> bool:
        generation = state.generation
        changes = state.take(budget)
        assert changes.generation == state.generation == generation + bool(changes)
        for key in changes.removed:
            del table[key]
        for route in changes.changed:
            assert table.get(route.key) != route, "a route that did not change is in no difference"
            table[route.key] = route
        for problem in changes.cleared:
            told.remove(problem)
        assert not [problem for problem in changes.problems if problem in told]
        told.extend(changes.problems)
        assert table == state.routes
        return changes.more

    for event in events:
        state.fold(event)
        if budgets is not None and budgets.draw(st.booleans()):
            take(budgets.draw(st.integers(1, 3)))
    while take(2):
        pass
    assert sorted(told, key=str) == sorted(state.problems, key=str)
    assert not take(500), "there is nothing more to say"
    return state


@pytest.mark.spec("E7", "E8", "E9", "E11", "S10", "R2", "D7")
@settings(max_examples=50, deadline=None)
@given(histories(), st.data())
def test_any_order_with_the_same_final_objects_gives_the_same_table(
    history: list[list[Event]], data: st.DataObject
) -> None:
    final = [one[-1] for one in history]
    expected = run([*final, Synced()])
    one = run(interleave(data, history), data)
    assert one.routes == expected.routes
    assert one.problems == expected.problems
    assert one.stale == expected.stale == ()


@pytest.mark.spec("D7")
@settings(max_examples=50, deadline=None)
@given(histories(), st.data())
def test_D7_a_bad_object_changes_nothing_else(history: list[list[Event]], data: st.DataObject) -> None:
    events = interleave(data, history)
    without = [event for event in events if not isinstance(event, Rejected)]
    assert run(events).routes == run(without).routes


@pytest.mark.spec("E9")
@settings(max_examples=30, deadline=None)
@given(histories(), st.data())
def test_E9_deleting_everything_leaves_an_empty_table(
    history: list[list[Event]], data: st.DataObject
) -> None:
    events = interleave(data, history)
    refs = {event.object.ref for event in events if isinstance(event, Upsert)}
    refs |= {event.ref for event in events if isinstance(event, Rejected)}
    state = run([*events, *(Delete(ref) for ref in sorted(refs))])
    assert not state.routes
    assert not state.problems
    assert not state.stale
    assert not state._dirty
    assert not state._named

"""The flow table: who expires when, and who goes first. Time is moved by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userproxy.dataplane.closing import Who
from userproxy.dataplane.udp_flows import FlowEntry, FlowTable


class Flow(FlowEntry):
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    def end(self, who: Who) -> None:
        raise AssertionError("the table never ends a flow itself")


def filled(*names: str, max_flows: int = 100) -> tuple[FlowTable[Flow], dict[str, Flow]]:
    """Flows that came one second after another, all of group "a", with 30 s to idle."""
    table: FlowTable[Flow] = FlowTable(max_flows)
    flows = {name: Flow(name) for name in names}
    for number, flow in enumerate(flows.values()):
        table.add(flow, "a", 30.0, float(number))
    return table, flows


@pytest.mark.spec("C4")
def test_C4_a_flow_expires_when_it_has_idled_for_its_limit() -> None:
    table, flows = filled("x", "y")
    assert table.next_expiry_s() == 30.0
    assert table.expired(29.9) is None
    assert table.expired(30.0) is flows["x"]
    table.touch(flows["x"], 20.0)
    assert table.next_expiry_s() == 31.0
    assert table.expired(30.9) is None
    assert table.expired(31.0) is flows["y"]
    table.remove(flows["y"])
    assert table.next_expiry_s() == 50.0


@pytest.mark.spec("C4")
def test_C4_an_answered_flow_may_idle_longer() -> None:
    table, flows = filled("x", "y")
    table.set_timeout(flows["x"], 120.0, 5.0)
    assert table.next_expiry_s() == 31.0
    assert table.expired(60.0) is flows["y"]
    table.remove(flows["y"])
    assert table.expired(124.9) is None
    assert table.expired(125.0) is flows["x"]
    table.remove(flows["x"])
    assert table.next_expiry_s() is None
    assert len(table) == 0


def test_a_full_table_gives_up_the_oldest_idle_flow() -> None:
    table, flows = filled("x", "y", "z", max_flows=3)
    table.touch(flows["x"], 3.0)
    table.set_timeout(flows["y"], 120.0, 4.0)
    assert table.in_the_way("b", 10) is flows["z"]
    table.remove(flows["z"])
    assert table.in_the_way("b", 10) is None
    assert table.oldest() is flows["x"]


def test_a_full_group_gives_up_its_own_oldest() -> None:
    table, flows = filled("x", "y")
    old = Flow("old")
    table.add(old, "b", 30.0, 2.0)
    table.touch(flows["x"], 3.0)
    table.touch(flows["y"], 4.0)
    assert table.in_the_way("a", 2) is flows["x"]
    assert table.in_the_way("a", 3) is None
    assert table.in_the_way("b", 1) is old
    assert table.in_the_way("c", 1) is None


def test_flows_of_a_batch_are_in_the_order_of_their_last_datagrams() -> None:
    table, flows = filled("x", "y", "z", max_flows=3)
    x, y, z = flows.values()
    table.touch_all([z, x, y, z], 3.0)
    ages = []
    while (oldest := table.oldest()) is not None:
        ages.append((oldest.name, oldest.last_s))
        table.remove(oldest)
    assert ages == [("x", 3.0), ("y", 3.0), ("z", 3.0)]


@dataclass
class Model:
    """The same, told plainly: a list in the order of the last datagrams."""

    flows: list[tuple[Flow, str, float, float]] = field(default_factory=list)

    def put(self, flow: Flow, group: str, timeout_s: float, now: float) -> None:
        self.drop(flow)
        self.flows.append((flow, group, timeout_s, now))

    def drop(self, flow: Flow) -> None:
        self.flows = [entry for entry in self.flows if entry[0] is not flow]

    def of(self, flow: Flow) -> tuple[Flow, str, float, float]:
        return next(entry for entry in self.flows if entry[0] is flow)


@settings(deadline=None, max_examples=150)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["add", "touch", "timeout", "remove"]),
            st.integers(0, 50),
            st.sampled_from("ab"),
            st.sampled_from([5.0, 9.0]),
            st.integers(1, 4),
        ),
        max_size=60,
    )
)
def test_agrees_with_a_plain_model(steps: list[tuple[str, int, str, float, int]]) -> None:
    table: FlowTable[Flow] = FlowTable(6)
    model = Model()
    now = 0.0
    for action, number, group, timeout_s, passed in steps:
        now += passed
        if action == "add":
            flow = Flow(str(now))
            table.add(flow, group, timeout_s, now)
            model.put(flow, group, timeout_s, now)
        elif model.flows:
            flow, old_group, old_timeout_s, _ = model.flows[number % len(model.flows)]
            if action == "touch":
                table.touch(flow, now)
                model.put(flow, old_group, old_timeout_s, now)
            elif action == "timeout":
                table.set_timeout(flow, timeout_s, now)
                model.put(flow, old_group, timeout_s, now)
            else:
                table.remove(flow)
                model.drop(flow)
        _agree(table, model, now)


def _agree(table: FlowTable[Flow], model: Model, now: float) -> None:
    assert len(table) == len(model.flows)
    assert table.oldest() is (model.flows[0][0] if model.flows else None)
    assert table.next_expiry_s() == min((last + limit for *_, limit, last in model.flows), default=None)
    due = {flow for flow, _, limit, last in model.flows if last + limit <= now}
    expired = table.expired(now)
    assert expired in due if due else expired is None
    for group in "abc":
        mine = [flow for flow, of, *_ in model.flows if of == group]
        for most in (1, 3):
            if len(mine) >= most:
                expected: Flow | None = mine[0]
            else:
                expected = model.flows[0][0] if len(model.flows) >= 6 else None
            assert table.in_the_way(group, most) is expected

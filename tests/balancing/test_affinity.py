"""ClientIP affinity: who stays where, for how long, and what it may cost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.balancing.conformance import endpoints_of
from userproxy.balancing.affinity import AffinityTable

FIRST, SECOND = endpoints_of(1, 2)


@pytest.mark.spec("B2")
@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(0.0, FIRST, id="at once"),
        pytest.param(99.999, FIRST, id="just before the time is up"),
        pytest.param(100.0, None, id="exactly at the limit"),
        pytest.param(5000.0, None, id="long after"),
    ],
)
def test_B2_a_client_is_forgotten_after_the_time_out(now: float, expected: object) -> None:
    table = AffinityTable(timeout_s=100, max_entries=10)
    table.put("10.0.0.9", FIRST, 0.0)
    assert table.get("10.0.0.9", now) == expected


@pytest.mark.spec("B2")
def test_B2_each_new_connection_renews_the_time_and_a_look_does_not() -> None:
    table = AffinityTable(timeout_s=100, max_entries=10)
    table.put("10.0.0.9", FIRST, 0.0)
    table.put("10.0.0.9", FIRST, 90.0)
    assert table.get("10.0.0.9", 180.0) == FIRST
    assert table.get("10.0.0.9", 190.0) is None


@pytest.mark.spec("B2")
def test_B2_clients_are_apart() -> None:
    table = AffinityTable(timeout_s=100, max_entries=10)
    table.put("10.0.0.9", FIRST, 0.0)
    table.put("fd00::9", SECOND, 0.0)
    assert table.get("10.0.0.9", 1.0) == FIRST
    assert table.get("fd00::9", 1.0) == SECOND
    assert table.get("10.0.0.8", 1.0) is None


@pytest.mark.spec("B3")
def test_B3_a_client_that_moved_stays_there() -> None:
    table = AffinityTable(timeout_s=100, max_entries=10)
    table.put("10.0.0.9", FIRST, 0.0)
    table.forget("10.0.0.9")
    assert table.get("10.0.0.9", 1.0) is None
    table.put("10.0.0.9", SECOND, 1.0)
    assert table.get("10.0.0.9", 2.0) == SECOND
    table.forget("10.0.0.8")
    assert table.get("10.0.0.9", 2.0) == SECOND


@pytest.mark.spec("B2")
def test_B2_the_table_is_bounded_and_the_oldest_go_first() -> None:
    table = AffinityTable(timeout_s=100, max_entries=3)
    for number in range(3):
        table.put(f"10.0.0.{number}", FIRST, float(number))
    table.put("10.0.0.0", FIRST, 3.0)
    table.put("10.0.0.7", FIRST, 4.0)
    assert len(table) == 3
    assert table.get("10.0.0.1", 4.0) is None, "the longest without a connection"
    assert all(table.get(f"10.0.0.{number}", 4.0) == FIRST for number in (0, 2, 7))


def test_what_has_expired_leaves_without_being_asked_for() -> None:
    table = AffinityTable(timeout_s=10, max_entries=1000)
    for number in range(500):
        table.put(f"10.0.{number}.1", FIRST, 0.0)
    for number in range(500):
        table.put("10.9.9.9", SECOND, 20.0 + number / 1000)
    assert len(table) == 1


@pytest.mark.spec("B2")
def test_B2_a_changed_time_out_counts_at_once() -> None:
    table = AffinityTable(timeout_s=100, max_entries=10)
    table.put("10.0.0.9", FIRST, 0.0)
    table.timeout_s = 20
    assert table.get("10.0.0.9", 19.0) == FIRST
    assert table.get("10.0.0.9", 20.0) is None


@settings(deadline=None, max_examples=100)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["put", "get", "forget"]), st.integers(0, 6), st.integers(0, 7)),
        max_size=60,
    )
)
def test_agrees_with_a_plain_model(steps: list[tuple[str, int, int]]) -> None:
    """Model: a list of (client, endpoint, time), searched from the end."""
    table = AffinityTable(timeout_s=20, max_entries=4)
    model: list[tuple[str, object, float]] = []
    now = 0.0
    for action, number, passed in steps:
        now += passed
        client = f"10.0.0.{number}"
        if action == "put":
            endpoint = endpoints_of(number + passed)[0]
            table.put(client, endpoint, now)
            model = [*(entry for entry in model if entry[0] != client), (client, endpoint, now)][-4:]
        elif action == "forget":
            table.forget(client)
            model = [entry for entry in model if entry[0] != client]
        expected = next((e for c, e, at in model if c == client and now - at < 20), None)
        assert table.get(client, now) == expected
        assert len(table) <= 4


def test_B2_who_has_connected_since_a_moment_the_oldest_first() -> None:
    """As another process that goes on must know it."""
    table = AffinityTable(100.0, 10)
    for now, client in enumerate(("one", "two", "three", "one")):
        table.put(client, FIRST, float(now))
    assert table.since(float("-inf")) == [("two", FIRST, 1.0), ("three", FIRST, 2.0), ("one", FIRST, 3.0)]
    assert table.since(2.0) == [("three", FIRST, 2.0), ("one", FIRST, 3.0)]
    assert table.since(3.5) == []

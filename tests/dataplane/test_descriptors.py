"""A budget that is never overdrawn."""

from __future__ import annotations

import os

from userproxy.dataplane.descriptors import Descriptors


def test_what_is_open_and_what_is_reserved_is_left_alone() -> None:
    budget = Descriptors(64, limit=1000)
    assert budget.capacity <= 1000 - 64 - 3
    assert budget.capacity >= 1000 - 64 - len(os.listdir("/proc/self/fd")) - 1


def test_take_and_give() -> None:
    budget = Descriptors(0, limit=1000)
    room = budget.available
    assert budget.take(room - 1)
    assert not budget.take(2)
    assert budget.available == 1
    assert budget.take(1)
    budget.give(room)
    assert budget.available == room


def test_a_tiny_limit_still_lets_something_through() -> None:
    assert Descriptors(64, limit=10).capacity == 8

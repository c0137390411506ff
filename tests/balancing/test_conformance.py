"""Every balancer keeps the contract of `Picker`, and the contract catches those that do not."""

from __future__ import annotations

from collections.abc import Collection
from random import Random

import pytest

from tests.balancing.conformance import PickerFactory, check_picker
from userproxy.balancing.picker import Picker, make_picker
from userproxy.model.routes import Endpoint
from userproxy.model.service import Balancer


def factory(balancer: Balancer) -> PickerFactory:
    def make(endpoints: tuple[Endpoint, ...], previous: Picker | None) -> Picker:
        return make_picker(
            balancer, endpoints, previous=previous, open_connections=lambda _: 0, random=Random(7)
        )

    return make


@pytest.mark.spec("B7")
@pytest.mark.parametrize("balancer", Balancer)
def test_B7_every_balancer_keeps_the_contract(balancer: Balancer) -> None:
    check_picker(factory(balancer))


@pytest.mark.parametrize("before", Balancer)
@pytest.mark.parametrize("after", Balancer)
def test_a_balancer_may_follow_any_other(before: Balancer, after: Balancer) -> None:
    def make(endpoints: tuple[Endpoint, ...], previous: Picker | None) -> Picker:
        return factory(after)(endpoints, previous or factory(before)(endpoints, None))

    check_picker(make)


class _First:
    """Always the first endpoint that is left: legal for one connection, wrong for all."""

    def __init__(self, endpoints: tuple[Endpoint, ...]) -> None:
        self.endpoints = endpoints

    def pick(self, client: str, tried: Collection[Endpoint]) -> Endpoint | None:
        return next((one for one in self.endpoints if one not in tried), None)


class _Deaf(_First):
    """Does not look at ``tried``."""

    def __init__(self, endpoints: tuple[Endpoint, ...]) -> None:
        super().__init__(endpoints)
        self._turn = 0

    def pick(self, client: str, tried: Collection[Endpoint]) -> Endpoint | None:
        self._turn += 1
        return self.endpoints[self._turn % len(self.endpoints)] if self.endpoints else None


class _Shared(_First):
    """Keeps its turn in the class: all service ports share it."""

    turn = 0

    def pick(self, client: str, tried: Collection[Endpoint]) -> Endpoint | None:
        left = [one for one in self.endpoints if one not in tried]
        _Shared.turn += 1
        return left[_Shared.turn % len(left)] if left else None


@pytest.mark.parametrize("broken", [_First, _Deaf, _Shared])
def test_a_broken_balancer_is_found(broken: type[_First]) -> None:
    with pytest.raises(AssertionError):
        check_picker(lambda endpoints, previous: broken(endpoints))

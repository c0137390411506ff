"""What any Picker must keep, whatever its balancer. `test_conformance` runs it over all of them.

A new balancer passes when ``check_picker(factory)`` returns. The factory gets endpoints and the picker to
take over from (None: a first one), and gives a picker whose randomness is seeded.
"""

from __future__ import annotations

from collections.abc import Callable

from userproxy.balancing.picker import Picker
from userproxy.model.routes import Endpoint

PickerFactory = Callable[[tuple[Endpoint, ...], Picker | None], Picker]


def endpoints_of(*numbers: int) -> tuple[Endpoint, ...]:
    """Endpoints 10.0.x.y:80, in the order in which routing would give them (rule E11)."""
    return tuple(sorted(Endpoint.of(f"10.0.{number // 250}.{number % 250 + 1}", 80) for number in numbers))


def clients(count: int) -> list[str]:
    return [f"127.0.{number // 250}.{number % 250 + 1}" for number in range(count)]


def check_picker(make: PickerFactory) -> None:
    """Run every check; raises AssertionError at the first promise that is not kept."""
    for check in (
        _an_empty_set_gives_nothing,
        _the_set_is_kept,
        _every_endpoint_is_reached,
        _a_round_of_dials_meets_each_endpoint_once,
        _tried_may_be_any_collection_and_hold_strangers,
        _a_swap_takes_effect_at_once,
        _a_swap_to_nothing_and_back_works,
        _two_pickers_share_nothing,
    ):
        check(make)


def _an_empty_set_gives_nothing(make: PickerFactory) -> None:
    assert make((), None).pick("127.0.0.1", ()) is None


def _the_set_is_kept(make: PickerFactory) -> None:
    endpoints = endpoints_of(1, 2, 3)
    picker = make(endpoints, None)
    for client in clients(20):
        assert picker.pick(client, ()) in endpoints
    assert picker.endpoints == endpoints


def _every_endpoint_is_reached(make: PickerFactory) -> None:
    for size in (1, 2, 3, 7, 40):
        endpoints = endpoints_of(*range(size))
        picker = make(endpoints, None)
        assert {picker.pick(client, ()) for client in clients(size * 40)} == set(endpoints)


def _a_round_of_dials_meets_each_endpoint_once(make: PickerFactory) -> None:
    for size in (1, 2, 5, 40):
        endpoints = endpoints_of(*range(size))
        picker = make(endpoints, None)
        for client in clients(10):
            tried: list[Endpoint] = []
            while (endpoint := picker.pick(client, tried)) is not None:
                tried.append(endpoint)
                assert len(tried) <= size
            assert sorted(tried) == list(endpoints)
            assert picker.pick(client, ()) in endpoints, "a new round begins"


def _tried_may_be_any_collection_and_hold_strangers(make: PickerFactory) -> None:
    first, second, third = endpoints = endpoints_of(1, 2, 3)
    stranger = endpoints_of(99)[0]
    picker = make(endpoints, None)
    for client in clients(10):
        assert picker.pick(client, [first, second, stranger]) == third
        assert picker.pick(client, {first, third, stranger}) == second
        assert picker.pick(client, (second, third, stranger)) == first
        assert picker.pick(client, frozenset(endpoints)) is None
        assert picker.pick(client, {stranger}) in endpoints


def _a_swap_takes_effect_at_once(make: PickerFactory) -> None:
    picker = make(endpoints_of(1, 2, 3, 4), None)
    picker.pick("127.0.0.1", ())
    after = endpoints_of(3, 4, 5, 6, 7)
    swapped = make(after, picker)
    assert {swapped.pick(client, ()) for client in clients(400)} == set(after)
    assert picker.endpoints == endpoints_of(1, 2, 3, 4)
    assert picker.pick("127.0.0.1", ()) in picker.endpoints, "the old one goes on until it is replaced"


def _a_swap_to_nothing_and_back_works(make: PickerFactory) -> None:
    endpoints = endpoints_of(1, 2)
    empty = make((), make(endpoints, None))
    assert empty.pick("127.0.0.1", ()) is None
    back = make(endpoints, empty)
    assert {back.pick(client, ()) for client in clients(100)} == set(endpoints)


def _two_pickers_share_nothing(make: PickerFactory) -> None:
    """Rule B7: what one picker does leaves no trace in another one over the same endpoints."""
    endpoints = endpoints_of(1, 2, 3, 4, 5)
    alone = make(endpoints, None)
    expected = [alone.pick(client, ()) for client in clients(50)]
    watched, other = make(endpoints, None), make(endpoints, None)
    seen = []
    for number, client in enumerate(clients(50)):
        seen.append(watched.pick(client, ()))
        for stranger in clients(number % 4):
            other.pick(stranger, ())
    assert seen == expected

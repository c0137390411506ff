"""What several workers say of one service port, as one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.workers.test_codecs import PORT
from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.snapshot import EndpointSnapshot
from userproxy.workers.merging import ended, merged

LISTENING, REFUSING = ListenerState.LISTENING, ListenerState.REFUSING
HOLDING, TAKEN = ListenerState.HOLDING, ListenerState.TAKEN


def endpoint(name: str, *, usable: bool = True, open_now: int = 1) -> EndpointSnapshot:
    return EndpointSnapshot(name, usable, open_now, 2, 3, 4, 5)


def test_one_worker_alone_is_believed() -> None:
    assert merged([PORT]) == PORT


def test_counters_are_added() -> None:
    other = replace(PORT, open=1, held=1, accepted=1, ends=(("--", 1), ("ED", 2)), dropped=())
    both = merged([PORT, other])
    assert (both.open, both.held, both.accepted) == (7, 8, 9)
    assert both.ends == (("--", 10), ("ED", 2))
    assert both.dropped == (("no endpoint", 10),)
    assert both.endpoints == (EndpointSnapshot("10.0.0.1:80", True, 2, 4, 6, 8, 10, 12, 0.5),)


def test_the_time_of_dials_is_weighed_by_their_number() -> None:
    (endpoint,) = PORT.endpoints
    seldom = replace(PORT, endpoints=(endpoint._replace(dials=2, dial_s=0.9),))
    never = replace(PORT, endpoints=(endpoint._replace(dials=0, dial_s=0.0),))
    assert merged([PORT, seldom]).endpoints[0].dial_s == pytest.approx(0.6)
    assert merged([never, never]).endpoints[0].dial_s == 0.0


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ((LISTENING, LISTENING), LISTENING),
        ((LISTENING, REFUSING), REFUSING),
        ((HOLDING, LISTENING), HOLDING),
        ((LISTENING, TAKEN, REFUSING), TAKEN),
    ],
)
def test_the_state_is_the_worst_one_with_its_reason(
    states: tuple[ListenerState, ...], state: ListenerState
) -> None:
    port = merged([replace(PORT, state=one, reason=one.value) for one in states])
    assert (port.state, port.reason) == (state, state.value)


def test_usable_endpoints_come_first_and_those_that_only_have_connections_after() -> None:
    one = replace(PORT, endpoints=(endpoint("b"), endpoint("a", usable=False)))
    other = replace(PORT, endpoints=(endpoint("b"), endpoint("c")))
    assert [(e.endpoint, e.usable) for e in merged([one, other]).endpoints] == [
        ("b", True),
        ("c", True),
        ("a", False),
    ]


def test_what_was_open_in_a_worker_that_died_was_cut_by_a_fault_of_ours() -> None:
    gone = ended(PORT)
    assert (gone.open, gone.held, gone.accepted) == (0, 0, 8)
    assert gone.ends == (("--", 9), ("XT", 6))
    assert gone.endpoints[0].open == 0
    assert gone.endpoints[0].connections == 2


def test_the_counters_of_the_dead_stay_and_their_state_does_not() -> None:
    gone = ended(replace(PORT, state=REFUSING, endpoints=(endpoint("old"),)))
    now = replace(PORT, state=LISTENING, endpoints=(endpoint("new"),))
    port = merged([now], gone)
    assert port.state is LISTENING
    assert port.accepted == 16
    assert [e.endpoint for e in port.endpoints] == ["new"]


def test_while_no_worker_is_there_its_listener_is_as_it_was_left() -> None:
    assert merged([], ended(PORT)).state is HOLDING

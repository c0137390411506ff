"""Memory for batches, and which datagrams may leave as segments of one message."""

from __future__ import annotations

import pytest

from userproxy.dataplane.udp_batching import DATAGRAM_BYTES
from userproxy.dataplane.udp_slots import MOST_SEGMENTED_BYTES, MOST_SEGMENTS, Slots, equal_run


@pytest.mark.parametrize(
    ("sizes", "first", "end", "found"),
    [
        pytest.param([64, 64, 64], 0, 3, 3, id="all of one size"),
        pytest.param([64, 64, 64], 1, 2, 2, id="no further than the end"),
        pytest.param([64, 64, 65, 64], 0, 4, 2, id="a longer one"),
        pytest.param([64, 64, 10, 64], 0, 4, 2, id="a shorter one"),
        pytest.param([0, 0, 0], 0, 3, 1, id="empty ones have no segments"),
        pytest.param([40_000, 40_000], 0, 2, 1, id="two are more than a message has"),
        pytest.param([65_507, 65_507], 0, 2, 1, id="one is more than segments may have"),
        pytest.param([1200] * 80, 0, 80, MOST_SEGMENTED_BYTES // 1200, id="as many bytes as a message has"),
        pytest.param([8] * 80, 0, 80, MOST_SEGMENTS, id="as many segments as a message has"),
    ],
)
def test_runs_of_one_size(sizes: list[int], first: int, end: int, found: int) -> None:
    assert equal_run(sizes, first, end) == found


def test_slots_hold_a_whole_datagram_each_and_share_nothing() -> None:
    slots = Slots(3)
    for number, view in enumerate(slots.views):
        assert len(view) == DATAGRAM_BYTES
        view[:] = bytes([number + 1]) * DATAGRAM_BYTES
    assert [bytes(view) == bytes([n + 1]) * DATAGRAM_BYTES for n, view in enumerate(slots.views)] == [
        True
    ] * 3

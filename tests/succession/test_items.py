"""What is handed over survives the way through JSON, in messages that fit; nonsense is an error."""

from __future__ import annotations

import contextlib
import os
import socket
from _socket import socket as Socket

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userproxy.dataplane.binding import Move
from userproxy.dataplane.handover import (
    Affinities,
    FlowChange,
    FlowChanges,
    GivenDatagram,
    GivenFlow,
    HeldClient,
    Line,
)
from userproxy.dataplane.inheritance import SharedListener
from userproxy.dataplane.udp_flow import FlowState
from userproxy.errors import TakeoverError
from userproxy.model.names import Family, Protocol, ServicePortName
from userproxy.model.routes import Endpoint, RouteKey
from userproxy.succession.batches import MAX_ITEMS_BYTES, batches, close_items, unpack
from userproxy.succession.channel import MAX_DESCRIPTORS, Message
from userproxy.succession.items import Item, decode, encode

SOCKET = Socket()
"""Stands for whatever socket belongs to an item; never used."""
numbers = st.integers(0, 65535)
names = st.text("abc-019", min_size=1, max_size=63)
seconds = st.floats(0, 1e6)
addresses = st.one_of(
    st.tuples(st.just("127.0.0.1"), numbers), st.tuples(st.just("::1"), numbers, numbers, numbers)
)
keys = st.builds(
    RouteKey,
    st.builds(ServicePortName, names, names, names, st.sampled_from((Protocol.TCP, Protocol.UDP))),
    st.sampled_from(Family),
)
states = st.builds(
    FlowState,
    address=addresses,
    endpoint=st.builds(Endpoint.of, st.sampled_from(("10.0.0.1", "fd00::1")), numbers),
    replied=st.booleans(),
    moved=st.booleans(),
    bytes_to_endpoint=numbers,
    bytes_to_client=numbers,
    age_s=seconds,
    idle_s=seconds,
)
ITEMS: dict[type[Item], st.SearchStrategy[Item]] = {
    SharedListener: st.builds(
        SharedListener, numbers, keys, names, numbers, st.just(SOCKET), st.none() | numbers
    ),
    Line: st.builds(Line, numbers, st.just(SOCKET)),
    Move: st.builds(Move, names, st.sampled_from(Protocol), numbers, numbers, st.text()),
    GivenFlow: st.builds(GivenFlow, numbers, numbers, states, st.just(SOCKET)),
    Affinities: st.builds(
        Affinities,
        numbers,
        st.lists(st.tuples(names, st.builds(Endpoint.of, names, numbers), seconds), max_size=3).map(tuple),
    ),
    FlowChanges: st.builds(
        FlowChanges, st.lists(st.builds(FlowChange, numbers, st.none() | states), max_size=3).map(tuple)
    ),
    HeldClient: st.builds(HeldClient, numbers, names, seconds, st.just(SOCKET)),
    GivenDatagram: st.builds(GivenDatagram, numbers, addresses, seconds, st.binary()),
}
items = st.one_of(*ITEMS.values())
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def teardown_module() -> None:
    SOCKET.close()


@given(items)
@settings(deadline=None)
def test_an_item_comes_out_as_it_went_in(item: Item) -> None:
    assert decode(orjson.loads(orjson.dumps(encode(item))), lambda: SOCKET) == item


@given(items, st.data())
@settings(deadline=None)
def test_an_item_with_one_field_replaced_is_another_item_or_refused(item: Item, data: st.DataObject) -> None:
    fields = encode(item)
    field = data.draw(st.sampled_from(sorted(fields)))
    fields[field] = data.draw(json_values)
    with contextlib.suppress(TakeoverError):
        assert isinstance(decode(fields, lambda: SOCKET), tuple(ITEMS))


@given(json_values)
@settings(deadline=None)
def test_nonsense_is_refused(value: object) -> None:
    with pytest.raises(TakeoverError):
        decode(value, lambda: SOCKET)


def test_a_listener_of_a_release_that_knew_no_workers() -> None:
    key = RouteKey(ServicePortName("default", "web", "", Protocol.TCP), Family.IPV4)
    listener = SharedListener(1, key, "127.0.0.1", 80, SOCKET)
    fields = encode(listener)
    del fields["worker"]
    assert decode(fields, lambda: SOCKET) == listener


@given(st.lists(items, max_size=300))
@settings(deadline=None, max_examples=30)
def test_batches_hold_all_items_in_order_and_each_fits(given_items: list[Item]) -> None:
    packed = list(batches(given_items))
    assert [decode(fields, lambda: SOCKET) for encoded, _ in packed for fields in encoded] == given_items
    for encoded, descriptors in packed:
        assert len(orjson.dumps(encoded)) <= MAX_ITEMS_BYTES + 2
        assert len(descriptors) <= MAX_DESCRIPTORS
        assert len(descriptors) == sum(
            fields["item"] in ("listener", "line", "flow", "client") for fields in encoded
        )


def test_the_largest_datagrams_have_messages_of_their_own() -> None:
    largest = GivenDatagram(1, ("127.0.0.1", 1), 0.0, bytes(65_507))
    assert [len(encoded) for encoded, _ in batches([largest, largest]) if encoded] == [1, 1]


def _listener(number: int) -> dict[str, object]:
    key = RouteKey(ServicePortName("default", "web", "", Protocol.TCP), Family.IPV4)
    return encode(SharedListener(number, key, "127.0.0.1", 80, SOCKET))


@pytest.mark.parametrize(
    ("fields", "count", "says"),
    [
        pytest.param({}, 1, "has no items", id="no items"),
        pytest.param({"items": [_listener(1), _listener(2)]}, 1, "is missing", id="too few descriptors"),
        pytest.param({"items": [_listener(1)]}, 2, "more descriptors", id="too many descriptors"),
        pytest.param({"items": [_listener(1), 7]}, 2, "no JSON object", id="a bad item behind a good one"),
        pytest.param({"items": [{**_listener(1), "port": -1}]}, 1, "port -1", id="a bad field"),
    ],
)
def test_a_message_that_cannot_be_read_leaves_no_descriptor_behind(
    fields: dict[str, object], count: int, says: str
) -> None:
    before = os.listdir("/proc/self/fd")
    message = Message(fields, tuple(socket.socket().detach() for _ in range(count)))
    with pytest.raises(TakeoverError, match=says):
        unpack(message)
    assert os.listdir("/proc/self/fd") == before


def test_a_descriptor_that_is_no_socket() -> None:
    before = os.listdir("/proc/self/fd")
    with pytest.raises(TakeoverError, match="is no socket"):
        unpack(Message({"items": [_listener(1)]}, (os.open("/dev/null", os.O_RDONLY),)))
    assert os.listdir("/proc/self/fd") == before


def test_sockets_come_with_their_items() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        message = Message({"items": [_listener(1)]}, (os.dup(listener.fileno()),))
        [item] = unpack(message)
        assert isinstance(item, SharedListener)
        assert item.sock.getsockname() == listener.getsockname()
        close_items([item])

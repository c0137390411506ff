"""Many items as few messages: packed on one side, unpacked on the other. Pure, save for the sockets."""

from __future__ import annotations

from _socket import socket as Socket
from collections.abc import Iterable, Iterator

import orjson

from userproxy.dataplane.binding import Move
from userproxy.dataplane.handover import Affinities, FlowChanges, GivenDatagram
from userproxy.errors import TakeoverError
from userproxy.succession.channel import MAX_DESCRIPTORS, MAX_MESSAGE_BYTES, Message
from userproxy.succession.items import Item, decode, encode
from userproxy.succession.rights import close_all

__all__ = ["batches", "close_items", "unpack"]

MAX_ITEMS_BYTES = MAX_MESSAGE_BYTES - 1024


def batches(items: Iterable[Item]) -> Iterator[tuple[list[dict[str, object]], list[int]]]:
    """(encoded items, their descriptors) of one message after the other; one at least, and each fits.

    No item with a socket is taken before its message is asked for: by then the socket may have been closed.
    """
    encoded: list[dict[str, object]] = []
    descriptors: list[int] = []
    size_bytes = 0
    for item in items:
        fields = encode(item)
        item_bytes = len(orjson.dumps(fields)) + 1
        if encoded and size_bytes + item_bytes > MAX_ITEMS_BYTES:  # a large one, so without a socket
            yield encoded, descriptors
            encoded, descriptors, size_bytes = [], [], 0
        encoded.append(fields)
        size_bytes += item_bytes
        sock = _socket_of(item)
        if sock is not None:
            descriptors.append(sock.fileno())
        if len(encoded) >= MAX_DESCRIPTORS or size_bytes > MAX_ITEMS_BYTES // 2:
            yield encoded, descriptors
            encoded, descriptors, size_bytes = [], [], 0
    yield encoded, descriptors


def unpack(message: Message) -> list[Item]:
    """The items, with their sockets, which are the caller's. Raises TakeoverError, and closes what came."""
    descriptors = list(message.descriptors)
    items: list[Item] = []

    def next_socket() -> Socket:
        if not descriptors:
            raise TakeoverError("a descriptor is missing in a message of the other process")
        try:
            sock = Socket(fileno=descriptors[0])
        except OSError as error:
            raise TakeoverError("a descriptor of the other process is no socket") from error
        del descriptors[0]
        sock.setblocking(False)
        return sock

    try:
        encoded = message.fields.get("items")
        if not isinstance(encoded, list):
            raise TakeoverError("a message of the other process has no items")
        items.extend(decode(fields, next_socket) for fields in encoded)
        if descriptors:
            raise TakeoverError("a message of the other process has more descriptors than items")
    except BaseException:
        close_all(descriptors)
        close_items(items)
        raise
    return items


def close_items(items: Iterable[Item]) -> None:
    """Give up this process's copies."""
    for item in items:
        sock = _socket_of(item)
        if sock is not None:
            sock.close()


def _socket_of(item: Item) -> Socket | None:
    return None if isinstance(item, Move | Affinities | FlowChanges | GivenDatagram) else item.sock

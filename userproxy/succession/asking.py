"""The side that asks: it takes what the other one sends, one message after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from userproxy.errors import TakeoverError
from userproxy.succession.batches import close_items, unpack
from userproxy.succession.channel import Channel
from userproxy.succession.items import Item
from userproxy.succession.protocol import MORE

__all__ = ["ask"]

ANSWER_LIMIT_S = 10.0


async def ask(channel: Channel, request: Mapping[str, object], take: Callable[[Item], None]) -> None:
    """Have ``take`` called with each item of the answer; it owns the item's socket. Raises TakeoverError."""
    channel.send(request)
    while True:
        message = await channel.receive(ANSWER_LIMIT_S)
        if refusal := message.fields.get("error"):
            message.close()
            raise TakeoverError(str(refusal))
        items = unpack(message)
        try:
            while items:
                take(items.pop(0))
        finally:
            close_items(items)
        if message.fields.get("over") is True:
            return
        channel.send({"ask": MORE})

"""The side that is asked: it sends what it has, one message after the other."""

from __future__ import annotations

from collections.abc import Iterable

from userproxy.errors import TakeoverError
from userproxy.succession.batches import batches
from userproxy.succession.channel import Channel, Message
from userproxy.succession.items import Item
from userproxy.succession.protocol import MORE

__all__ = ["answer", "asked", "unwanted"]

ANSWER_LIMIT_S = 5.0


async def answer(channel: Channel, items: Iterable[Item]) -> None:
    """Send all of ``items``, one message after the other. Raises TakeoverError."""
    for encoded, descriptors in batches(items):
        channel.send({"items": encoded}, descriptors)
        await asked(channel, MORE, ANSWER_LIMIT_S)
    channel.send({"items": [], "over": True})


async def asked(channel: Channel, wanted: str, limit_s: float | None) -> Message:
    """The question, which must be ``wanted``. Raises TakeoverError."""
    message = await channel.receive_plain(limit_s)
    if message.fields.get("ask") != wanted:
        raise TakeoverError(f"it said {message.fields.get('ask')!r} where {wanted!r} was due")
    return message


def unwanted(request: Message) -> frozenset[int]:
    """Numbers of listeners that whoever asks has no use for. Raises TakeoverError."""
    numbers = request.fields.get("unwanted")
    if not isinstance(numbers, list):
        raise TakeoverError("it does not say which listeners it does not want")
    return frozenset(number for number in numbers if isinstance(number, int))

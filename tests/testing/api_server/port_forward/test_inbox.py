"""What waits for a pod."""

from __future__ import annotations

import asyncio

from userproxy.testing.api_server.port_forward.inbox import Inbox


async def test_parts_come_out_in_order_and_then_the_end() -> None:
    inbox = Inbox()
    await inbox.put(b"a")
    await inbox.put(b"b")
    inbox.end()
    assert [await inbox.get() for _ in range(4)] == [b"a", b"b", b"", b""]


async def test_a_full_inbox_holds_the_client_until_the_pod_takes_a_part() -> None:
    inbox = Inbox()
    for _ in range(50):
        await inbox.put(b"x")
    held = asyncio.create_task(inbox.put(b"last"))
    await asyncio.sleep(0)
    assert not held.done()
    await inbox.get()
    await held


async def test_nobody_waits_for_room_where_nothing_is_taken_any_more() -> None:
    inbox = Inbox()
    for _ in range(50):
        await inbox.put(b"x")
    held = asyncio.create_task(inbox.put(b"last"))
    await asyncio.sleep(0)
    inbox.discard()
    await held
    await inbox.put(b"more")
    assert await inbox.get() == b""

"""What ends the waiting of a TCP connection whose dials failed (rule L9)."""

from __future__ import annotations

import asyncio

from tests.dataplane.harness import Peer, endpoint_of, harness, listening, route
from tests.dataplane.test_connection import HOLD, NOBODY
from userproxy.settings import DialSettings, Settings

NEVER = Settings(dial=DialSettings(hold_retry_s=3600.0))


async def test_L9_a_connection_whose_dials_failed_dials_again_on_a_new_route() -> None:
    """Not at the next retry, which is an hour away here."""
    with listening() as listener:
        async with harness(NEVER) as h:
            h.serve(route(NOBODY, options=HOLD))
            with await Peer.connect(h.address) as client:
                await client.send(b"patient")
                while h.plane.snapshot()[0].held < 1:
                    await asyncio.sleep(0)
                h.swap(endpoint_of(listener))
                with await Peer.accept(listener) as endpoint:
                    assert await endpoint.receive_exactly(7) == b"patient"
                    assert h.plane.snapshot()[0].held == 0

"""All that an API server holds now, listed once: for ``explain``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing

from userproxy.errors import ApiError, ResourceExpired, WatchError
from userproxy.model.events import Event, SourceProblems, Synced
from userproxy.model.problems import Problem
from userproxy.sources.kube.client import ApiClient
from userproxy.sources.kube.connection import Connection
from userproxy.sources.kube.listing import decoded, pages
from userproxy.sources.kube.plan import node_name
from userproxy.sources.kube.positions import NEWEST, Pause, Position, after, failure_of
from userproxy.sources.kube.problems import api_server, no_such_node, not_served
from userproxy.sources.kube.resources import Collection
from userproxy.sources.kube.steps import steps
from userproxy.sources.kube.timing import Timing

__all__ = ["list_once"]


async def list_once(
    connection: Connection,
    served: Sequence[Collection],
    node: Collection | None,
    timeout_s: float,
    timing: Timing,
) -> tuple[Event, ...]:
    """Upserts and refusals of all that ``served`` and ``node`` hold, then problems if any, then Synced.

    Raises ApiError, WatchError (also after ``timeout_s`` in all) or CredentialsError; an error of the API
    server about the Node becomes a problem instead.
    """
    client = ApiClient(connection, timing)
    events: list[Event] = []
    try:
        async with asyncio.timeout(timeout_s):
            for collection in served:
                events += await _list(client, collection, timing)
            if node is not None:
                events += await _node(client, node, timing)
    except TimeoutError as error:
        raise WatchError(f"{client.server} did not answer within {timeout_s:g} s") from error
    finally:
        await client.aclose()
    return (*events, Synced())


async def _node(client: ApiClient, node: Collection, timing: Timing) -> list[Event]:
    source = api_server(client.server)
    problem: Problem
    try:
        found = await _list(client, node, timing)
    except ApiError as error:
        problem = not_served(source, node, error)
    else:
        if found:
            return found
        problem = no_such_node(source, node_name(node))
    return [SourceProblems(source, (problem,))]


async def _list(client: ApiClient, collection: Collection, timing: Timing) -> list[Event]:
    """The objects of ``collection``; begins again once with fresh credentials, and once when it expired."""
    position = Position(version=NEWEST)
    renewed = False
    while True:
        try:
            return await _objects(client, collection, position, timing)
        except ResourceExpired as error:
            position, pause = after(position, failure_of(error))
            if pause is Pause.BACK_OFF:
                raise
        except ApiError as error:
            if error.status != 401 or renewed:
                raise
            renewed = True
            client.connection.refused()


async def _objects(
    client: ApiClient, collection: Collection, position: Position, timing: Timing
) -> list[Event]:
    events: list[Event] = []
    async with aclosing(pages(client, collection, position)) as answers:
        async for page in answers:
            work: Iterator[Event | None] = (found[1] for found in decoded(page, collection) if found)
            batches: Iterator[tuple[Event, ...]] = steps(work, step_s=timing.step_s, now=timing.now)
            for batch in batches:
                events += batch
                await asyncio.sleep(0)
    return events

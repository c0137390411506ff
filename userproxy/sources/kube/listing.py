"""One whole list, page by page (rule R3)."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Iterator

from userproxy.errors import ResourceExpired
from userproxy.model.events import Rejected, Upsert
from userproxy.model.names import ObjectRef
from userproxy.sources.kube.client import ApiClient
from userproxy.sources.kube.failures import ContinueExpired
from userproxy.sources.kube.lists import Page, parse_page
from userproxy.sources.kube.positions import Position
from userproxy.sources.kube.resources import Collection
from userproxy.sources.kube.watch_events import has_name

__all__ = ["decoded", "pages"]

_logger = logging.getLogger(__name__)


async def pages(client: ApiClient, collection: Collection, position: Position) -> AsyncGenerator[Page, None]:
    """Yield each page of the list that ``position`` asks for; the first one has the list's version.

    Raises what `ApiClient.page` and `parse_page` raise, and ContinueExpired when the server forgot the list
    between two pages.
    """
    query = collection.list_query(position.version, position.limit)
    while True:
        try:
            body = await client.page(collection, query)
        except ResourceExpired as error:
            if "continue" not in query:
                raise
            raise ContinueExpired(str(error), status=error.status, reason=error.reason) from error
        page = parse_page(body, collection, server=client.server)
        yield page
        if not page.continue_token:
            return
        query = collection.continue_query(position.limit, page.continue_token)


def decoded(page: Page, collection: Collection) -> Iterator[tuple[ObjectRef, Upsert | Rejected] | None]:
    """Each object of ``page`` and what it says; None for one without a name: it may be any object."""
    decode = collection.resource.decode
    for index, raw in enumerate(page.items):
        if has_name(raw):
            event = decode(raw)
            yield event.ref, event
        else:
            _logger.warning("list %s: item %d has no metadata.name, skipped", collection.name, index)
            yield None

"""Requests for objects: each verb as a few lines between the query and the storage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from aiohttp import web

from userproxy.manifest.kinds import POD, SERVICE
from userproxy.testing.api_server.http.answers import json_response
from userproxy.testing.api_server.http.bodies import delete_options, read_object, read_patch, write_options
from userproxy.testing.api_server.http.targets import Target
from userproxy.testing.api_server.http.watch_stream import WatchHub
from userproxy.testing.api_server.presentation.forms import Presenter
from userproxy.testing.api_server.presentation.negotiation import Form, negotiate
from userproxy.testing.api_server.reading.listing import read_page
from userproxy.testing.api_server.reading.options import ListOptions
from userproxy.testing.api_server.reading.watching import Watch
from userproxy.testing.api_server.statuses import bad_request, not_found, success
from userproxy.testing.api_server.storage.patching import patch_with
from userproxy.testing.api_server.storage.registry import Registry
from userproxy.testing.api_server.storage.store import metadata_of
from userproxy.testing.api_server.storage.writing import Deleted, Written

__all__ = ["Resources"]

_SHOWN_WHEN_GONE = (SERVICE, POD)
"""Kinds whose delete answers the object itself."""
_FORMS = (Form.TABLE, Form.METADATA, Form.METADATA_LIST)


class Resources:
    """Answers every verb on every kind. It keeps nothing: objects are the registry's."""

    def __init__(self, registry: Registry, hub: WatchHub, clock: Callable[[], datetime]) -> None:
        self._registry = registry
        self._hub = hub
        self._clock = clock
        self._verbs: Mapping[
            str, Callable[[web.Request, Target, Presenter], Awaitable[web.StreamResponse]]
        ] = {
            "get": self._get,
            "list": self._list,
            "watch": self._watch,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
            "deletecollection": self._delete_collection,
        }

    async def answer(
        self, request: web.Request, target: Target, verb: str, accept: str
    ) -> web.StreamResponse:
        """Do what ``verb`` says. Raises StatusError for what is to be answered by an error."""
        include = request.query.get("includeObject") or "Metadata"
        if include not in ("None", "Metadata", "Object"):
            raise bad_request(f"includeObject must be None, Metadata or Object, not {include!r}")
        presenter = Presenter(target.kind, negotiate(accept, *_FORMS), include)
        return await self._verbs[verb](request, target, presenter)

    async def _get(self, _: web.Request, target: Target, presenter: Presenter) -> web.StreamResponse:
        found = self._registry.store.get(target.kind, target.namespace, target.name)
        if found is None:
            raise not_found(target.kind, target.name)
        return json_response(presenter.object(found, self._clock()))

    async def _list(self, request: web.Request, target: Target, presenter: Presenter) -> web.StreamResponse:
        options = ListOptions.parse(request.query, target.kind)
        page = read_page(self._registry.store, target.kind, target.namespace, options)
        return json_response(presenter.page(page, self._clock()))

    async def _watch(self, request: web.Request, target: Target, presenter: Presenter) -> web.StreamResponse:
        options = ListOptions.parse(request.query, target.kind)
        watch = Watch(self._registry.store, target.kind, target.namespace, options)
        return await self._hub.serve(request, watch, presenter, options)

    async def _create(self, request: web.Request, target: Target, presenter: Presenter) -> web.StreamResponse:
        raw = await read_object(request)
        written = self._registry.create(target.kind, target.namespace, raw, write_options(request))
        return self._written(written, presenter)

    async def _update(self, request: web.Request, target: Target, presenter: Presenter) -> web.StreamResponse:
        raw = await read_object(request)
        stated = metadata_of(raw).get("name")
        if stated and stated != target.name:
            raise bad_request(
                f"the name of the object ({stated}) does not match the name on the URL ({target.name})"
            )
        written = self._registry.replace(
            target.kind, target.namespace, target.name, raw, write_options(request), target.subresource
        )
        return self._written(written, presenter)

    async def _patch(self, request: web.Request, target: Target, presenter: Presenter) -> web.StreamResponse:
        media_type, patch = await read_patch(request)
        written = self._registry.patch(
            target.kind,
            target.namespace,
            target.name,
            patch_with(media_type, patch, target.kind),
            write_options(request),
            target.subresource,
        )
        return self._written(written, presenter)

    async def _delete(self, request: web.Request, target: Target, presenter: Presenter) -> web.StreamResponse:
        options = await delete_options(request)
        deleted = self._registry.delete(target.kind, target.namespace, target.name, options)
        return self._deleted(deleted, target, presenter)

    async def _delete_collection(
        self, request: web.Request, target: Target, presenter: Presenter
    ) -> web.StreamResponse:
        options = ListOptions.parse(request.query, target.kind)
        page = read_page(self._registry.store, target.kind, target.namespace, options)
        how = await delete_options(request)
        for raw in page.objects:
            self._registry.delete(target.kind, target.namespace, str(metadata_of(raw)["name"]), how)
        return json_response(presenter.page(page, self._clock()))

    def _written(self, written: Written, presenter: Presenter) -> web.Response:
        body = presenter.object(written.object, self._clock())
        return json_response(body, status=201 if written.created else 200, warnings=written.warnings)

    def _deleted(self, deleted: Deleted, target: Target, presenter: Presenter) -> web.Response:
        # An object that waits for its finalizers is shown; of one that is gone most kinds say only so.
        if deleted.gone and target.kind not in _SHOWN_WHEN_GONE:
            return json_response(success(target.kind, target.name, metadata_of(deleted.object).get("uid")))
        return json_response(presenter.object(deleted.object, self._clock()))

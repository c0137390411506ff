"""One page of a list: bytes in, raw items out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from userproxy.model.fields import is_list, is_object
from userproxy.sources.kube.answers import Asked, status_error, trimmed
from userproxy.sources.kube.failures import NotKubernetes, WrongAnswer
from userproxy.sources.kube.resources import Collection

__all__ = ["Page", "parse_page"]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list; its items are undecoded, and say neither kind nor apiVersion."""

    items: Sequence[object]
    version: str
    continue_token: str = ""
    """"" on the last page."""


def parse_page(body: bytes, collection: Collection, *, server: str) -> Page:
    """The page that ``body`` holds.

    Raises WrongAnswer when it is something else of Kubernetes' (a ``Table``, another list), ApiError when
    it is a ``Status``, NotKubernetes when it is no Kubernetes object.
    """
    resource = collection.resource
    asked = Asked("list", collection)
    try:
        raw: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise WrongAnswer(f"{asked}: the answer is not JSON: {error}") from None
    if not is_object(raw) or not isinstance(kind := raw.get("kind"), str):
        start = trimmed(body[:200].decode("utf-8", "replace"))
        raise NotKubernetes(f"{server} does not answer as a Kubernetes API server: it sent {start}")
    if kind == "Status":
        raise status_error(raw, asked, http_status=200)
    if (kind, raw.get("apiVersion")) != (resource.list_kind, resource.api_version):
        came = trimmed(f"{kind} of {raw.get('apiVersion')}")
        wanted = f"{resource.list_kind} of {resource.api_version}"
        raise WrongAnswer(f"{asked}: the answer is {came}, not {wanted}")
    metadata = raw.get("metadata")
    version = metadata.get("resourceVersion") if is_object(metadata) else None
    if not is_object(metadata) or not isinstance(version, str) or not version:
        raise WrongAnswer(f"{asked}: the answer has no metadata.resourceVersion")
    items = raw.get("items")
    if items is not None and not is_list(items):
        raise WrongAnswer(f"{asked}: the items of the answer are no list")
    token = metadata.get("continue")
    return Page(items or (), version, token if isinstance(token, str) else "")

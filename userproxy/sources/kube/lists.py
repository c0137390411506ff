"""One page of a list: bytes in, raw items out, piece by piece. Pure.

A list of a large cluster may be one answer of many megabytes, since a server that answers from its cache
knows no pages. Parsed at once it would stop the loop, as orjson holds the interpreter for the whole of it,
and the millions of values that then live together make each pass of the garbage collector slow. So the text
is cut between items into pieces that take a fraction of a millisecond each, and what a piece held is
dropped once it is decoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson

from userproxy.model.fields import is_list, is_object
from userproxy.sources.kube.answers import Asked, status_error, trimmed
from userproxy.sources.kube.failures import NotKubernetes, WrongAnswer
from userproxy.sources.kube.resources import Collection

__all__ = ["PIECE_BYTES", "Page", "parse_page"]

PIECE_BYTES = 64 * 1024
"""The least that is parsed at once: about 0.3 ms, and what it makes stays in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list; its items are undecoded, and say neither kind nor apiVersion."""

    items: Iterable[object]
    """To be read once. Raises WrongAnswer where the text turns out not to be JSON."""
    version: str
    continue_token: str = ""
    """"" on the last page."""


def parse_page(body: bytes | bytearray, collection: Collection, *, server: str) -> Page:
    """The page that ``body`` holds; ``body`` must stay as it is until the items are read.

    Raises WrongAnswer when it is something else of Kubernetes' (a ``Table``, another list), ApiError when
    it is a ``Status``, NotKubernetes when it is no Kubernetes object.
    """
    asked = Asked("list", collection)
    opening = _OPENING.match(body)
    if opening is None:
        return _page(_parsed(body, asked), body, asked, server)
    opened = _page(_parsed(opening[0] + b"]}", asked), body, asked, server)
    return Page(_items(body, opening.end(), asked), opened.version, opened.continue_token)


# All up to the first item, as API servers write it; another order is read as well, but all at once.
_OPENING = re.compile(
    rb'\s*\{\s*"kind"\s*:\s*"\w+"\s*,\s*"apiVersion"\s*:\s*"[\w./]+"\s*,'
    rb'\s*"metadata"\s*:\s*\{[^{}]*\}\s*,\s*"items"\s*:\s*\['
)
_ITEM = re.compile(rb'\s*\{\s*("\w{1,64}"\s*:)')
_NEVER = re.compile(rb"(?!)")


def _page(raw: object, body: bytes | bytearray, asked: Asked, server: str) -> Page:
    resource = asked.collection.resource
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


def _items(body: bytes | bytearray, at: int, asked: Asked) -> Iterator[object]:
    """Each item of ``body``, whose list begins at ``at``, behind the ``[``.

    Where an item ends is guessed, by how the next one seems to begin, and the parser says whether that is
    right: a list that is cut within an item or a string is no JSON, so whatever parses was cut between two.
    """
    border = _border(body, at)
    view = memoryview(body)
    piece_bytes = PIECE_BYTES
    while (cut := border.search(body, at + piece_bytes)) is not None:
        try:
            piece = orjson.loads(b"".join((b"[", view[at : cut.start(1)], b"]")))
        except orjson.JSONDecodeError:
            # Twice as much at each wrong guess: broken text costs its length a few times, not squared.
            piece_bytes *= 2
            continue
        yield from piece
        at, piece_bytes = cut.end(1), PIECE_BYTES
    last = _parsed(b"".join((b'{"items":[', view[at:])), asked)
    items = last.get("items") if is_object(last) else None
    yield from items if is_list(items) else ()


def _border(body: bytes | bytearray, at: int) -> re.Pattern[bytes]:
    """What stands between two items that begin as the first one does; the comma is its group."""
    item = _ITEM.match(body, at)
    return _NEVER if item is None else re.compile(rb"\}\s*(,)\s*\{\s*" + re.escape(item[1]))


def _parsed(body: bytes | bytearray, asked: Asked) -> object:
    try:
        raw: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        message = trimmed(str(error))
        raise WrongAnswer(f"{asked}: the answer is not JSON: {message}") from None
    return raw

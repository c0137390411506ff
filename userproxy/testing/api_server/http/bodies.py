"""What a write brings along: its body by Content-Type, and the options of its query."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from aiohttp import web

from userproxy.errors import DocumentError
from userproxy.sources.documents import read_documents
from userproxy.testing.api_server.schema.protobuf import BadProtobuf
from userproxy.testing.api_server.schema.protobuf_kinds import decode_object
from userproxy.testing.api_server.statuses import bad_request, too_many_bytes, unsupported_media_type
from userproxy.testing.api_server.storage.patching import PATCH_TYPES
from userproxy.testing.api_server.storage.writing import DeleteOptions, WriteOptions

__all__ = ["MAX_BODY_BYTES", "delete_options", "read_object", "read_patch", "write_options"]

MAX_BODY_BYTES = 3 * 1024 * 1024
"""As kube-apiserver's own limit on a request."""

_JSON, _YAML = "application/json", "application/yaml"
_PROTOBUF = "application/vnd.kubernetes.protobuf"
_OBJECT_TYPES = (_JSON, _YAML, _PROTOBUF)
_VALIDATIONS = ("Strict", "Warn", "Ignore")


async def read_object(request: web.Request) -> Mapping[str, object]:
    """The object in the body. Raises StatusError: 415 for another format, 400 for no object, 413."""
    media_type = _media_type(request)
    if media_type not in _OBJECT_TYPES:
        raise unsupported_media_type(media_type, _OBJECT_TYPES)
    return _object(_parsed(await _content(request), media_type))


async def read_patch(request: web.Request) -> tuple[str, object]:
    """A patch and its media type. Raises StatusError: 415 (for server-side apply too), 400, 413."""
    media_type = _media_type(request)
    if media_type not in PATCH_TYPES:
        raise unsupported_media_type(media_type, PATCH_TYPES)
    return media_type, _parsed(await _content(request), _JSON)


def write_options(request: web.Request) -> WriteOptions:
    """Options of a write. Raises StatusError (400) for values that there are not."""
    validation = request.query.get("fieldValidation") or "Warn"
    if validation not in _VALIDATIONS:
        raise bad_request(f"fieldValidation must be one of {', '.join(_VALIDATIONS)}, not {validation!r}")
    return WriteOptions(_dry_run(request.query.getall("dryRun", [])), validation)


async def delete_options(request: web.Request) -> DeleteOptions:
    """Options of a delete: in the body, in the query, or both. Raises StatusError (400, 413)."""
    content = await _content(request)
    body = _object(_parsed(content, _media_type(request))) if content.strip() else {}
    stated = body.get("dryRun")
    preconditions = body.get("preconditions")
    required = preconditions if isinstance(preconditions, Mapping) else {}
    return DeleteOptions(
        _dry_run([*(stated if isinstance(stated, list) else []), *request.query.getall("dryRun", [])]),
        str(required.get("uid") or ""),
        str(required.get("resourceVersion") or ""),
    )


def _dry_run(values: list[object] | list[str]) -> bool:
    wrong = [value for value in values if value != "All"]
    if wrong:
        raise bad_request(f'dryRun: Unsupported value: "{wrong[0]}": supported values: "All"')
    return bool(values)


def _media_type(request: web.Request) -> str:
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


async def _content(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise too_many_bytes(MAX_BODY_BYTES) from error


def _parsed(content: bytes, media_type: str) -> object:
    try:
        if media_type == _YAML:
            documents = read_documents(content)
            return documents[0].value if documents else None
        if media_type == _PROTOBUF:
            return decode_object(content)
        return orjson.loads(content)
    except (orjson.JSONDecodeError, DocumentError, BadProtobuf) as error:
        raise bad_request(
            f"the object provided is unrecognized (must be of type {media_type}): {error}"
        ) from error


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise bad_request("the object provided is unrecognized: it is not a JSON object")
    return value

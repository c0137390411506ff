"""What an answer that is no success means: HTTP answers and ``Status`` objects become errors. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from userproxy.errors import ApiError, ResourceExpired, WatchError
from userproxy.model.fields import is_list, is_object
from userproxy.sources.kube.failures import NotKubernetes
from userproxy.sources.kube.resources import Collection

__all__ = ["Answer", "Asked", "error_of", "status_error", "trimmed"]

_LONGEST_QUOTE = 300
_GONE = 410
_BETWEEN = frozenset({401, 403, 407, _GONE, 429})
"""Statuses that a load balancer or gateway in between gives in its own words, as it does any 5xx."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, as far as a message names it."""

    verb: str
    """``list`` or ``watch``, as in a role."""
    collection: Collection

    def __str__(self) -> str:
        namespace = self.collection.namespace
        within = f" in namespace {namespace}" if namespace else ""
        return f"{self.verb} {self.collection.resource.name}{within}"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer that is not what was asked for, with the beginning of its body."""

    status: int
    content_type: str
    """Without parameters; "" when there was none."""
    body: bytes
    retry_after: str = ""
    """Header Retry-After."""
    location: str = ""
    """Header Location."""


def error_of(answer: Answer, asked: Asked, *, server: str, now: datetime) -> WatchError:
    """The error that ``answer`` means; ``now`` is for a Retry-After that gives a date."""
    raw = _json(answer.body)
    retry_after_s = _retry_after_s(answer.retry_after, now)
    if is_object(raw) and raw.get("kind") == "Status":
        return status_error(raw, asked, http_status=answer.status, retry_after_s=retry_after_s)
    came = f"HTTP {answer.status}, {answer.content_type or 'no content type'}"
    if answer.location:
        came = f"{came}, redirect to {trimmed(answer.location)}"
    if start := trimmed(answer.body.decode("utf-8", "replace")):
        came = f"{came}: {start}"
    if answer.status in _BETWEEN or answer.status >= 500:
        error = ResourceExpired if answer.status == _GONE else ApiError
        return error(f"{asked}: {came}", status=answer.status, retry_after_s=retry_after_s)
    return NotKubernetes(f"{server} does not answer as a Kubernetes API server: {came}")


def status_error(
    raw: Mapping[str, object], asked: Asked, *, http_status: int, retry_after_s: float | None = None
) -> ApiError:
    """The error that a ``Status`` object means, in a response or in an ERROR event."""
    code = raw.get("code")
    status = code if isinstance(code, int) and code else http_status
    reason = _text(raw.get("reason"))
    raw_details = raw.get("details")
    details: Mapping[str, object] = raw_details if is_object(raw_details) else {}
    if retry_after_s is None:
        retry_after_s = _retry_after_s(str(details.get("retryAfterSeconds")), None)
    said = trimmed(_text(raw.get("message"))) or "no message"
    message = f"{asked}: HTTP {status} {reason or 'without a reason'}: {said}"
    if status == 403:
        message = f"{_missing(asked)}: {said}"
    # The cause is matched, never the text: messages are for people and change.
    too_large = status in (400, 504) and "ResourceVersionTooLarge" in _causes(details)
    error = ResourceExpired if status == _GONE or too_large else ApiError
    return error(message, status=status, reason=reason, retry_after_s=retry_after_s)


def trimmed(text: str) -> str:
    """``text`` from a server on one line, of printable characters and of a sane length."""
    words = " ".join(text[: 4 * _LONGEST_QUOTE].split())
    line = "".join(character if character.isprintable() else "?" for character in words)
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}..."


def _missing(asked: Asked) -> str:
    resource = asked.collection.resource
    group = f" of API group {resource.group}" if resource.group else ""
    return f"forbidden to {asked}; the role needs verbs list and watch on {resource.name}{group}"


def _causes(details: Mapping[str, object]) -> Iterator[str]:
    causes = details.get("causes")
    for cause in causes if is_list(causes) else ():
        if is_object(cause):
            yield _text(cause.get("reason"))


def _retry_after_s(text: str, now: datetime | None) -> float | None:
    # RFC 9110, section 10.2.3: seconds, or an HTTP date. What is neither is as good as absent.
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    if now is None:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _json(body: bytes) -> object:
    try:
        raw: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return raw

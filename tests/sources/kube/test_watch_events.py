"""One line of a watch (rule R8)."""

from __future__ import annotations

from contextlib import suppress

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.kube.raw import bookmark, event_line, list_body, node, service, status
from userproxy.errors import ApiError, ResourceExpired, WatchError
from userproxy.model.names import ObjectRef
from userproxy.sources.kube.failures import Undecodable, WrongStream
from userproxy.sources.kube.resources import SERVICES, Collection
from userproxy.sources.kube.watch_events import Bookmark, Changed, Deleted, Skipped, WatchEvent, parse_event

WEB = ObjectRef("Service", "default", "web")


def parse(line: bytes) -> WatchEvent:
    return parse_event(line, Collection(SERVICES))


@pytest.mark.parametrize(
    ("line", "event"),
    [
        pytest.param(
            event_line("ADDED", service("web", "7")), Changed(WEB, "7", service("web", "7")), id="ADDED"
        ),
        pytest.param(
            event_line("MODIFIED", service("web", "7")), Changed(WEB, "7", service("web", "7")), id="MODIFIED"
        ),
        pytest.param(event_line("DELETED", service("web", "7")), Deleted(WEB, "7"), id="DELETED"),
        pytest.param(bookmark("7"), Bookmark("7"), id="BOOKMARK, which has no name"),
        pytest.param(
            event_line("ADDED", service("web", "7", kind=False)),
            Changed(WEB, "7", service("web", "7", kind=False)),
            id="without a kind",
        ),
        pytest.param(
            event_line("ADDED", {"metadata": {"name": "web"}}),
            Changed(WEB, "", {"metadata": {"name": "web"}}),
            id="without a version: does not move it",
        ),
        pytest.param(
            event_line("ADDED", node("worker-1", "7")),
            Skipped("", "Node worker-1 is no Service"),
            id="wrong kind: skipped, does not move the version",
        ),
        pytest.param(
            event_line("POSTPONED", service("web", "7")),
            Skipped("7", "unknown event type POSTPONED for Service default/web"),
            id="unknown type: skipped, moves the version",
        ),
    ],
)
def test_R8_events(line: bytes, event: WatchEvent) -> None:
    assert parse(line) == event


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param(
            b'{"type":"ADDED","object":{"kind":"Service","metadata":{"name":"web","na',
            "watch services: an event of Service web is not JSON",
            id="not JSON, with its name as far as known",
        ),
        pytest.param(b"%%%", "watch services: an event of an unnamed Service is not JSON", id="not JSON"),
        pytest.param(b"\xff\xfe", "an event of an unnamed Service is not JSON", id="not UTF-8"),
        pytest.param(b"[1]", r"watch services: a line that is no event: \[1\]", id="a list"),
        pytest.param(b"null", "watch services: a line that is no event: null", id="null"),
        pytest.param(
            b'{"type":"ADDED","object":null}',
            "an event of an unnamed Service without a type or an object",
            id="no object",
        ),
        pytest.param(
            b'{"type":"ADDED","object":[]}', "without a type or an object", id="a list as the object"
        ),
        pytest.param(
            b'{"type":7,"object":{"metadata":{"name":"web"}}}',
            "an event of Service web without a type or an object",
            id="a number as the type",
        ),
        pytest.param(b"{}", "without a type or an object", id="an empty object"),
        pytest.param(
            event_line("ADDED", {"kind": "Service", "metadata": {}}),
            "watch services: an event of a Service without metadata.name",
            id="no name",
        ),
        pytest.param(event_line("DELETED", {"kind": "Service"}), "without metadata.name", id="no metadata"),
        pytest.param(
            event_line("ADDED", {"kind": "Service", "metadata": {"name": 7}}),
            "without metadata.name",
            id="a number as the name",
        ),
    ],
)
def test_R8_what_cannot_be_decoded_is_named(line: bytes, message: str) -> None:
    with pytest.raises(Undecodable, match=message):
        parse(line)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param(
            event_line("ADDED", {"kind": "Table", "apiVersion": "meta.k8s.io/v1"}),
            "watch services: the events hold a Table, not a Service",
            id="Tables in the events",
        ),
        pytest.param(
            list_body(),
            "watch services: the answer is ServiceList of v1, not a stream of events",
            id="a list",
        ),
        pytest.param(
            orjson.dumps({"kind": "Table", "apiVersion": "meta.k8s.io/v1"}),
            "watch services: the answer is Table of meta.k8s.io/v1, not a stream of events",
            id="a Table",
        ),
    ],
)
def test_R8_a_wrong_answer_is_named(line: bytes, message: str) -> None:
    with pytest.raises(WrongStream, match=message) as caught:
        parse(line)
    assert not isinstance(caught.value, Undecodable)


def test_R5_error_event_410_is_an_expiry() -> None:
    with pytest.raises(ResourceExpired, match="watch services: HTTP 410 Expired: too old"):
        parse(event_line("ERROR", status(410, "Expired", "too old")))


def test_R3_error_event_with_cause_too_large_is_an_expiry() -> None:
    with pytest.raises(ResourceExpired):
        parse(event_line("ERROR", status(504, "Timeout", cause="ResourceVersionTooLarge")))


def test_R5_other_error_events_are_errors() -> None:
    with pytest.raises(ApiError, match="HTTP 500 InternalError: broken") as caught:
        parse(event_line("ERROR", status(500, "InternalError", "broken")))
    assert not isinstance(caught.value, ResourceExpired)
    with pytest.raises(ApiError, match="HTTP 0 without a reason: no message"):
        parse(event_line("ERROR", {}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "Service", "web", "Table"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["kind", "metadata", "name", "namespace", "resourceVersion", "spec", "code", "details"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    line=st.binary(max_size=60)
    | st.builds(
        lambda type_, raw: orjson.dumps({"type": type_, "object": raw}),
        st.sampled_from(["ADDED", "DELETED", "BOOKMARK", "ERROR", "OTHER", None, 3]),
        json_values,
    )
)
@settings(deadline=None, max_examples=300)
def test_R8_no_line_is_a_crash(line: bytes) -> None:
    with suppress(WatchError):
        assert isinstance(parse(line), WatchEvent)

"""What an HTTP answer that is no success means."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.kube.raw import status
from userproxy.errors import ApiError, ResourceExpired, WatchError
from userproxy.sources.kube.answers import Answer, Asked, error_of, trimmed
from userproxy.sources.kube.failures import NotKubernetes
from userproxy.sources.kube.resources import ENDPOINT_SLICES, NODES, SERVICES, Collection

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LIST_SERVICES = Asked("list", Collection(SERVICES))


def of_status(raw: Mapping[str, object], http_status: int = 0, **answer: str) -> Answer:
    code = raw["code"]
    assert isinstance(code, int)
    return Answer(http_status or code, "application/json", orjson.dumps(raw), **answer)


def error(answer: Answer, asked: Asked = LIST_SERVICES) -> WatchError:
    return error_of(answer, asked, server="https://api:6443", now=NOW)


class TestStatus:
    def test_status_reason_and_message_are_kept(self) -> None:
        found = error(of_status(status(500, "InternalError", "etcd is\naway")))
        assert isinstance(found, ApiError)
        assert (found.status, found.reason, found.retry_after_s) == (500, "InternalError", None)
        assert str(found) == "list services: HTTP 500 InternalError: etcd is away"

    @pytest.mark.parametrize(
        ("raw", "expired"),
        [
            pytest.param(status(410, "Expired"), True, id="410 Expired"),
            pytest.param(status(410, "Gone"), True, id="410 Gone"),
            pytest.param(
                status(504, "Timeout", cause="ResourceVersionTooLarge"), True, id="504 with the cause"
            ),
            pytest.param(
                status(400, "BadRequest", cause="ResourceVersionTooLarge"), True, id="400 with the cause"
            ),
            pytest.param(status(504, "Timeout"), False, id="504 alone"),
            pytest.param(status(504, "Timeout", "Too large resource version"), False, id="504, message only"),
            pytest.param(status(400, "BadRequest", cause="FieldValueInvalid"), False, id="400, other cause"),
            pytest.param(status(500, "X", cause="ResourceVersionTooLarge"), False, id="cause at 500"),
        ],
    )
    def test_R3_what_counts_as_expired(self, raw: Mapping[str, object], expired: bool) -> None:
        assert isinstance(error(of_status(raw)), ResourceExpired) == expired

    @pytest.mark.parametrize(
        "details",
        [
            pytest.param(None, id="null"),
            pytest.param([], id="a list"),
            pytest.param({"causes": {}}, id="causes no list"),
            pytest.param({"causes": [None, 1, {"reason": 2}]}, id="causes no objects"),
        ],
    )
    def test_R8_odd_details_are_no_crash(self, details: object) -> None:
        raw = {**status(504, "Timeout"), "details": details}
        assert not isinstance(error(of_status(raw)), ResourceExpired)

    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            pytest.param(
                LIST_SERVICES,
                "forbidden to list services; the role needs verbs list and watch on services: no",
                id="all namespaces",
            ),
            pytest.param(
                Asked("watch", Collection(ENDPOINT_SLICES, "team-a")),
                "forbidden to watch endpointslices in namespace team-a; the role needs verbs list and "
                "watch on endpointslices of API group discovery.k8s.io: no",
                id="one namespace, with its group",
            ),
            pytest.param(
                Asked("list", Collection(NODES)),
                "forbidden to list nodes; the role needs verbs list and watch on nodes: no",
                id="nodes",
            ),
        ],
    )
    def test_R5_403_says_which_verb_and_resource_are_missing(self, asked: Asked, message: str) -> None:
        assert str(error(of_status(status(403, "Forbidden", "no")), asked)) == message


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("header", "raw", "wait_s"),
        [
            pytest.param("7", status(429), 7.0, id="seconds"),
            pytest.param("Fri, 02 Jan 2026 03:04:35 GMT", status(503), 30.0, id="a date"),
            pytest.param("Fri, 02 Jan 2026 03:00:00 GMT", status(503), 0.0, id="a date gone by"),
            pytest.param("Fri, 02 Jan 2026 03:04:35 -0000", status(503), 30.0, id="a date without a zone"),
            pytest.param("", status(429, retry_after_s=3), 3.0, id="in the Status"),
            pytest.param("5", status(429, retry_after_s=3), 5.0, id="the header first"),
            pytest.param("soon", status(429), None, id="unreadable"),
            pytest.param("-3", status(429), None, id="negative"),
            pytest.param("٣", status(429), None, id="digits that are not ASCII"),
        ],
    )
    def test_R5_retry_after(self, header: str, raw: Mapping[str, object], wait_s: float | None) -> None:
        found = error(of_status(raw, retry_after=header))
        assert isinstance(found, ApiError)
        assert found.retry_after_s == wait_s

    @given(
        header=st.text(max_size=40)
        | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,9} [A-Z][a-z]{2} [0-9 :+-]{1,30}")
    )
    @settings(deadline=None, max_examples=200)
    def test_R8_no_header_is_a_crash(self, header: str) -> None:
        assert error(of_status(status(503), retry_after=header))


class TestNotFromKubernetes:
    @pytest.mark.parametrize("code", [401, 403, 429, 500, 502, 503])
    def test_R5_a_gateway_in_between_keeps_the_meaning_of_its_status(self, code: int) -> None:
        found = error(Answer(code, "text/html", b"<h1>Busy</h1>", retry_after="9"))
        assert isinstance(found, ApiError)
        assert (found.status, found.retry_after_s) == (code, 9.0)
        assert str(found) == f"list services: HTTP {code}, text/html: <h1>Busy</h1>"

    def test_R3_a_gateways_410_is_an_expiry_too(self) -> None:
        assert isinstance(error(Answer(410, "text/plain", b"gone")), ResourceExpired)

    @pytest.mark.parametrize(
        ("answer", "came"),
        [
            pytest.param(
                Answer(200, "text/html", b"<html>hello"), "HTTP 200, text/html: <html>hello", id="HTML"
            ),
            pytest.param(Answer(404, "text/plain", b"nothing"), "HTTP 404, text/plain: nothing", id="404"),
            pytest.param(Answer(200, "", b""), "HTTP 200, no content type", id="nothing at all"),
            pytest.param(
                Answer(302, "text/html", b"", location="https://login/?next=x"),
                "HTTP 302, text/html, redirect to https://login/?next=x",
                id="a redirect",
            ),
            pytest.param(
                Answer(404, "application/json", b'{"error": "no index"}'),
                'HTTP 404, application/json: {"error": "no index"}',
                id="JSON of something else",
            ),
        ],
    )
    def test_R8_a_server_that_is_no_kubernetes(self, answer: Answer, came: str) -> None:
        found = error(answer)
        assert isinstance(found, NotKubernetes)
        assert str(found) == f"https://api:6443 does not answer as a Kubernetes API server: {came}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a\r\n b\tc", "a b c", id="one line"),
        pytest.param("a\x1b[31mb\x00", "a?[31mb?", id="control characters"),
        pytest.param("x" * 5000, "x" * 300 + "...", id="a sane length"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_messages_of_a_server_are_trimmed(text: str, shown: str) -> None:
    assert trimmed(text) == shown

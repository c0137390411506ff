"""One page of a list."""

from __future__ import annotations

import orjson
import pytest

from tests.sources.kube.raw import list_body, service, status
from userproxy.errors import ApiError, ResourceExpired
from userproxy.sources.kube.failures import NotKubernetes, WrongAnswer
from userproxy.sources.kube.lists import Page, parse_page
from userproxy.sources.kube.resources import ENDPOINT_SLICES, SERVICES, Collection

SERVER = "https://api:6443"


def parse(body: bytes) -> Page:
    return parse_page(body, Collection(SERVICES), server=SERVER)


def test_R3_items_version_and_token() -> None:
    web = service("web")
    assert parse(list_body(web, version="7", token="more")) == Page([web], "7", "more")
    assert parse(list_body(web, version="7")) == Page([web], "7", "")


def test_R3_items_may_be_null() -> None:
    body = b'{"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":null}'
    assert parse(body) == Page((), "7")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(
            list_body(kind="Table", api_version="meta.k8s.io/v1"),
            "list services: the answer is Table of meta.k8s.io/v1, not ServiceList of v1",
            id="a Table",
        ),
        pytest.param(
            list_body(kind="PodList"),
            "list services: the answer is PodList of v1, not ServiceList of v1",
            id="another kind",
        ),
        pytest.param(
            list_body(api_version="v2"),
            "list services: the answer is ServiceList of v2, not ServiceList of v1",
            id="another version",
        ),
        pytest.param(
            b'{"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":{}}',
            "list services: the items of the answer are no list",
            id="items no list",
        ),
        pytest.param(
            b'{"kind":"ServiceList","apiVersion":"v1","items":[]}',
            "list services: the answer has no metadata.resourceVersion",
            id="no metadata",
        ),
        pytest.param(
            list_body(version=""),
            "list services: the answer has no metadata.resourceVersion",
            id="no version",
        ),
    ],
)
def test_R8_a_wrong_answer_is_named(body: bytes, message: str) -> None:
    with pytest.raises(WrongAnswer) as caught:
        parse(body)
    assert str(caught.value) == message


def test_R8_broken_json_is_a_wrong_answer() -> None:
    with pytest.raises(WrongAnswer, match="list services: the answer is not JSON"):
        parse(b'{"kind":"ServiceList"')


@pytest.mark.parametrize("body", [b'{"name":"node-1","tagline":"You Know"}', b"[]", b"null", b'"hello"'])
def test_R8_json_without_a_kind_is_no_kubernetes(body: bytes) -> None:
    with pytest.raises(NotKubernetes) as caught:
        parse(body)
    assert (
        str(caught.value) == f"{SERVER} does not answer as a Kubernetes API server: it sent {body.decode()}"
    )


def test_R3_a_status_within_a_200_is_an_error() -> None:
    with pytest.raises(ResourceExpired):
        parse(orjson.dumps(status(410, "Expired")))
    with pytest.raises(ApiError, match="list services: HTTP 500 InternalError: broken"):
        parse(orjson.dumps(status(500, "InternalError", "broken")))


def test_R1_slices_are_those_of_discovery_v1() -> None:
    body = list_body(kind="EndpointSliceList", api_version="discovery.k8s.io/v1beta1")
    with pytest.raises(WrongAnswer, match=r"v1beta1, not EndpointSliceList of discovery\.k8s\.io/v1$"):
        parse_page(body, Collection(ENDPOINT_SLICES), server=SERVER)

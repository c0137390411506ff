"""One page of a list."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from unittest.mock import patch

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.kube.raw import list_body, service, status
from userproxy.errors import ApiError, ResourceExpired
from userproxy.sources.kube import lists
from userproxy.sources.kube.failures import NotKubernetes, WrongAnswer
from userproxy.sources.kube.lists import PIECE_BYTES, Page, parse_page
from userproxy.sources.kube.resources import ENDPOINT_SLICES, SERVICES, Collection

SERVER = "https://api:6443"


def parse(body: bytes) -> Page:
    page = parse_page(body, Collection(SERVICES), server=SERVER)
    return replace(page, items=list(page.items))


def test_R3_items_version_and_token() -> None:
    web = service("web")
    assert parse(list_body(web, version="7", token="more")) == Page([web], "7", "more")
    assert parse(list_body(web, version="7")) == Page([web], "7", "")


def test_R3_items_may_be_null() -> None:
    body = b'{"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":null}'
    assert parse(body) == Page([], "7")


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


def head(**more: object) -> dict[str, object]:
    return {"kind": "ServiceList", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, **more}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(
    items=st.lists(json_values, max_size=6),
    order=st.permutations(["kind", "apiVersion", "metadata", "items"]),
    indent=st.sampled_from([None, 0, 2]),
    ascii_only=st.booleans(),
)
@settings(deadline=None, max_examples=200)
def test_R3_items_one_by_one_are_those_of_the_whole_document(
    items: list[object], order: Iterable[str], indent: int | None, ascii_only: bool
) -> None:
    whole = head(items=items)
    body = json.dumps({key: whole[key] for key in order}, indent=indent, ensure_ascii=ascii_only).encode()
    assert parse(body) == Page(orjson.loads(body)["items"], "7")


OPENING = b'{"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":['


BROKEN = [
    pytest.param(b'{"a":1},{"b"', id="cut within an item"),
    pytest.param(b'{"a":1},', id="cut after a comma"),
    pytest.param(b'{"a":1}', id="cut after an item"),
    pytest.param(b'{"a":1}]', id="cut after the items"),
    pytest.param(b"", id="cut before the first item"),
    pytest.param(b'{"a":1},]}', id="a comma too many"),
    pytest.param(b'{"a":1}{"b":1}]}', id="a comma too few"),
    pytest.param(b'{"a":1}]}]', id="more than one document"),
    pytest.param(b"[NaN]]}", id="NaN"),
    pytest.param(b"[" * 100_000, id="too deep"),
    pytest.param(b'["\\ud800"]]}', id="half a surrogate"),
    pytest.param(b'["\xff"]]}', id="no UTF-8"),
    pytest.param(b"[" + b"9" * 5000 + b"]]}", id="a number of 5000 digits"),
]


@pytest.mark.parametrize("rest", BROKEN)
def test_R8_items_that_are_no_json_are_a_wrong_answer(rest: bytes) -> None:
    with pytest.raises(WrongAnswer, match="list services: the answer is not JSON"):
        list(parse_page(OPENING + rest, Collection(SERVICES), server=SERVER).items)


@pytest.mark.parametrize("rest", BROKEN)
def test_R8_pieces_before_what_is_no_json_count(rest: bytes) -> None:
    good = b'{"a":"%b"},' % (b"x" * PIECE_BYTES)
    found: list[object] = []
    with pytest.raises(WrongAnswer, match="list services: the answer is not JSON"):
        for item in parse_page(OPENING + good * 2 + rest, Collection(SERVICES), server=SERVER).items:
            found.append(item)  # noqa: PERF402  what comes before the error counts
    assert found
    assert found == orjson.loads(b"[%b]" % (good * len(found))[:-1])


def test_R3_what_comes_behind_the_items_is_allowed() -> None:
    assert parse(OPENING + b'1,2],"more":{"x":[]}}\n') == Page([1, 2], "7")


LOOKS_LIKE_A_BORDER = '},{"metadata":{'

tricky = st.recursive(
    st.none()
    | st.integers(-5, 5)
    | st.text(max_size=4)
    | st.sampled_from([LOOKS_LIKE_A_BORDER, '"}', "\\", "]"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["metadata", LOOKS_LIKE_A_BORDER, "x", '"', ""]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(
    items=st.lists(
        st.dictionaries(st.sampled_from(["metadata", "spec"]), tricky, max_size=2) | tricky, max_size=8
    ),
    separators=st.sampled_from([(",", ":"), (" ,\n", " : "), (",\t", ":\r\n ")]),
    piece_bytes=st.integers(1, 40),
)
@settings(deadline=None, max_examples=300)
def test_R3_wherever_a_list_is_cut_its_items_are_those_of_the_whole_document(
    items: list[object], separators: tuple[str, str], piece_bytes: int
) -> None:
    body = json.dumps(head(items=items), separators=separators).encode()
    with patch.object(lists, "PIECE_BYTES", piece_bytes):
        assert parse(body) == Page(items, "7")


def test_R3_an_item_may_be_longer_than_a_piece() -> None:
    long: object = {"metadata": [{"metadata": {}} for _ in range(PIECE_BYTES)]}
    body = orjson.dumps(head(items=[long, {"metadata": 1}, long]))
    assert parse(body) == Page([long, {"metadata": 1}, long], "7")


def test_R3_items_are_parsed_when_they_are_asked_for() -> None:
    first = b'{"a":"%b"}' % (b"x" * PIECE_BYTES)
    items = iter(parse_page(OPENING + first + b',{"a":1},BROKEN', Collection(SERVICES), server=SERVER).items)
    assert next(items) == orjson.loads(first)
    with pytest.raises(WrongAnswer):
        next(items)

"""Kind, apiVersion, names, labels: what is wrong here refuses the object whole (rules D3, D7)."""

from __future__ import annotations

import pytest

from tests.model.raw import (
    decoded_node,
    decoded_service,
    decoded_slice,
    endpoint_slice,
    node,
    place,
    places,
    refusal,
    service,
)
from userproxy.model.decode import decode_endpoint_slice, decode_node, decode_service
from userproxy.model.events import Rejected
from userproxy.model.metadata import UNNAMED, is_dns_label, is_plain, object_ref
from userproxy.model.names import ObjectRef

STRANGE = [
    "Web", "web_1", "-web", "web-", "we b", "web\n", "web/x", "..", ".", "web..x", "wéb", "\x1b[31m",
    "a" * 254, ".".join(["a" * 62, *["a" * 63] * 3]), "web:80", "x\u202e", "\ud800", "a" * 10**6,
]  # fmt: skip
NO_TEXT = [0, 7, True, False, 1.5, [], ["web"], {}, {"name": "web"}]
NO_OBJECTS: list[object] = [None, 0, 7, True, 1.5, "", "web", [], [{}], (), b"x"]


@pytest.mark.parametrize("name", ["w", "web", "web-1", "1web", "a" * 63])
@pytest.mark.spec("D7")
def test_D7_good_names_of_services(name: str) -> None:
    decoded, problems = decoded_service(service(metadata={"name": name, "namespace": name}))
    assert (decoded.name, decoded.namespace, problems) == (name, name, ())


@pytest.mark.parametrize("name", ["web-abc", "web.abc-1", "1.2.3.4", ".".join(["a" * 61, *["a" * 63] * 3])])
@pytest.mark.spec("D7")
def test_D7_good_names_of_slices_and_nodes(name: str) -> None:
    assert decoded_slice(endpoint_slice(metadata={"name": name}))[0].name == name
    assert decoded_node(node(metadata={"name": name}))[0].name == name


@pytest.mark.parametrize("field", ["name", "namespace"])
@pytest.mark.parametrize("value", [*STRANGE, "a.b", "a" * 64, *NO_TEXT], ids=lambda value: repr(value)[:30])
@pytest.mark.spec("D7")
def test_D7_a_strange_name_refuses_the_service(field: str, value: object) -> None:
    event = decode_service(service(metadata={field: value}))
    (problem,) = refusal(event)
    assert problem.field == f"metadata.{field}"
    assert len(str(problem)) < 500
    assert str(problem).isprintable()


@pytest.mark.parametrize("value", [*STRANGE, *NO_TEXT], ids=lambda value: repr(value)[:30])
@pytest.mark.spec("D7")
def test_D7_a_strange_name_refuses_a_slice_and_a_node(value: object) -> None:
    assert (
        refusal(decode_endpoint_slice(endpoint_slice(metadata={"name": value})))[0].field == "metadata.name"
    )
    assert refusal(decode_node(node(metadata={"name": value})))[0].field == "metadata.name"


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.spec("D7")
def test_D7_a_missing_name_refuses_the_object(value: object) -> None:
    event = decode_service(service(metadata={"name": value}))
    assert places(refusal(event)) == [("metadata.name", "", "D7")]
    assert isinstance(event, Rejected)
    assert event.ref == ObjectRef("Service", "default", UNNAMED)


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.spec("D3")
def test_D3_a_missing_namespace_is_default(value: object) -> None:
    assert decoded_service(service(metadata={"namespace": value}))[0].namespace == "default"
    assert decoded_slice(endpoint_slice(metadata={"namespace": value}))[0].namespace == "default"


def test_a_node_has_no_namespace() -> None:
    decoded, problems = decoded_node(node(metadata={"namespace": "Strange"}))
    assert decoded.ref == ObjectRef("Node", "", "node-1")
    assert problems == ()


@pytest.mark.parametrize("field", ["labels", "annotations"])
@pytest.mark.parametrize("value", [0, True, "a=b", "", [], [{}]], ids=repr)
@pytest.mark.spec("D7")
def test_D7_labels_that_are_no_object_refuse_it(field: str, value: object) -> None:
    for event in (
        decode_service(service(metadata={field: value})),
        decode_endpoint_slice(endpoint_slice(metadata={field: value})),
        decode_node(node(metadata={field: value})),
    ):
        assert refusal(event)[0].field == f"metadata.{field}"


def test_labels_that_are_not_read_may_hold_anything() -> None:
    labels: dict[object, object] = {"app": 7, 8: None, "x" * 1000: ["y"]}
    assert decoded_service(service(metadata={"labels": labels, "annotations": labels}))[1] == ()


@pytest.mark.parametrize("value", [v for v in NO_OBJECTS if v is not None], ids=repr)
@pytest.mark.spec("D7")
def test_D7_metadata_that_is_no_object_refuses_it(value: object) -> None:
    for event in (
        decode_service({**service(), "metadata": value}),
        decode_endpoint_slice({**endpoint_slice(), "metadata": value}),
        decode_node({**node(), "metadata": value}),
    ):
        assert [problem.field for problem in refusal(event)][:1] == ["metadata"]


@pytest.mark.parametrize("raw", NO_OBJECTS, ids=repr)
@pytest.mark.spec("D7")
def test_D7_what_is_no_object_is_refused(raw: object) -> None:
    for kind, event in (
        ("Service", decode_service(raw, origin="web.yaml")),
        ("EndpointSlice", decode_endpoint_slice(raw, origin="web.yaml")),
        ("Node", decode_node(raw, origin="web.yaml")),
    ):
        assert isinstance(event, Rejected)
        assert event.ref == ObjectRef(kind, "", UNNAMED)
        (problem,) = event.problems
        assert (problem.field, problem.origin) == ("", "web.yaml")


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        ("Service", "v2"),
        ("Service", "serving.knative.dev/v1"),
        ("Service", ""),
        ("Service", 1),
        ("Service", ["v1"]),
    ],
)
@pytest.mark.spec("D3")
def test_D3_another_api_version_is_refused(kind: str, version: object) -> None:
    event = decode_service({**service(), "kind": kind, "apiVersion": version})
    (problem,) = refusal(event)
    assert (problem.field, problem.rule) == ("apiVersion", "D3")
    assert "v1" in problem.message


@pytest.mark.spec("D3")
def test_D3_other_api_versions_of_slices_and_nodes_are_refused() -> None:
    beta = decode_endpoint_slice({**endpoint_slice(), "apiVersion": "discovery.k8s.io/v1beta1"})
    assert [place(problem) for problem in refusal(beta)] == [("apiVersion", "discovery.k8s.io/v1beta1", "D3")]
    assert places(refusal(decode_node({**node(), "apiVersion": "v2"}))) == [("apiVersion", "v2", "D3")]


def test_items_of_a_list_need_neither_kind_nor_api_version() -> None:
    for decode, raw in (
        (decode_service, service()),
        (decode_endpoint_slice, endpoint_slice()),
        (decode_node, node()),
    ):
        bare = {key: value for key, value in raw.items() if key not in ("kind", "apiVersion")}
        assert decode(bare) == decode(raw)
        assert not isinstance(decode(bare), Rejected)


def test_an_object_of_another_kind_is_refused() -> None:
    (problem,) = refusal(decode_service({**service(), "kind": "Secret"}))
    assert place(problem) == ("kind", "Secret", "D7")


@pytest.mark.parametrize(
    ("raw", "kind", "ref"),
    [
        (service(), "", ObjectRef("Service", "default", "web")),
        (service(metadata={"namespace": "prod"}), "", ObjectRef("Service", "prod", "web")),
        ({"metadata": {"name": "web"}}, "Service", ObjectRef("Service", "default", "web")),
        (node(metadata={"namespace": "prod"}), "", ObjectRef("Node", "", "node-1")),
        ({"kind": "Namespace", "metadata": {"name": "prod"}}, "", ObjectRef("Namespace", "", "prod")),
        ({"kind": "Pod", "metadata": {"name": "a.b"}}, "", ObjectRef("Pod", "default", "a.b")),
        ({}, "", ObjectRef("object", "default", UNNAMED)),
        ({"metadata": []}, "Service", ObjectRef("Service", "default", UNNAMED)),
        (None, "", ObjectRef("object", "", UNNAMED)),
        ([], "Service", ObjectRef("Service", "", UNNAMED)),
        ({"kind": [1], "metadata": {"name": "\n"}}, "", ObjectRef("list of 1", "default", r"\n")),
        (node(metadata={"name": "a" * 100 + ".b"}), "", ObjectRef("Node", "", "a" * 79 + "…")),
        (
            node(metadata={"name": ".".join(["a" * 50] * 3)}),
            "",
            ObjectRef("Node", "", ".".join(["a" * 50] * 3)),
        ),
    ],
)
def test_which_object_it_is(raw: object, kind: str, ref: ObjectRef) -> None:
    assert object_ref(raw, kind) == ref


def test_plain_text_and_labels() -> None:
    assert all(map(is_plain, ["eu-1a", "Zone_7:x", "x" * 253]))
    assert not any(map(is_plain, ["", " ", "a b", "a\n", "é", "x" * 254, "\x7f"]))
    assert all(map(is_dns_label, ["a", "a" * 63, "0-a"]))
    assert not any(map(is_dns_label, ["", "a" * 64, "A", "a.b", "a\n", "-"]))

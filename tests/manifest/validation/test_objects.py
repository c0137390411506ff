"""What is refused for any kind: metadata, wrong types, and that good objects pass."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userproxy.manifest.defaults import complete
from userproxy.manifest.field_errors import FieldError, Reason
from userproxy.manifest.kinds import KINDS, NAMESPACE, NODE, SERVICE, Kind
from userproxy.manifest.validation import validate

SPECS: dict[str, object] = {"Service": {"ports": [{"port": 80}]}}


def raw_object(kind: Kind, **metadata: object) -> dict[str, object]:
    raw = {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": "web", **metadata},
        "spec": SPECS.get(kind.kind, {}),
        "addressType": "IPv4",
    }
    return complete(raw)


def fields(errors: tuple[FieldError, ...]) -> list[str]:
    return [error.field for error in errors]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_a_good_object_passes(kind: Kind) -> None:
    metadata: dict[str, object] = {
        "labels": {"app": "web", "example.com/a": ""},
        "annotations": {"Example.com/Note": "anything {}"},
        "finalizers": ["example.com/a"],
        "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u", "controller": True}],
        "uid": "u",
    }
    raw = raw_object(kind, **metadata)
    assert validate(raw) == ()
    assert validate(raw, raw) == ()


@pytest.mark.parametrize(
    ("kind", "name", "valid"),
    [
        pytest.param(SERVICE, "w" * 63, True, id="63 characters"),
        pytest.param(SERVICE, "w" * 64, False, id="64 characters"),
        pytest.param(SERVICE, "1web", False, id="a Service starts with a letter"),
        pytest.param(SERVICE, "web.a", False, id="a Service has no dots"),
        pytest.param(SERVICE, "Web", False, id="upper case"),
        pytest.param(SERVICE, "web-", False, id="hyphen at the end"),
        pytest.param(SERVICE, "", False, id="missing"),
        pytest.param(SERVICE, 3, False, id="a number"),
        pytest.param(NAMESPACE, "1web", True, id="a Namespace may start with a digit"),
        pytest.param(NAMESPACE, "web.a", False, id="a Namespace has no dots"),
        pytest.param(NODE, "n1.example.com", True, id="a Node may have dots"),
        pytest.param(NODE, "n1..example", False, id="an empty label"),
        pytest.param(NODE, ".".join(["a" * 60] * 5), False, id="more than 253 characters"),
    ],
)
def test_D7_names(kind: Kind, name: object, valid: bool) -> None:
    assert fields(validate(raw_object(kind, name=name))) == ([] if valid else ["metadata.name"])


@pytest.mark.parametrize(
    ("metadata", "field", "said"),
    [
        pytest.param({"namespace": "A"}, "metadata.namespace", "DNS label", id="namespace"),
        pytest.param({"labels": {"-a": "b"}}, "metadata.labels", "the key must be", id="label key"),
        pytest.param({"labels": {"a": "b c"}}, "metadata.labels", "the value of a must be", id="label value"),
        pytest.param({"labels": {"a": 1}}, "metadata.labels", "the value of a must be", id="label number"),
        pytest.param({"labels": "a"}, "metadata.labels", "must be an object", id="labels are text"),
        pytest.param({"annotations": {"/a": "b"}}, "metadata.annotations", "the key", id="annotation key"),
        pytest.param({"annotations": {"a": None}}, "metadata.annotations", "a string", id="annotation null"),
        pytest.param({"annotations": []}, "metadata.annotations", "an object", id="annotations are a list"),
        pytest.param(
            {"annotations": {"a": "x" * 262144}},
            "metadata.annotations",
            "262144 bytes",
            id="annotations are long",
        ),
        pytest.param({"finalizers": ["a b"]}, "metadata.finalizers[0]", "must be at most", id="finalizer"),
        pytest.param({"finalizers": "a"}, "metadata.finalizers", "must be a list", id="finalizers are text"),
        pytest.param({"ownerReferences": [3]}, "metadata.ownerReferences[0]", "an object", id="owner"),
        pytest.param(
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p"}]},
            "metadata.ownerReferences[0].uid",
            "Required value",
            id="owner without a uid",
        ),
        pytest.param(
            {
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": name, "controller": True}
                    for name in "ab"
                ]
            },
            "metadata.ownerReferences",
            "only one",
            id="two controllers",
        ),
    ],
)
def test_D7_metadata(metadata: dict[str, object], field: str, said: str) -> None:
    (error,) = validate(raw_object(SERVICE, **metadata))
    assert error.field == field
    assert said in str(error)


def test_D7_a_node_has_no_namespace() -> None:
    (error,) = validate(raw_object(NODE, namespace="default"))
    assert str(error) == "metadata.namespace: Forbidden: a Node has no namespace"


@pytest.mark.parametrize("field", ["name", "namespace", "uid", "creationTimestamp"])
def test_what_names_an_object_does_not_change(field: str) -> None:
    old = raw_object(SERVICE, **{"uid": "u", "creationTimestamp": "t", field: "old"})
    new = raw_object(SERVICE, **{"uid": "u", "creationTimestamp": "t", field: "new"})
    assert fields(validate(new, old)) == [f"metadata.{field}"]


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        pytest.param({**raw_object(SERVICE), "spec": "x"}, "spec", id="spec is text"),
        pytest.param({**raw_object(NODE), "spec": []}, "spec", id="spec is a list"),
        pytest.param({**raw_object(NODE), "metadata": "x"}, "metadata", id="metadata is text"),
    ],
)
def test_D7_no_objects(raw: dict[str, object], field: str) -> None:
    assert FieldError(field, raw[field], "must be an object", Reason.WRONG_TYPE) in validate(raw)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FieldError("a", "", "", Reason.REQUIRED), "a: Required value"),
        (FieldError("a", 'x"y', "is bad"), r'a: Invalid value: "x\"y": is bad'),
        (FieldError("a", 70000, "is bad"), "a: Invalid value: 70000: is bad"),
        (FieldError("a", ["x", "y"], "is bad"), 'a: Invalid value: ["x", "y"]: is bad'),
        (FieldError("a", {"b": 1}, "is bad"), "a: Invalid value: object of 1: is bad"),
        (FieldError("a", "x", "", Reason.DUPLICATE), 'a: Duplicate value: "x"'),
        (FieldError("a", "x", "not here", Reason.FORBIDDEN), "a: Forbidden: not here"),
        (FieldError("a", 1001, "too long", Reason.TOO_MANY), "a: Too many: 1001: too long"),
        (FieldError("a", "x" * 500, "is bad"), f'a: Invalid value: "{"x" * 79}…": is bad'),
    ],
)
def test_an_error_reads_as_the_API_server_words_it(error: FieldError, text: str) -> None:
    assert str(error) == text


def test_kinds_that_are_not_read_are_accepted() -> None:
    assert validate({"apiVersion": "v1", "kind": "Pod"}) == ()
    assert validate({}) == ()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 70000)
    | st.sampled_from(["", "a", "IPv4", "10.0.0.1", "None", "TCP"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "port", "protocol", "addresses", "ip", "key", "effect", "hints", "forZones"]
            ),
            inner,
        )
    ),
    max_leaves=10,
)
OBJECTS = st.builds(
    lambda kind, fields: {"apiVersion": kind.api_version, "kind": kind.kind, **fields},
    st.sampled_from(KINDS),
    st.fixed_dictionaries(
        {},
        optional={
            "metadata": st.dictionaries(
                st.sampled_from(["name", "labels", "ownerReferences", "finalizers"]), JSON
            )
            | JSON,
            "spec": st.dictionaries(
                st.sampled_from(
                    ["ports", "clusterIP", "clusterIPs", "ipFamilies", "type", "taints", "podCIDRs"]
                ),
                JSON,
            )
            | JSON,
            "addressType": JSON,
            "endpoints": JSON,
            "ports": JSON,
            "subsets": JSON,
        },
    ),
)


@settings(deadline=None)
@given(OBJECTS, OBJECTS)
def test_validation_never_raises_and_changes_no_input(
    raw: dict[str, object], previous: dict[str, object]
) -> None:
    before = copy.deepcopy((raw, previous))
    for each in (raw, complete(raw)):
        assert all(str(error) for error in validate(each, previous))
    assert (raw, previous) == before

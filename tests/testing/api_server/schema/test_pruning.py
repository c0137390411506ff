"""Written objects held against their shape: what goes, what is refused, and that nothing else changes."""

from __future__ import annotations

import copy

import pytest

from userproxy.manifest.kinds import ENDPOINT_SLICE, KINDS, NODE, SERVICE, Kind
from userproxy.testing.api_server.schema.kinds import SHAPES
from userproxy.testing.api_server.schema.pruning import WrongType, prune


def pruned(kind: Kind, raw: dict[str, object]) -> dict[str, object]:
    return prune(raw, SHAPES[kind]).object


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_every_kind_that_is_read_has_a_shape_with_metadata(kind: Kind) -> None:
    assert {"apiVersion", "kind", "metadata"} <= set(SHAPES[kind].fields)


@pytest.mark.parametrize(
    ("raw", "unknown"),
    [
        pytest.param({"spec": {"portz": 1}}, ("spec.portz",), id="in a struct"),
        pytest.param({"specs": {}}, ("specs",), id="at the top"),
        pytest.param(
            {"spec": {"ports": [{"port": 1}, {"prot": 2}]}}, ("spec.ports[1].prot",), id="in a list"
        ),
        pytest.param({"metadata": {"labels": {"any": "key"}}}, (), id="maps take any key"),
        pytest.param({"a": 1, "b": {"c": 2}}, ("a", "b"), id="several"),
    ],
)
def test_unknown_fields_are_named_and_dropped(raw: dict[str, object], unknown: tuple[str, ...]) -> None:
    found = prune(raw, SHAPES[SERVICE])
    assert found.unknown == unknown
    assert prune(found.object, SHAPES[SERVICE]).unknown == ()


@pytest.mark.parametrize(
    ("kind", "raw", "where"),
    [
        pytest.param(SERVICE, {"spec": []}, "spec: expected an object, found a list", id="list for object"),
        pytest.param(
            SERVICE, {"spec": {"ports": {}}}, "spec.ports: expected a list, found an object", id="ports"
        ),
        pytest.param(
            SERVICE, {"spec": {"ports": [None]}}, "spec.ports[0]: expected an object, found null", id="null"
        ),
        pytest.param(
            SERVICE, {"spec": {"ports": [{"port": "80"}]}}, "spec.ports[0].port: expected a number", id="text"
        ),
        pytest.param(
            SERVICE, {"spec": {"ports": [{"port": 80.0}]}}, "found a number with a fraction", id="fraction"
        ),
        pytest.param(
            SERVICE, {"spec": {"ports": [{"port": True}]}}, "found a boolean", id="boolean is no number"
        ),
        pytest.param(SERVICE, {"spec": {"ports": [{"port": 2**31}]}}, "does not fit int32", id="int32"),
        pytest.param(
            SERVICE, {"spec": {"clusterIP": 1}}, "spec.clusterIP: expected a string", id="number for text"
        ),
        pytest.param(
            SERVICE, {"spec": {"ports": [{"targetPort": []}]}}, "expected a int-or-string", id="target"
        ),
        pytest.param(
            SERVICE, {"metadata": {"labels": {"a": 1}}}, "metadata.labels.a: expected a string", id="label"
        ),
        pytest.param(NODE, {"spec": {"unschedulable": "yes"}}, "expected a boolean", id="text for boolean"),
        pytest.param(ENDPOINT_SLICE, {"endpoints": [7]}, "endpoints[0]: expected an object", id="endpoint"),
    ],
)
def test_wrong_types_are_refused_with_the_path(kind: Kind, raw: dict[str, object], where: str) -> None:
    with pytest.raises(WrongType) as refused:
        prune(raw, SHAPES[kind])
    assert where in str(refused.value)


def test_nulls_are_absent_and_slices_show_their_lists() -> None:
    assert pruned(SERVICE, {"spec": {"selector": None, "clusterIP": "None"}}) == {
        "spec": {"clusterIP": "None"}
    }
    assert pruned(ENDPOINT_SLICE, {"addressType": "IPv4"}) == {
        "addressType": "IPv4",
        "endpoints": None,
        "ports": None,
    }


def test_quantities_may_be_text_or_numbers() -> None:
    raw: dict[str, object] = {"status": {"capacity": {"cpu": 2, "memory": "4Gi"}}}
    assert pruned(NODE, raw) == raw


def test_the_input_is_not_changed() -> None:
    raw: dict[str, object] = {"spec": {"ports": [{"port": 80, "nope": 1}], "selector": None}}
    before = copy.deepcopy(raw)
    prune(raw, SHAPES[SERVICE])
    assert raw == before

"""Unpacking lists (rule D3)."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userproxy.manifest.lists import unpack

A = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}
B = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "b"}}
BARE = {"metadata": {"name": "a"}}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["kind", "apiVersion", "items", "metadata"]),
            inner | st.sampled_from(["List", "ServiceList", "v1", "Service", "AllowList"]),
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("raw", "objects"),
    [
        pytest.param(A, [A], id="an object"),
        pytest.param(None, [None], id="null"),
        pytest.param([A], [[A]], id="a JSON array is no object"),
        pytest.param({"kind": "List", "items": [A, B]}, [A, B], id="List"),
        pytest.param({"kind": "List", "items": []}, [], id="empty"),
        pytest.param({"kind": "List", "items": None}, [], id="null items"),
        pytest.param({"kind": "List"}, [], id="no items"),
        pytest.param({"kind": "List", "items": (A, B)}, [A, B], id="a tuple from a call"),
        pytest.param({"kind": "ServiceList", "apiVersion": "v1"}, [], id="typed list without items"),
        pytest.param({"kind": "List", "items": [None, 3, "x", A]}, [None, 3, "x", A], id="no objects in it"),
        pytest.param(
            {"apiVersion": "v1", "kind": "List", "items": [BARE]},
            [BARE],
            id="List implies neither kind nor version",
        ),
        pytest.param(
            {"kind": "Foo", "items": [A]}, [{"kind": "Foo", "items": [A]}], id="items do not make a list"
        ),
        pytest.param({"kind": "List", "items": "x"}, [{"kind": "List", "items": "x"}], id="items is text"),
        pytest.param({"kind": "List", "items": A}, [{"kind": "List", "items": A}], id="items is an object"),
        pytest.param(
            {"kind": "List", "items": [A, {"kind": "List", "items": [B, {"kind": "List", "items": [A]}]}, B]},
            [A, B, A, B],
            id="nested, in order",
        ),
        pytest.param({"kind": "ServiceList", "apiVersion": "v1", "items": [BARE]}, [A], id="kind filled in"),
        pytest.param(
            {"kind": "ServiceList", "apiVersion": "v1", "items": [{"kind": "", "apiVersion": None, **BARE}]},
            [A],
            id="empty kind filled in",
        ),
        pytest.param({"kind": "ServiceList", "apiVersion": "v1", "items": [B]}, [B], id="stated kind stays"),
        pytest.param(
            {"kind": "ServiceList", "items": [BARE]}, [{"kind": "Service", **BARE}], id="no version to imply"
        ),
        pytest.param(
            {"kind": "PodList", "apiVersion": "v1", "items": [BARE]},
            [{"apiVersion": "v1", "kind": "Pod", **BARE}],
            id="list of a kind that is not read",
        ),
        pytest.param({"kind": "AllowList", "spec": {}}, [{"kind": "AllowList", "spec": {}}], id="no list"),
        pytest.param({"kind": 3, "items": [A]}, [{"kind": 3, "items": [A]}], id="kind is a number"),
    ],
)
def test_D3_lists_are_unpacked(raw: object, objects: list[object]) -> None:
    before = copy.deepcopy(raw)
    assert list(unpack(raw)) == objects
    assert raw == before


def test_D3_lists_may_be_nested_deeper_than_the_interpreter_recurses() -> None:
    raw: object = A
    for _ in range(5000):
        raw = {"kind": "List", "items": [raw]}
    assert list(unpack(raw)) == [A]


def test_D3_a_list_inside_itself_ends() -> None:
    items: list[object] = [A]
    loop = {"kind": "List", "items": items}
    items.append(loop)
    found = list(unpack(loop))
    assert found[0] is A
    assert found[1] is loop
    assert len(found) == 2


@settings(deadline=None)
@given(JSON)
def test_D3_unpacking_never_raises_and_changes_nothing(raw: object) -> None:
    before = json.dumps(raw)
    list(unpack(raw))
    assert json.dumps(raw) == before

"""Strategic merge patches: the directives, the merge keys, and what kubectl makes of the same patches."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.manifest.patches.kubectl_diff import kubectl_diff
from userproxy.manifest.kinds import ENDPOINT_SLICE, ENDPOINTS, NODE, SERVICE, Kind
from userproxy.manifest.patches import PatchError, PatchMismatch, strategic_merge_patch

HTTP = {"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}
HTTPS = {"name": "https", "port": 443, "protocol": "TCP", "targetPort": 8443}
ADMIN = {"name": "admin", "port": 9000, "protocol": "TCP", "targetPort": 9000}
DNS = {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53}
DNS_TCP = {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53}

WEB: dict[str, object] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {
        "name": "web",
        "namespace": "default",
        "labels": {"app": "web", "tier": "front"},
        "finalizers": ["example.com/a", "example.com/b", "example.com/c"],
        "ownerReferences": [
            {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u1"},
            {"apiVersion": "v1", "kind": "Node", "name": "m", "uid": "u2"},
        ],
    },
    "spec": {
        "clusterIP": "10.0.0.1",
        "externalIPs": ["1.2.3.4", "5.6.7.8"],
        "ports": [HTTP, HTTPS, ADMIN],
        "selector": {"app": "web"},
        "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10}},
    },
}


def finalizers(*names: str) -> list[str]:
    return [f"example.com/{name}" for name in names]


def ports(*items: object, order: list[dict[str, object]] | None = None) -> dict[str, object]:
    spec: dict[str, object] = {"ports": list(items)} if items else {}
    if order is not None:
        spec["$setElementOrder/ports"] = order
    return {"spec": spec}


SAME_AS_KUBECTL = [
    pytest.param({}, id="nothing"),
    pytest.param({"metadata": {"labels": {"tier": None, "x": "y"}}}, id="null removes"),
    pytest.param({"metadata": {"annotations": {"a": "b", "c": None}}}, id="added object without its nulls"),
    pytest.param({"spec": {"externalIPs": ["9.9.9.9"]}}, id="other lists are replaced"),
    pytest.param({"spec": {"ports": [{"port": 443, "targetPort": 1}]}}, id="port merged by number"),
    pytest.param({"spec": {"ports": [{"name": "new", "port": 81}]}}, id="port added"),
    pytest.param({"spec": {"ports": [{"port": 443, "$patch": "delete"}]}}, id="port deleted"),
    pytest.param(
        ports({"port": 443, "$patch": "delete"}, {"port": 81, "name": "x"}, {"port": 80, "name": "y"}),
        id="deleted, added and changed",
    ),
    pytest.param(
        {"spec": {"ports": [{"$patch": "replace"}, {"port": 1, "name": "one"}]}}, id="list replaced"
    ),
    pytest.param({"spec": {"ports": [{"$patch": "replace"}]}}, id="list emptied"),
    pytest.param({"spec": {"ports": None}}, id="list removed"),
    pytest.param({"spec": {"ports": [{"port": 443, "targetPort": None}]}}, id="null in a merged item"),
    pytest.param(
        {"spec": {"$setElementOrder/ports": [{"port": 9000}, {"port": 80}, {"port": 443}]}}, id="order alone"
    ),
    pytest.param(
        {"spec": {"$setElementOrder/ports": [{"port": 9000}, {"port": 80}]}},
        id="order of some, one stays between",
    ),
    pytest.param(
        ports(
            {"port": 81, "name": "x"},
            {"port": 80, "targetPort": 1},
            {"port": 9000, "$patch": "delete"},
            order=[{"port": 81}, {"port": 443}, {"port": 80}],
        ),
        id="what apply sends",
    ),
    pytest.param(
        ports({"port": 1}, {"port": 80, "$patch": "delete"}, order=[{"port": 1}]),
        id="in the place of a deleted one",
    ),
    pytest.param(ports({"port": 1}, {"port": 80, "$patch": "delete"}), id="the same without an order"),
    pytest.param(
        ports({"port": 443, "$patch": "delete"}, order=[{"port": 80}, {"port": 443}]),
        id="deleted though ordered",
    ),
    pytest.param({"metadata": {"finalizers": finalizers("d", "a")}}, id="scalars added as a set"),
    pytest.param(
        {"metadata": {"$deleteFromPrimitiveList/finalizers": finalizers("a", "x")}}, id="scalars deleted"
    ),
    pytest.param(
        {
            "metadata": {
                "$deleteFromPrimitiveList/finalizers": finalizers("b"),
                "$setElementOrder/finalizers": finalizers("c", "d", "a"),
                "finalizers": finalizers("d"),
            }
        },
        id="scalars deleted, added and ordered",
    ),
    pytest.param(
        {"metadata": {"ownerReferences": [{"uid": "u2", "name": "x"}, {"uid": "u1", "$patch": "delete"}]}},
        id="owners merged by uid",
    ),
    pytest.param({"spec": {"selector": {"$patch": "replace", "x": "y"}}}, id="object replaced"),
    pytest.param({"spec": {"selector": {"$retainKeys": ["x"], "x": "y"}}}, id="keys retained, the others go"),
    pytest.param(
        {"spec": {"$retainKeys": ["ports", "type"], "type": "NodePort"}}, id="keys retained above lists"
    ),
    pytest.param(
        {"spec": {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 20}}}},
        id="nested objects are merged",
    ),
    pytest.param({"status": {"conditions": [{"type": "a", "status": "True"}]}}, id="list that was not there"),
]


needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is the reference here")


def patched_by_kubectl(raw: Mapping[str, object], patch: Mapping[str, object], folder: Path) -> object:
    (folder / "object.json").write_text(json.dumps(raw))
    options = ["--local", "-o", "json", "-f", "object.json", "--type", "strategic"]
    ran = subprocess.run(
        ["kubectl", "patch", *options, "-p", json.dumps(patch)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "KUBECONFIG": os.devnull},
        capture_output=True,
        check=True,
        timeout=60,
    )
    return without_empty(json.loads(ran.stdout))


@needs_kubectl
@pytest.mark.parametrize("patch", SAME_AS_KUBECTL)
def test_same_result_as_kubectl(patch: dict[str, object], tmp_path: Path) -> None:
    patched = strategic_merge_patch(WEB, patch, SERVICE)
    assert without_empty(patched) == patched_by_kubectl(WEB, patch, tmp_path)


@needs_kubectl
def test_the_lists_of_a_node_are_merged_as_by_kubectl(tmp_path: Path) -> None:
    node: dict[str, object] = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n"},
        "spec": {"podCIDRs": ["10.0.0.0/24"], "taints": [{"key": "a", "effect": "NoSchedule"}]},
        "status": {
            "addresses": [
                {"type": "Hostname", "address": "n"},
                {"type": "InternalIP", "address": "10.1.0.1"},
            ],
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "True"}],
        },
    }
    patch = {
        "spec": {"podCIDRs": ["fd00::/64"], "taints": [{"key": "b", "effect": "NoExecute"}]},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "10.1.0.2"}],
            "conditions": [{"type": "DiskPressure", "status": "False"}],
        },
    }
    patched = strategic_merge_patch(node, patch, NODE)
    assert without_empty(patched) == patched_by_kubectl(node, patch, tmp_path)


def without_empty(value: object) -> object:
    """Without empty objects and lists: kubectl prints the typed object, which leaves them out."""
    if isinstance(value, dict):
        kept = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in ({}, [], None)}
    return [without_empty(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("patch", "numbers"),
    [
        pytest.param(ports({"port": 1}), [1, 80, 443, 9000], id="a new one comes first"),
        pytest.param(ports({"port": 443}), [80, 443, 9000], id="a known one stays where it is"),
        pytest.param(ports({"port": 9000}, {"port": 80}), [443, 9000, 80], id="in the order of the patch"),
        pytest.param(ports(order=[{"port": 9000}, {"port": 80}]), [443, 9000, 80], id="an order alone"),
        pytest.param(
            ports({"port": 1}, order=[{"port": 80}, {"port": 1}, {"port": 443}]),
            [80, 1, 443, 9000],
            id="ordered",
        ),
        pytest.param(
            ports({"port": 1}, {"port": 80, "$patch": "delete"}), [1, 443, 9000], id="deleted and new"
        ),
        pytest.param(
            ports({"port": 1}, {"port": 80, "$patch": "delete"}, order=[{"port": 1}]),
            [443, 9000, 1],
            id="deleted and new, with an order",
        ),
        pytest.param(
            ports({"port": 80, "$patch": "delete"}, order=[{"port": 80}]),
            [443, 9000],
            id="deleted though ordered",
        ),
        pytest.param(ports({"$patch": "replace"}, {"port": 2}, {"port": 1}), [2, 1], id="replaced"),
    ],
)
def test_order_of_merged_ports(patch: dict[str, object], numbers: list[int]) -> None:
    spec = strategic_merge_patch(WEB, patch, SERVICE)["spec"]
    assert isinstance(spec, dict)
    assert [port["port"] for port in spec["ports"]] == numbers


KEY53: dict[str, object] = {"port": 53}


@pytest.mark.parametrize(
    ("current", "patch", "expected"),
    [
        pytest.param(
            [DNS_TCP], ports(DNS, order=[KEY53, KEY53]), [DNS_TCP, DNS], id="the other protocol is added"
        ),
        pytest.param([DNS_TCP], ports(DNS_TCP, DNS), [DNS_TCP, DNS], id="both in a patch by hand"),
        pytest.param(
            [DNS_TCP],
            ports({"port": 53, "protocol": "UDP", "name": "dns"}, order=[KEY53]),
            [DNS],
            id="the protocol changes",
        ),
        pytest.param(
            [DNS_TCP],
            ports({"port": 53, "protocol": "TCP", "targetPort": 1}, order=[KEY53, KEY53]),
            [{**DNS_TCP, "targetPort": 1}],
            id="the same protocol is not added",
        ),
        pytest.param(
            [DNS_TCP, DNS],
            ports({"port": 53, "protocol": "UDP", "targetPort": 5353}),
            [DNS_TCP, {**DNS, "targetPort": 5353}],
            id="one of two, named by its protocol",
        ),
        pytest.param(
            [DNS_TCP, DNS],
            ports({"port": 53, "targetPort": 1}, {"port": 53, "targetPort": 2}, order=[KEY53, KEY53]),
            [{**DNS_TCP, "targetPort": 1}, {**DNS, "targetPort": 2}],
            id="both change, in order",
        ),
        pytest.param(
            [DNS_TCP, DNS],
            ports({"port": 53, "$patch": "delete"}, order=[KEY53]),
            [DNS_TCP],
            id="the last one goes",
        ),
        pytest.param(
            [DNS_TCP, DNS],
            ports(
                {"port": 53, "protocol": "UDP", "name": "dns"},
                {"port": 53, "$patch": "delete"},
                order=[KEY53],
            ),
            [DNS],
            id="the first one goes, as kubectl words it",
        ),
        pytest.param(
            [DNS_TCP, DNS, HTTP], ports({"port": 53, "$patch": "delete"}), [HTTP], id="without an order: both"
        ),
        pytest.param(
            [DNS_TCP, DNS],
            ports({"port": 53, "protocol": "TCP", "$patch": "delete"}),
            [DNS],
            id="deleted by protocol",
        ),
    ],
)
def test_two_protocols_on_one_port(
    current: list[object], patch: dict[str, object], expected: list[object]
) -> None:
    raw: dict[str, object] = {"spec": {"ports": current}}
    assert strategic_merge_patch(raw, patch, SERVICE) == {"spec": {"ports": expected}}


@pytest.mark.parametrize(
    ("kind", "raw", "patch", "expected"),
    [
        pytest.param(
            NODE,
            {"status": {"conditions": [{"type": "Ready", "reason": "x"}, {"type": "Disk", "reason": "y"}]}},
            {"status": {"conditions": [{"type": "Disk", "reason": "z"}]}},
            {"status": {"conditions": [{"type": "Ready", "reason": "x"}, {"type": "Disk", "reason": "z"}]}},
            id="node conditions by type, in the order that they had",
        ),
        pytest.param(
            NODE,
            {"spec": {"taints": [{"key": "a"}], "podCIDRs": ["10.0.0.0/24"]}},
            {"spec": {"taints": [{"key": "b"}], "podCIDRs": ["fd00::/64"]}},
            {"spec": {"taints": [{"key": "b"}], "podCIDRs": ["fd00::/64", "10.0.0.0/24"]}},
            id="taints are replaced, podCIDRs are a set",
        ),
        pytest.param(
            NODE,
            {"status": {"addresses": [{"type": "Hostname"}, {"type": "InternalIP", "address": "1"}]}},
            {
                "status": {
                    "addresses": [
                        {"type": "InternalIP", "address": "2"},
                        {"type": "Hostname", "$patch": "delete"},
                    ]
                }
            },
            {"status": {"addresses": [{"type": "InternalIP", "address": "2"}]}},
            id="node addresses by type",
        ),
        pytest.param(
            ENDPOINT_SLICE,
            {"ports": [{"name": "a", "port": 1}], "endpoints": [{"addresses": ["1"]}]},
            {"ports": [{"name": "b", "port": 2}], "endpoints": []},
            {"ports": [{"name": "b", "port": 2}], "endpoints": []},
            id="lists of a slice are replaced",
        ),
        pytest.param(
            ENDPOINTS,
            {"subsets": [{"ports": [{"port": 1}]}]},
            {"subsets": [{"ports": [{"port": 2}]}]},
            {"subsets": [{"ports": [{"port": 2}]}]},
            id="subsets are replaced",
        ),
        pytest.param(SERVICE, WEB, {"$patch": "delete"}, {}, id="all is deleted"),
        pytest.param(
            SERVICE,
            {"spec": {"a": 1, "b": 2, "c": 3}},
            {"spec": {"$retainKeys": ["a", "d"], "a": 9, "b": None, "d": 4}},
            {"spec": {"a": 9, "d": 4}},
            id="keys retained",
        ),
        pytest.param(
            SERVICE,
            {"metadata": {"finalizers": ["a", "b"]}},
            {"metadata": {"finalizers": ["c", "b"], "$deleteFromPrimitiveList/finalizers": ["a"]}},
            {"metadata": {"finalizers": ["c", "b"]}},
            id="a set of scalars",
        ),
        pytest.param(
            SERVICE,
            {"metadata": {"finalizers": ["a"]}},
            {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}},
            {"metadata": {"finalizers": []}},
            id="the last scalar is deleted",
        ),
        pytest.param(SERVICE, {}, ports(), {"spec": {}}, id="an empty object"),
        pytest.param(SERVICE, {}, {"spec": {"ports": []}}, {"spec": {"ports": []}}, id="an empty list"),
        pytest.param(
            SERVICE, WEB, {"$patch": "replace", "kind": "Service"}, {"kind": "Service"}, id="all is replaced"
        ),
        pytest.param(
            SERVICE,
            {"spec": {"selector": {"a": "b"}, "ports": [HTTP]}},
            {
                "spec": {
                    "selector": {"$patch": "merge", "c": "d"},
                    "ports": [{"$patch": "merge", "port": 80, "name": "x"}],
                }
            },
            {"spec": {"selector": {"a": "b", "c": "d"}, "ports": [{**HTTP, "name": "x"}]}},
            id="merge is what is done anyway",
        ),
        pytest.param(
            SERVICE,
            {"spec": {"ports": "x"}},
            ports(HTTP),
            {"spec": {"ports": [HTTP]}},
            id="a list over what is none",
        ),
        pytest.param(
            SERVICE,
            {"spec": 3},
            {"spec": {"type": "x"}},
            {"spec": {"type": "x"}},
            id="an object over a number",
        ),
        pytest.param(
            SERVICE,
            {},
            {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}},
            {"metadata": {}},
            id="nothing to delete from",
        ),
    ],
)
def test_merged_by_kind(
    kind: Kind, raw: dict[str, object], patch: dict[str, object], expected: dict[str, object]
) -> None:
    before = copy.deepcopy((raw, patch))
    assert strategic_merge_patch(raw, patch, kind) == expected
    assert (raw, patch) == before


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        pytest.param([HTTP], "must be an object", id="a list"),
        pytest.param({"spec": {"$patch": "x"}}, "spec: $patch must be", id="unknown directive"),
        pytest.param({"$patch": ["delete"]}, "the object: $patch must be", id="directive is a list"),
        pytest.param(
            ports({"port": 80, "$patch": "x"}), "spec.ports: $patch must be", id="unknown in an item"
        ),
        pytest.param(ports("x"), "spec.ports: must hold objects, not x", id="item is text"),
        pytest.param(ports(None), "spec.ports: must hold objects, not null", id="item is null"),
        pytest.param(ports(HTTPS, order=[{"port": 80}]), "does not list the items", id="order lacks an item"),
        pytest.param(
            ports(HTTPS, HTTP, order=[{"port": 80}, {"port": 443}]),
            "in their order",
            id="order is another one",
        ),
        pytest.param({"spec": {"$setElementOrder/ports": "x"}}, "must be a list, not x", id="order is text"),
        pytest.param(
            {"spec": {"$setElementOrder/selector": []}},
            "spec.selector: is no list that is merged",
            id="order of none",
        ),
        pytest.param(
            {"metadata": {"finalizers": ["b"], "$setElementOrder/finalizers": ["c"]}},
            "does not list the items",
            id="order of scalars lacks one",
        ),
        pytest.param({"metadata": {"finalizers": [["a"]]}}, "must hold scalars", id="a list of lists"),
        pytest.param(
            {"metadata": {"finalizers": [{}]}}, "metadata.finalizers: must hold scalars", id="no scalar"
        ),
        pytest.param(
            {"metadata": {"$deleteFromPrimitiveList/finalizers": "a"}},
            "must be a list, not a",
            id="deletions are text",
        ),
        pytest.param(
            {"spec": {"$retainKeys": "x"}}, "$retainKeys must be a list", id="retained keys are text"
        ),
        pytest.param(
            {"spec": {"$retainKeys": ["ports"], "type": "x"}},
            "does not list type",
            id="sets a key it does not retain",
        ),
    ],
)
def test_malformed(patch: object, said: str) -> None:
    with pytest.raises(PatchError) as caught:
        strategic_merge_patch(WEB, patch, SERVICE)
    assert said in str(caught.value)
    assert not isinstance(caught.value, PatchMismatch)


@pytest.mark.parametrize(
    ("raw", "patch"),
    [
        pytest.param(WEB, ports({"name": "x"}), id="in the patch"),
        pytest.param({"spec": {"ports": [{"name": "x"}]}}, ports(HTTP), id="in the object"),
        pytest.param(WEB, ports({"$patch": "delete"}), id="in a deletion"),
        pytest.param(WEB, ports(order=[{"name": "http"}]), id="in the order"),
    ],
)
def test_an_item_without_its_merge_key(raw: dict[str, object], patch: dict[str, object]) -> None:
    with pytest.raises(PatchMismatch, match=r"spec.ports: an item has no port"):
        strategic_merge_patch(raw, patch, SERVICE)


def test_nested_too_deeply() -> None:
    patch: dict[str, object] = {}
    for _ in range(5000):
        patch = {"a": patch}
    with pytest.raises(PatchError, match="too deeply"):
        strategic_merge_patch({}, patch, SERVICE)


NAMES = st.sampled_from(["a", "b", "c", "d"])
PORTS = st.lists(
    st.fixed_dictionaries(
        {"port": st.integers(1, 6)},
        optional={"name": NAMES, "targetPort": st.integers(1, 3), "protocol": NAMES},
    ),
    max_size=5,
    unique_by=lambda port: port["port"],
)
SERVICES = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.fixed_dictionaries(
            {}, optional={"labels": st.dictionaries(NAMES, NAMES), "finalizers": st.lists(NAMES, unique=True)}
        ),
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "ports": PORTS,
                "externalIPs": st.lists(NAMES),
                "selector": st.dictionaries(NAMES, NAMES),
            },
        ),
    },
)


@settings(deadline=None)
@given(SERVICES, SERVICES)
def test_the_difference_that_kubectl_sends_gives_what_was_wanted(
    live: Mapping[str, object], wanted: Mapping[str, object]
) -> None:
    patch = kubectl_diff(live, wanted)
    before = json.dumps((live, patch))
    # A list that becomes empty is one without items for the API.
    assert without_empty(strategic_merge_patch(live, patch, SERVICE)) == without_empty(wanted)
    assert json.dumps((live, patch)) == before

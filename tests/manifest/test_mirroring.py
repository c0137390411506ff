"""Legacy Endpoints become slices as the mirroring controller makes them (rule D6)."""

from __future__ import annotations

import copy
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userproxy.manifest.mirroring import MANAGED_BY, mirror, mirror_problems

SERVICE: dict[str, object] = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {}}
HTTP = {"name": "http", "port": 80, "protocol": "TCP"}
DNS = {"name": "dns", "port": 53, "protocol": "UDP"}


def endpoints(*subsets: object, **metadata: object) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "web", "namespace": "prod", **metadata},
        "subsets": list(subsets),
    }


def subset(
    *ready: str, not_ready: tuple[str, ...] = (), ports: tuple[object, ...] = (HTTP,)
) -> dict[str, object]:
    return {
        "addresses": [{"ip": ip} for ip in ready],
        "notReadyAddresses": [{"ip": ip} for ip in not_ready],
        "ports": list(ports),
    }


def ready_ips(endpoint_slice: dict[str, object]) -> list[tuple[str, bool]]:
    found = endpoint_slice["endpoints"]
    assert isinstance(found, list)
    return [(endpoint["addresses"][0], endpoint["conditions"]["ready"]) for endpoint in found]


def test_D6_a_slice_in_full() -> None:
    target = {"kind": "Pod", "namespace": "prod", "name": "web-0", "uid": "u"}
    raw = endpoints(
        {
            "addresses": [{"ip": "10.0.0.1", "hostname": "web-0", "nodeName": "n1", "targetRef": target}],
            "notReadyAddresses": [{"ip": "10.0.0.2", "hostname": "", "nodeName": None}],
            "ports": [{"port": 80, "name": "http", "appProtocol": "h2c"}, {"port": 81}],
        },
        uid="e1",
        labels={"app": "web", "kubernetes.io/service-name": "other"},
        annotations={
            "note": "kept",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
            "endpoints.kubernetes.io/last-change-trigger-time": "2024-01-01T00:00:00Z",
        },
    )
    (made,) = mirror(raw, SERVICE)
    metadata = made.pop("metadata")
    assert isinstance(metadata, dict)
    assert re.fullmatch(r"web-[bcdfghjklmnpqrstvwxz2456789]{5}", metadata.pop("name"))
    assert metadata == {
        "generateName": "web-",
        "namespace": "prod",
        "labels": {
            "app": "web",
            "kubernetes.io/service-name": "web",
            "endpointslice.kubernetes.io/managed-by": MANAGED_BY,
        },
        "annotations": {"note": "kept"},
        "ownerReferences": [
            {
                "apiVersion": "v1",
                "kind": "Endpoints",
                "name": "web",
                "uid": "e1",
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }
    assert made == {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "addressType": "IPv4",
        "ports": [
            {"name": "http", "port": 80, "protocol": "TCP", "appProtocol": "h2c"},
            {"name": "", "port": 81, "protocol": "TCP"},
        ],
        "endpoints": [
            {
                "addresses": ["10.0.0.1"],
                "conditions": {"ready": True},
                "hostname": "web-0",
                "nodeName": "n1",
                "targetRef": target,
            },
            {"addresses": ["10.0.0.2"], "conditions": {"ready": False}},
        ],
    }


@pytest.mark.parametrize(
    ("raw", "service"),
    [
        pytest.param(endpoints(subset("10.0.0.1")), None, id="no Service"),
        pytest.param(
            endpoints(subset("10.0.0.1")),
            {"spec": {"selector": {"app": "web"}}},
            id="Service with a selector",
        ),
        pytest.param(
            endpoints(subset("10.0.0.1"), labels={"endpointslice.kubernetes.io/skip-mirror": "true"}),
            SERVICE,
            id="skip-mirror",
        ),
        pytest.param(
            endpoints(subset("10.0.0.1"), annotations={"control-plane.alpha.kubernetes.io/leader": ""}),
            SERVICE,
            id="leader election",
        ),
        pytest.param(
            endpoints(subset("10.0.0.1"), deletionTimestamp="2024-01-01T00:00:00Z"),
            SERVICE,
            id="being deleted",
        ),
        pytest.param(endpoints(subset("10.0.0.1"), name=None), SERVICE, id="no name"),
        pytest.param(endpoints(subset("10.0.0.1"), name=""), SERVICE, id="empty name"),
        pytest.param(endpoints(subset()), SERVICE, id="no addresses"),
        pytest.param(endpoints(), SERVICE, id="no subsets"),
        pytest.param({**endpoints(), "subsets": None}, SERVICE, id="null subsets"),
    ],
)
def test_D6_not_mirrored(raw: dict[str, object], service: dict[str, object] | None) -> None:
    assert mirror(raw, service) == ()


@pytest.mark.parametrize(
    ("metadata", "service"),
    [
        pytest.param(
            {"labels": {"endpointslice.kubernetes.io/skip-mirror": "yes"}},
            SERVICE,
            id="skip-mirror is not true",
        ),
        pytest.param({}, {"spec": {"selector": {}}}, id="an empty selector is none"),
        pytest.param({}, {}, id="a Service without a spec"),
    ],
)
def test_D6_mirrored_all_the_same(metadata: dict[str, object], service: dict[str, object]) -> None:
    assert len(mirror(endpoints(subset("10.0.0.1"), **metadata), service)) == 1


def test_D6_one_slice_per_port_set_and_family() -> None:
    made = mirror(
        endpoints(
            subset("10.0.0.1", "fd00::1", ports=(HTTP, DNS)),
            subset("10.0.0.2", ports=(DNS, HTTP)),
            subset("10.0.0.3", ports=(HTTP,)),
            subset("10.0.0.4", ports=()),
        ),
        SERVICE,
    )
    assert [(each["addressType"], each["ports"], ready_ips(each)) for each in made] == [
        ("IPv4", [HTTP, DNS], [("10.0.0.1", True), ("10.0.0.2", True)]),
        ("IPv6", [HTTP, DNS], [("fd00::1", True)]),
        ("IPv4", [HTTP], [("10.0.0.3", True)]),
        ("IPv4", [], [("10.0.0.4", True)]),
    ]
    names = {str(each["metadata"]) for each in made}
    assert len(names) == 4


@pytest.mark.spec("D2", "D3", "D6")
def test_Endpoints_that_are_not_complete_are_completed_on_the_way() -> None:
    ports = ({"port": 80, "protocol": ""}, {"port": 81, "protocol": None})
    (made,) = mirror(endpoints(subset("10.0.0.1", ports=ports), namespace=None), SERVICE)
    metadata = made["metadata"]
    assert isinstance(metadata, dict)
    assert metadata["namespace"] == "default"
    assert made["ports"] == [
        {"name": "", "port": 80, "protocol": "TCP"},
        {"name": "", "port": 81, "protocol": "TCP"},
    ]


@pytest.mark.spec("D6", "D8")
def test_addresses_are_canonical_and_the_later_of_two_alike_counts() -> None:
    made = mirror(
        endpoints(subset("010.0.0.001", "::ffff:10.0.0.2", "FD00:0::1", not_ready=("10.0.0.1",))), SERVICE
    )
    assert [ready_ips(each) for each in made] == [
        [("10.0.0.1", False), ("10.0.0.2", True)],
        [("fd00::1", True)],
    ]


def test_D6_one_address_with_two_targets_is_two_endpoints() -> None:
    addresses = [{"ip": "10.0.0.1", "targetRef": {"namespace": "prod", "name": name}} for name in "ab"]
    (made,) = mirror(endpoints({"addresses": addresses, "ports": [HTTP]}), SERVICE)
    assert ready_ips(made) == [("10.0.0.1", True)] * 2


def ips(count: int, start: int = 0) -> tuple[str, ...]:
    return tuple(f"10.0.{n // 250}.{n % 250 + 1}" for n in range(start, start + count))


def test_D6_a_subset_is_mirrored_up_to_1000_addresses_ready_ones_first() -> None:
    raw = endpoints(subset(*ips(999), not_ready=ips(3, start=999)))
    (made,) = mirror(raw, SERVICE)
    assert len(ready_ips(made)) == 1000
    assert ready_ips(made)[-1] == (ips(1, start=999)[0], False)
    (problem,) = mirror_problems(raw)
    assert problem.field == "subsets[0].notReadyAddresses"
    assert problem.rule == "D6"
    assert "up to 1000" in problem.message


def test_D6_a_slice_of_several_subsets_holds_1000_addresses() -> None:
    raw = endpoints(subset(*ips(600)), subset(*ips(600, start=600)))
    (made,) = mirror(raw, SERVICE)
    assert [ip for ip, _ in ready_ips(made)] == list(ips(1000))
    (problem,) = mirror_problems(raw)
    assert "1200 IPv4 addresses of several subsets" in problem.message


def test_D6_names_stay_while_addresses_and_port_numbers_change() -> None:
    def names(*subsets: object) -> list[object]:
        return [each["metadata"]["name"] for each in mirror(endpoints(*subsets), SERVICE)]  # type: ignore[index]  # raw objects are untyped

    first = names(subset("10.0.0.1", "fd00::1"), subset("10.0.0.1", ports=(DNS,)))
    assert first == names(subset("10.9.9.9", "fd00::9"), subset("10.0.0.1", ports=({"port": 99},)))
    assert names(subset("10.0.0.1")) == first[:1]
    (elsewhere,) = mirror(endpoints(subset("10.0.0.1"), namespace="test"), SERVICE)
    assert elsewhere["metadata"]["name"] != first[0]  # type: ignore[index]  # raw objects are untyped


def test_D6_a_name_of_63_characters_is_cut() -> None:
    (made,) = mirror(endpoints(subset("10.0.0.1"), name="w" * 63), SERVICE)
    metadata = made["metadata"]
    assert isinstance(metadata, dict)
    assert len(metadata["name"]) == 63
    assert metadata["labels"]["kubernetes.io/service-name"] == "w" * 63


@pytest.mark.parametrize(
    ("raw", "field", "value"),
    [
        pytest.param({**endpoints(), "subsets": "x"}, "subsets", "x", id="subsets"),
        pytest.param(endpoints(7), "subsets[0]", "7", id="subset"),
        pytest.param(endpoints({"addresses": 5}), "subsets[0].addresses", "5", id="addresses"),
        pytest.param(endpoints({"ports": {}}), "subsets[0].ports", "object of 0", id="ports"),
        pytest.param(endpoints(subset("10.0.0.1", "b")), "subsets[0].addresses[1].ip", "b", id="host name"),
        pytest.param(endpoints({"addresses": [None]}), "subsets[0].addresses[0].ip", "", id="null address"),
        pytest.param(
            endpoints({"notReadyAddresses": [{"ip": 4}]}),
            "subsets[0].notReadyAddresses[0].ip",
            "4",
            id="address is a number",
        ),
        pytest.param(endpoints(name=""), "metadata.name", "", id="no name"),
        pytest.param(endpoints(name=3), "metadata.name", "3", id="name is a number"),
    ],
)
def test_D6_what_is_left_out_is_a_problem(raw: dict[str, object], field: str, value: str) -> None:
    (problem,) = mirror_problems(raw, origin="web.yaml")
    assert (problem.field, problem.value, problem.rule, problem.origin) == (field, value, "D6", "web.yaml")
    assert problem.object.kind == "Endpoints"


def test_D6_a_bad_address_costs_nothing_else_and_a_good_object_has_no_problem() -> None:
    (made,) = mirror(endpoints(subset("x", "10.0.0.1"), None), SERVICE)
    assert ready_ips(made) == [("10.0.0.1", True)]
    assert mirror_problems(endpoints(subset("10.0.0.1"))) == ()
    assert len(mirror_problems(endpoints(subset(*["x"] * 500)))) == 100


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["10.0.0.1", "fd00::1", "web", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["ip", "name", "port", "ports", "addresses", "notReadyAddresses", "targetRef", "labels"]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "metadata": st.fixed_dictionaries({"name": st.just("web") | JSON}, optional={"labels": JSON})
            | JSON,
            "subsets": st.lists(JSON, max_size=3) | JSON,
        }
    ),
    JSON,
)
def test_D6_mirroring_never_raises_and_changes_no_input(raw: dict[str, object], spec: object) -> None:
    before = copy.deepcopy(raw)
    first = mirror(raw, {"spec": spec})
    mirror_problems(raw)
    assert raw == before
    assert mirror(raw, {"spec": spec}) == first

"""What a Service gets when it is created and updated (rules D1, D4), and which families it has."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userproxy.manifest.allocation import ClusterIPAllocator, NodePortAllocator
from userproxy.manifest.defaults import complete
from userproxy.manifest.field_errors import Reason
from userproxy.manifest.service_allocation import Allocated, ServiceAllocator
from userproxy.manifest.service_updates import carry_over
from userproxy.model.names import Family, NamespacedName

V4, V6 = "10.0.0.0/24", "fd00::/112"
HTTP = {"name": "http", "port": 80}
DNS = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]
WEB = NamespacedName("default", "web")
SELECTOR = {"selector": {"app": "web"}}


def allocator(*cidrs: str, ports: range = range(30000, 32768)) -> ServiceAllocator:
    return ServiceAllocator(ClusterIPAllocator(cidrs or (V4,)), NodePortAllocator(ports))


def service(name: str = "web", /, **spec: object) -> dict[str, object]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [HTTP], **spec}}


def create(to: ServiceAllocator, raw: Mapping[str, object]) -> Allocated:
    return to.allocate(complete(raw, default_family=to.default_family))


def update(to: ServiceAllocator, raw: Mapping[str, object], previous: Mapping[str, object]) -> Allocated:
    """As an API server stores an update."""
    return to.allocate(complete(carry_over(raw, previous), default_family=to.default_family), previous)


def spec_of(allocated: Allocated) -> dict[str, object]:
    assert allocated.errors == ()
    spec = allocated.service["spec"]
    assert isinstance(spec, dict)
    return spec


def node_ports(spec: Mapping[str, object]) -> list[object]:
    ports = spec["ports"]
    assert isinstance(ports, list)
    return [port.get("nodePort") for port in ports]


def families(spec: Mapping[str, object]) -> tuple[object, object]:
    return spec.get("ipFamilies"), spec.get("ipFamilyPolicy")


@pytest.mark.parametrize(
    ("cidrs", "spec", "expected"),
    [
        pytest.param([V4], {}, (["IPv4"], "SingleStack"), id="one family"),
        pytest.param([V6], {}, (["IPv6"], "SingleStack"), id="the family of the cluster"),
        pytest.param([V6, V4], {}, (["IPv6"], "SingleStack"), id="the first family of the cluster"),
        pytest.param(
            [V4, V6], {"ipFamilies": ["IPv6"]}, (["IPv6"], "SingleStack"), id="the family that it states"
        ),
        pytest.param(
            [V4, V6],
            {"ipFamilyPolicy": "PreferDualStack"},
            (["IPv4", "IPv6"], "PreferDualStack"),
            id="both preferred and there",
        ),
        pytest.param(
            [V4],
            {"ipFamilyPolicy": "PreferDualStack"},
            (["IPv4"], "PreferDualStack"),
            id="both preferred, one there",
        ),
        pytest.param(
            [V4, V6],
            {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6"]},
            (["IPv6", "IPv4"], "RequireDualStack"),
            id="both required, the stated one first",
        ),
        pytest.param(
            [V4, V6],
            {"clusterIP": "fd00::7", "ipFamilyPolicy": "PreferDualStack"},
            (["IPv6", "IPv4"], "PreferDualStack"),
            id="the stated address first",
        ),
    ],
)
def test_D4_families_and_addresses(
    cidrs: list[str], spec: dict[str, object], expected: tuple[object, object]
) -> None:
    allocated = spec_of(create(allocator(*cidrs), service(**spec)))
    assert families(allocated) == expected
    addresses = allocated["clusterIPs"]
    assert isinstance(addresses, list)
    assert allocated["clusterIP"] == addresses[0]
    assert [Family.IPV6 if ":" in address else Family.IPV4 for address in addresses] == expected[0]


@pytest.mark.parametrize(
    ("cidrs", "spec", "expected"),
    [
        pytest.param([V4], {}, (["IPv4", "IPv6"], "RequireDualStack"), id="without a selector: both, always"),
        pytest.param([V6], SELECTOR, (["IPv6"], "SingleStack"), id="with a selector: as the cluster"),
        pytest.param(
            [V4, V6],
            {**SELECTOR, "ipFamilyPolicy": "PreferDualStack"},
            (["IPv4", "IPv6"], "PreferDualStack"),
            id="with a selector, both preferred",
        ),
    ],
)
def test_D4_headless_gets_families_and_no_address(
    cidrs: list[str], spec: dict[str, object], expected: tuple[object, object]
) -> None:
    allocated = spec_of(create(allocator(*cidrs), service(clusterIP="None", **spec)))
    assert families(allocated) == expected
    assert allocated["clusterIPs"] == ["None"]


@pytest.mark.parametrize(
    ("cidrs", "spec", "field", "said"),
    [
        pytest.param(
            [V4],
            {"ipFamilyPolicy": "RequireDualStack"},
            "spec.ipFamilyPolicy",
            "only the family IPv4",
            id="no IPv6",
        ),
        pytest.param([V4], {"ipFamilies": ["IPv6"]}, "spec.ipFamilies[0]", "no range", id="family not there"),
        pytest.param([V4], {"ipFamilies": ["x"]}, "spec.ipFamilies[0]", "no range", id="no family at all"),
        pytest.param(
            [V4, V6],
            {"ipFamilies": ["IPv4", "IPv6"]},
            "spec.ipFamilyPolicy",
            "with several families",
            id="two families without a policy",
        ),
        pytest.param(
            [V4, V6],
            {"clusterIPs": ["10.0.0.1", "fd00::1"], "ipFamilyPolicy": "SingleStack"},
            "spec.ipFamilyPolicy",
            "with several cluster addresses",
            id="two addresses on a single stack",
        ),
        pytest.param(
            [V4, V6],
            {"ipFamilies": ["IPv4", "IPv4"], "ipFamilyPolicy": "PreferDualStack"},
            "spec.ipFamilies[1]",
            "Duplicate value",
            id="one family twice",
        ),
        pytest.param(
            [V4], {"clusterIP": "fd00::1"}, "spec.ipFamilies[0]", "no range", id="address of no range"
        ),
        pytest.param(
            [V4], {"clusterIP": "10.1.0.1"}, "spec.clusterIPs", "range 10.0.0.0/24", id="out of range"
        ),
        pytest.param([V4], {"clusterIP": "x"}, "spec.clusterIPs", "must be an IP address", id="no address"),
        pytest.param([V4], {"clusterIPs": [3]}, "spec.clusterIPs", "list of strings", id="no text"),
        pytest.param([V4], {"ipFamilies": "IPv4"}, "spec.ipFamilies", "list of strings", id="no list"),
        pytest.param([V4], {"ipFamilyPolicy": {}}, "spec.ipFamilyPolicy", "must be a string", id="no policy"),
    ],
)
def test_D4_what_cannot_be_allocated_is_an_error_and_changes_nothing(
    cidrs: list[str], spec: dict[str, object], field: str, said: str
) -> None:
    to = allocator(*cidrs)
    raw = complete(service(type="NodePort", **spec))
    allocated = to.allocate(raw)
    assert allocated.service == raw
    assert field in [error.field for error in allocated.errors]
    assert said in " ".join(map(str, allocated.errors))
    # Nothing was taken: every port is still there.
    assert spec_of(create(to, service("api", clusterIP="10.0.0.1", type="NodePort")))


def test_D4_an_address_of_another_service_is_refused_and_names_it() -> None:
    to = allocator()
    create(to, service("api", clusterIP="10.0.0.9"))
    refused = create(to, service(clusterIP="10.0.0.9"))
    (error,) = refused.errors
    assert str(error) == (
        'spec.clusterIPs: Invalid value: "10.0.0.9": is already allocated, to Service default/api'
    )
    to.release(NamespacedName("default", "api"))
    assert spec_of(create(to, service(clusterIP="10.0.0.9")))["clusterIP"] == "10.0.0.9"


def test_D4_stable_over_deletion_and_over_files_that_state_none() -> None:
    to = allocator()
    first = spec_of(create(to, service()))["clusterIP"]
    assert spec_of(create(to, service(type="NodePort")))["clusterIP"] == first
    to.release(WEB)
    for index in range(200):
        create(to, service(f"s{index}"))
    assert spec_of(create(to, service()))["clusterIP"] == first


def test_D4_exhaustion_is_an_error_of_its_own() -> None:
    to = allocator("10.0.0.0/30")
    create(to, service("a"))
    create(to, service("b"))
    (error,) = create(to, service("c")).errors
    assert error.reason is Reason.EXHAUSTED
    assert str(error) == "spec.clusterIPs: Internal error: nothing is free in 10.0.0.0/30"


def test_D4_ExternalName_gets_nothing() -> None:
    raw = service(type="ExternalName", externalName="example.com")
    completed = complete(raw)
    assert allocator().allocate(completed) == Allocated(completed)


def test_D1_node_ports_where_the_type_has_them() -> None:
    to = allocator()
    assert node_ports(spec_of(create(to, service("a")))) == [None]
    (port,) = node_ports(spec_of(create(to, service("b", type="NodePort"))))
    assert isinstance(port, int)
    assert 30000 <= port <= 32767
    balanced = spec_of(create(to, service("c", type="LoadBalancer")))
    assert node_ports(balanced) not in ([None], [port])
    assert "healthCheckNodePort" not in balanced
    without = service("d", type="LoadBalancer", allocateLoadBalancerNodePorts=False)
    assert node_ports(spec_of(create(to, without))) == [None]


def test_D1_a_health_check_port_for_external_policy_Local() -> None:
    to = allocator()
    local = {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}
    spec = spec_of(create(to, service(**local)))
    assert spec["healthCheckNodePort"] not in (None, *node_ports(spec))
    stated = spec_of(create(to, service("api", **local, healthCheckNodePort=30001)))
    assert stated["healthCheckNodePort"] == 30001
    (error,) = create(to, service("other", **local, healthCheckNodePort=30001)).errors
    assert (error.field, "default/api" in error.message) == ("spec.healthCheckNodePort", True)
    ports = [{**HTTP, "nodePort": 30002}]
    (error,) = create(to, service("twice", **local, ports=ports, healthCheckNodePort=30002)).errors
    assert (error.field, error.reason) == ("spec.healthCheckNodePort", Reason.DUPLICATE)


def test_D1_two_protocols_of_one_port_share_a_node_port_on_creation() -> None:
    first, second = node_ports(spec_of(create(allocator(), service(type="NodePort", ports=DNS))))
    assert first == second
    stated = [DNS[0], {**DNS[1], "nodePort": 30053}]
    assert node_ports(spec_of(create(allocator(), service(type="NodePort", ports=stated)))) == [30053, 30053]


def test_D1_two_protocols_may_state_one_node_port() -> None:
    ports = [{**port, "nodePort": 30053} for port in DNS]
    assert node_ports(spec_of(create(allocator(), service(type="NodePort", ports=ports)))) == [30053, 30053]


def test_D1_a_protocol_that_is_added_later_gets_a_node_port_of_its_own() -> None:
    to = allocator()
    created = create(to, service(type="NodePort", ports=DNS[:1]))
    first, second = node_ports(spec_of(update(to, service(type="NodePort", ports=DNS), created.service)))
    assert [first] == node_ports(spec_of(created))
    assert second not in (None, first)


def test_D1_a_port_stated_further_down_is_not_given_away() -> None:
    ports = [{"name": "a", "port": 1}, {"name": "b", "port": 2, "nodePort": 30001}]
    to = allocator(ports=range(30000, 30002))
    assert node_ports(spec_of(create(to, service(type="NodePort", ports=ports)))) == [30000, 30001]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        pytest.param(30001, "already allocated, to Service default/api", id="taken"),
        pytest.param(80, "not in the range 30000-32767", id="out of range"),
    ],
)
def test_D1_a_stated_node_port_that_cannot_be_had(number: int, said: str) -> None:
    to = allocator()
    create(to, service("api", type="NodePort", ports=[{**HTTP, "nodePort": 30001}]))
    (error,) = create(to, service(type="NodePort", ports=[{**HTTP, "nodePort": number}])).errors
    assert error.field == "spec.ports[0].nodePort"
    assert said in str(error)


def test_D1_node_ports_run_out() -> None:
    to = allocator(ports=range(30000, 30001))
    create(to, service("api", type="NodePort"))
    (error,) = create(to, service(type="NodePort")).errors
    assert (error.reason, error.field) == (Reason.EXHAUSTED, "spec.ports[0].nodePort")
    # The address that had been taken for it is free again.
    assert spec_of(create(to, service(clusterIP="10.0.0.1")))


def test_D4_a_dry_run_holds_nothing() -> None:
    to = allocator("10.0.0.0/30", ports=range(30000, 30001))
    for name in ("a", "b", "c"):
        assert to.allocate(complete(service(name, type="NodePort")), dry_run=True).errors == ()
    created = create(to, service("web", type="NodePort")).service
    to.allocate(complete(service(type="ExternalName")), created, dry_run=True)
    (error,) = create(to, service("d", type="NodePort")).errors
    assert error.reason is Reason.EXHAUSTED


def test_D4_an_update_keeps_what_it_leaves_out() -> None:
    to = allocator(V4, V6)
    raw = service(type="NodePort", ipFamilyPolicy="PreferDualStack", ports=[HTTP, {"name": "b", "port": 81}])
    created = create(to, raw)
    assert update(to, raw, created.service) == created
    # All of it is still held.
    for address in ("10.0.0.1", spec_of(created)["clusterIP"]):
        refused = create(to, service("api", clusterIP=address)).errors
        assert bool(refused) == (address == spec_of(created)["clusterIP"])
    ports = [{"name": "b", "port": 99}, {"name": "c", "port": 100}]
    updated = spec_of(update(to, service(type="NodePort", ports=ports), created.service))
    assert updated["clusterIPs"] == spec_of(created)["clusterIPs"]
    assert families(updated) == families(spec_of(created))
    assert node_ports(updated)[0] == node_ports(spec_of(created))[1]
    assert node_ports(updated)[1] not in (None, node_ports(updated)[0])


def test_D4_what_an_update_no_longer_uses_is_free() -> None:
    to = allocator("10.0.0.0/30", ports=range(30000, 30001))
    created = create(to, service(type="NodePort"))
    plain = update(
        to, {**created.service, "spec": {**spec_of(created), "type": "ClusterIP"}}, created.service
    )
    assert node_ports(spec_of(plain)) == [None]
    assert "externalTrafficPolicy" not in spec_of(plain)
    other = create(to, service("api", type="NodePort"))
    assert node_ports(spec_of(other)) == node_ports(spec_of(created))
    named = {**plain.service, "spec": {**spec_of(plain), "type": "ExternalName", "externalName": "a"}}
    gone = spec_of(update(to, named, plain.service))
    assert gone.keys().isdisjoint({"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"})
    assert spec_of(create(to, service("third")))["clusterIP"] == spec_of(plain)["clusterIP"]


def test_D4_from_ExternalName_to_ClusterIP() -> None:
    to = allocator()
    created = create(to, service(type="ExternalName", externalName="a"))
    assert families(spec_of(update(to, service(), created.service))) == (["IPv4"], "SingleStack")


def test_D4_one_family_becomes_two_and_one_again() -> None:
    to = allocator(V4, V6)
    single = create(to, service())
    dual = update(to, service(ipFamilyPolicy="RequireDualStack"), single.service)
    assert families(spec_of(dual)) == (["IPv4", "IPv6"], "RequireDualStack")
    addresses = spec_of(dual)["clusterIPs"]
    assert isinstance(addresses, list)
    first, second = addresses
    assert first == spec_of(single)["clusterIP"]
    back = update(
        to, {**dual.service, "spec": {**spec_of(dual), "ipFamilyPolicy": "SingleStack"}}, dual.service
    )
    assert families(spec_of(back)) == (["IPv4"], "SingleStack")
    assert spec_of(back)["clusterIPs"] == [first]
    assert spec_of(create(to, service("api", clusterIP=second)))["clusterIP"] == second


def test_D4_giving_up_a_family_takes_the_policy() -> None:
    to = allocator(V4, V6)
    dual = create(to, service(ipFamilyPolicy="RequireDualStack"))
    spec = {**spec_of(dual), "clusterIPs": [spec_of(dual)["clusterIP"]], "ipFamilies": ["IPv4"]}
    errors = update(to, {**dual.service, "spec": spec}, dual.service).errors
    assert [error.field for error in errors] == ["spec.ipFamilyPolicy"] * 2
    assert "must be 'SingleStack'" in errors[0].message


def test_D4_a_preference_does_not_follow_the_cluster() -> None:
    single = create(allocator(V4), service(ipFamilyPolicy="PreferDualStack"))
    dual_cluster = allocator(V4, V6)
    dual_cluster.allocate(single.service)
    again = update(dual_cluster, single.service, single.service)
    assert families(spec_of(again)) == (["IPv4"], "PreferDualStack")


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param({"metadata": {"name": "web", "namespace": "default"}}, id="no spec"),
        pytest.param({"spec": {}}, id="no metadata"),
        pytest.param({"metadata": {"name": 3, "namespace": "default"}, "spec": {}}, id="no name"),
        pytest.param({"metadata": "x", "spec": []}, id="no objects"),
    ],
)
def test_D4_what_has_no_name_or_spec_is_left_alone(raw: dict[str, object]) -> None:
    assert allocator().allocate(raw) == Allocated(raw)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 40000)
    | st.sampled_from(["", "None", "10.0.0.1", "IPv4", "web"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["port", "nodePort", "name", "protocol"]), inner)
    ),
    max_leaves=8,
)
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]) | JSON,
        "clusterIP": st.sampled_from(["None", "10.0.0.1", "fd00::1"]) | JSON,
        "clusterIPs": JSON,
        "ipFamilies": st.lists(st.sampled_from(["IPv4", "IPv6"])) | JSON,
        "ipFamilyPolicy": st.sampled_from(["SingleStack", "PreferDualStack", "RequireDualStack"]) | JSON,
        "ports": st.lists(st.fixed_dictionaries({"port": st.integers(1, 3)}, optional={"nodePort": JSON}))
        | JSON,
        "externalTrafficPolicy": st.sampled_from(["Local", "Cluster"]),
        "healthCheckNodePort": JSON,
    },
)


@pytest.mark.spec("D4")
@settings(deadline=None)
@given(SPECS, SPECS)
def test_allocating_never_raises_changes_no_input_and_is_stable(
    first: dict[str, object], second: dict[str, object]
) -> None:
    to = allocator(V4, V6)
    raws = [service("web", **first), service("web", **second)]
    before = copy.deepcopy(raws)
    stored = create(to, raws[0])
    if not stored.errors:
        assert to.allocate(stored.service, stored.service) == stored
        updated = update(to, raws[1], stored.service)
        if not updated.errors:
            assert update(to, updated.service, updated.service) == updated
    assert raws == before

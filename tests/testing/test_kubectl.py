"""The API server against the real kubectl: what people and scripts do to a cluster."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path

import pytest
import trustme

from tests.testing.kubectl_runner import Kubectl, needs_kubectl
from userproxy.testing import ApiServer
from userproxy.testing.objects import endpoint_slice, endpoints, namespace, node, service

pytestmark = needs_kubectl

WEB = (
    service("web", "http:80", clusterIP="10.96.0.10"),
    endpoint_slice("web", ["127.0.0.1:9000", "127.0.0.2:9000"], port_name="http"),
)
LIST = {"apiVersion": "v1", "kind": "List", "items": list(WEB)}


@pytest.fixture
def kubectl(server: ApiServer, tmp_path: Path) -> Kubectl:
    return Kubectl(tmp_path, server.kubeconfig(tmp_path / "config"))


async def stored(server: ApiServer, kind: str, name: str) -> dict[str, object]:
    found = await server.get(kind, name)
    assert found is not None
    return found


async def spec_of(server: ApiServer, name: str = "web") -> dict[str, object]:
    spec = (await stored(server, "Service", name))["spec"]
    assert isinstance(spec, dict)
    return spec


async def metadata_of(server: ApiServer, kind: str, name: str) -> dict[str, object]:
    metadata = (await stored(server, kind, name))["metadata"]
    assert isinstance(metadata, dict)
    return metadata


async def ports_of(server: ApiServer) -> list[tuple[str, int]]:
    ports = (await spec_of(server))["ports"]
    assert isinstance(ports, list)
    return [(port.get("name", ""), port["port"]) for port in ports]


async def test_apply_creates_then_changes_then_leaves_alone(server: ApiServer, kubectl: Kubectl) -> None:
    first = await kubectl("apply", "-f", "-", given=LIST)
    assert first.out == "service/web created\nendpointslice.discovery.k8s.io/web created\n"
    changed = service("web", "http:81", "dns:53/UDP", clusterIP="10.96.0.10")
    assert (await kubectl("apply", "-f", "-", given=changed)).out == "service/web configured\n"
    assert await ports_of(server) == [("http", 81), ("dns", 53)]
    version = server.resource_version
    assert (await kubectl("apply", "-f", "-", given=changed)).out == "service/web unchanged\n"
    assert server.resource_version == version


async def test_get_in_every_form(server: ApiServer, kubectl: Kubectl) -> None:
    await server.apply(*WEB)
    table = (await kubectl("get", "svc")).rows
    assert table[0] == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
    assert table[1][:5] == ["web", "ClusterIP", "10.96.0.10", "<none>", "80/TCP"]
    wide = (await kubectl("get", "svc", "web", "-o", "wide")).rows
    assert (wide[0][-1], wide[1][-1]) == ("SELECTOR", "<none>")
    assert "clusterIP: 10.96.0.10" in (await kubectl("get", "svc/web", "-o", "yaml")).out
    assert (await kubectl("get", "svc", "web", "-o", "json")).json["kind"] == "Service"
    assert (
        await kubectl("get", "endpointslices", "-o", "name")
    ).out == "endpointslice.discovery.k8s.io/web\n"
    several = (await kubectl("get", "svc,endpointslices", "--no-headers")).rows
    assert [row[0] for row in several if row] == ["service/web", "endpointslice.discovery.k8s.io/web"]
    assert several[-1][1:4] == ["IPv4", "9000", "127.0.0.1,127.0.0.2"]


async def test_get_by_namespace_selector_field_and_page(server: ApiServer, kubectl: Kubectl) -> None:
    await server.apply(*(service(f"s{n}", 80, labels={"n": str(n)}) for n in range(3)))
    await server.apply(service("other", 80, namespace="shop"))
    names = [row[:2] for row in (await kubectl("get", "svc", "-A", "--no-headers", "--chunk-size=1")).rows]
    assert names == [["default", "s0"], ["default", "s1"], ["default", "s2"], ["shop", "other"]]
    assert len(server.requests.of("list", "services")) == 4
    assert (await kubectl("get", "svc", "-n", "shop", "-o", "name")).out == "service/other\n"
    assert (await kubectl("get", "svc", "-l", "n in (1,2)", "-o", "name")).out == "service/s1\nservice/s2\n"
    by_field = await kubectl("get", "svc", "--field-selector", "metadata.name=s0", "-o", "name")
    assert by_field.out == "service/s0\n"
    assert (await kubectl("get", "svc", "-n", "empty")).errors == "No resources found in empty namespace.\n"


async def test_get_what_is_not_there(kubectl: Kubectl) -> None:
    missing = await kubectl.tried("get", "svc", "nope")
    assert (missing.code, missing.errors) == (1, 'Error from server (NotFound): services "nope" not found\n')
    unknown = await kubectl.tried("get", "secrets")
    assert (unknown.code, unknown.errors) == (
        1,
        'error: the server doesn\'t have a resource type "secrets"\n',
    )


@pytest.mark.parametrize(
    ("type_", "patch"),
    [
        pytest.param("strategic", {"spec": {"ports": [{"port": 443, "name": "https"}]}}, id="strategic"),
        pytest.param(
            "merge",
            {"spec": {"ports": [{"port": 443, "name": "https"}, {"port": 80, "name": "http"}]}},
            id="merge",
        ),
        pytest.param(
            "json",
            [{"op": "add", "path": "/spec/ports/0", "value": {"port": 443, "name": "https"}}],
            id="json",
        ),
    ],
)
async def test_patch(server: ApiServer, kubectl: Kubectl, type_: str, patch: object) -> None:
    await server.apply(service("web", "http:80"))
    done = await kubectl("patch", "svc", "web", "--type", type_, "-p", json.dumps(patch))
    assert done.out == "service/web patched\n"
    assert sorted(await ports_of(server)) == [("http", 80), ("https", 443)]


async def test_patch_of_the_status(server: ApiServer, kubectl: Kubectl) -> None:
    await server.apply(service("web", 80, type="LoadBalancer"))
    assert (await kubectl("get", "svc", "--no-headers")).rows[0][3] == "<pending>"
    patch = '{"status":{"loadBalancer":{"ingress":[{"ip":"1.2.3.4"}]}}}'
    await kubectl("patch", "svc", "web", "--subresource=status", "--type=merge", "-p", patch)
    assert (await kubectl("get", "svc", "--no-headers")).rows[0][3] == "1.2.3.4"


async def test_watch_shows_changes_as_rows(server: ApiServer, kubectl: Kubectl) -> None:
    await server.apply(service("web", 80, clusterIP="10.96.0.10"))
    async with kubectl.following("get", "svc", "--watch", "--output-watch-events", "--no-headers") as lines:
        assert (await lines.readline()).split()[:2] == [b"ADDED", b"web"]
        await server.watched("services")
        await server.apply(service("web", 81))
        assert (await lines.readline()).split()[:6:5] == [b"MODIFIED", b"81/TCP"]
        await server.delete("Service", "web")
        assert (await lines.readline()).split()[:2] == [b"DELETED", b"web"]


async def test_watch_of_objects_and_of_one_name(server: ApiServer, kubectl: Kubectl) -> None:
    await server.apply(*WEB)
    async with kubectl.following("get", "endpointslices", "web", "--watch-only", "-o", "name") as lines:
        await server.watched("endpointslices")
        await server.apply(endpoint_slice("other", ["127.0.0.1:80"]), endpoint_slice("web", ["127.0.0.1:80"]))
        assert await lines.readline() == b"endpointslice.discovery.k8s.io/web\n"


async def test_delete(server: ApiServer, kubectl: Kubectl) -> None:
    await server.apply(service("a", 80), service("b", 80), service("c", 80), node("n"))
    assert (await kubectl("delete", "svc", "a")).out == 'service "a" deleted\n'
    assert (await kubectl("delete", "node/n")).out == 'node "n" deleted\n'
    assert (await kubectl("delete", "svc", "--all")).out == 'service "b" deleted\nservice "c" deleted\n'
    assert await server.list("Service") == ()
    assert (await kubectl("delete", "svc", "a", "--ignore-not-found")).out == ""


async def test_delete_waits_for_a_namespace_with_contents(server: ApiServer, kubectl: Kubectl) -> None:
    await server.apply(service("web", 80, namespace="shop"))
    assert (await kubectl("delete", "namespace", "shop")).out == 'namespace "shop" deleted\n'
    assert await server.list("Service") == ()
    protected = await kubectl.tried("delete", "namespace", "default")
    assert 'namespaces "default" is forbidden' in protected.errors


async def test_create_from_files_and_by_itself(server: ApiServer, kubectl: Kubectl) -> None:
    assert (await kubectl("create", "-f", "-", given=service("web", 80))).out == "service/web created\n"
    twice = await kubectl.tried("create", "-f", "-", given=service("web", 80))
    assert 'Error from server (AlreadyExists): error when creating "STDIN": services "web"' in twice.errors
    # These two come in protobuf from kubectl 1.32 on.
    assert (await kubectl("create", "namespace", "shop")).out == "namespace/shop created\n"
    created = await kubectl("create", "service", "nodeport", "np", "--tcp=80:8080", "--node-port=30001")
    assert created.out == "service/np created\n"
    assert (await spec_of(server, "np"))["ports"] == [
        {"name": "80-8080", "port": 80, "protocol": "TCP", "targetPort": 8080, "nodePort": 30001}
    ]
    nowhere = await kubectl.tried("create", "-f", "-", given=service("web", 80, namespace="nowhere"))
    assert 'namespaces "nowhere" not found' in nowhere.errors


async def test_replace_and_its_conflict(server: ApiServer, kubectl: Kubectl) -> None:
    (old,) = await server.apply(service("web", 80))
    assert (await kubectl("replace", "-f", "-", given=service("web", 81))).out == "service/web replaced\n"
    stale = await kubectl.tried("replace", "-f", "-", given=old)
    assert "Error from server (Conflict)" in stale.errors
    assert "the object has been modified" in stale.errors


async def test_edit(server: ApiServer, kubectl: Kubectl) -> None:
    await server.apply(service("web", "http:80"))
    edited = await kubectl("edit", "svc", "web", editor="sed -i s/http/web/")
    assert edited.out == "service/web edited\n"
    assert await ports_of(server) == [("web", 80)]


async def test_label_annotate_cordon_and_taint(server: ApiServer, kubectl: Kubectl) -> None:
    await server.apply(service("web", 80), node("n"))
    await kubectl("label", "svc", "web", "tier=front")
    await kubectl("annotate", "svc", "web", "userproxy.dev/balancer=least-connections")
    metadata = await metadata_of(server, "Service", "web")
    assert metadata["labels"] == {"tier": "front"}
    assert metadata["annotations"] == {"userproxy.dev/balancer": "least-connections"}
    await kubectl("label", "svc", "web", "tier-")
    assert not (await metadata_of(server, "Service", "web")).get("labels")
    await kubectl("label", "node", "n", "topology.kubernetes.io/zone=a")
    await kubectl("taint", "node", "n", "key=value:NoSchedule")
    await kubectl("cordon", "n")
    assert (await kubectl("get", "nodes", "--no-headers")).rows[0][:2] == ["n", "Unknown,SchedulingDisabled"]
    assert (await stored(server, "Node", "n"))["spec"] == {
        "taints": [{"key": "key", "value": "value", "effect": "NoSchedule"}],
        "unschedulable": True,
    }


async def test_unknown_fields_are_refused_warned_of_or_ignored(kubectl: Kubectl) -> None:
    raw = service("web", 80, portz=1)
    for given in (raw, {"apiVersion": "v1", "kind": "List", "items": [raw]}):
        refused = await kubectl.tried("apply", "-f", "-", given=given)
        assert refused.code == 1
        assert 'strict decoding error: unknown field "spec.portz"' in refused.errors
    warned = await kubectl("apply", "--validate=warn", "-f", "-", given=raw)
    assert (warned.out, warned.errors) == ("service/web created\n", 'Warning: unknown field "spec.portz"\n')
    assert (await kubectl("apply", "--validate=ignore", "-f", "-", given=raw)).errors == ""


async def test_invalid_objects_are_refused_with_the_field(kubectl: Kubectl) -> None:
    refused = await kubectl.tried("apply", "-f", "-", given=service("web", "a:80", "a:81"))
    assert refused.code == 1
    assert 'The Service "web" is invalid: spec.ports[1].name: Duplicate value: "a"' in refused.errors
    wrong = await kubectl.tried("apply", "-f", "-", given=service("web", {"port": "http"}))
    assert "spec.ports[0].port: expected a number, found a string" in wrong.errors


async def test_dry_runs_keep_nothing(server: ApiServer, kubectl: Kubectl) -> None:
    version = server.resource_version
    done = await kubectl("apply", "--dry-run=server", "-f", "-", given=service("web", 80))
    assert done.out == "service/web created (server dry run)\n"
    assert server.resource_version == version
    await kubectl("apply", "-f", "-", given=service("web", "http:80"))
    difference = await kubectl.tried("diff", "-f", "-", given=service("web", "http:81"))
    assert difference.code == 1, difference
    assert {"-    port: 80", "+    port: 81"} <= set(difference.out.splitlines())
    assert await ports_of(server) == [("http", 80)]


async def test_server_side_apply_is_said_not_to_be_there(kubectl: Kubectl) -> None:
    refused = await kubectl.tried("apply", "--server-side", "-f", "-", given=service("web", 80))
    assert refused.code == 1
    assert "Server-side apply not available on the server" in refused.errors
    assert "application/strategic-merge-patch+json" in refused.errors


async def test_D6_endpoints_show_up_as_slices(server: ApiServer, kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", "-", given=service("web", 80))
    await kubectl("apply", "-f", "-", given=endpoints("web", ["127.0.0.1:9000"]))
    assert (await kubectl("get", "ep", "--no-headers")).rows[0][:2] == ["web", "127.0.0.1:9000"]
    assert (await kubectl("get", "endpointslices", "--no-headers")).rows[0][1:4] == [
        "IPv4",
        "9000",
        "127.0.0.1",
    ]
    await kubectl("delete", "ep", "web")
    assert (await kubectl("get", "endpointslices", "-o", "name")).out == ""


async def test_describe_and_explain(server: ApiServer, kubectl: Kubectl) -> None:
    # kubectl reads slices from 1.31 on, Endpoints before.
    await server.apply(WEB[0], endpoints("web", ["127.0.0.1:9000", "127.0.0.2:9000"], port_name="http"))
    described = (await kubectl("describe", "svc", "web")).rows
    assert ["Port:", "http", "80/TCP"] in described
    assert ["Endpoints:", "127.0.0.1:9000,127.0.0.2:9000"] in described
    assert "nodePort\t<integer>" in (await kubectl("explain", "service.spec.ports")).out


async def test_wait(server: ApiServer, kubectl: Kubectl) -> None:
    await server.apply(namespace("shop"))
    await kubectl("wait", "--for=jsonpath={.status.phase}=Active", "namespace/shop")
    waiting = asyncio.create_task(kubectl("wait", "--for=delete", "namespace/shop"))
    await server.watched("namespaces")
    await server.delete("Namespace", "shop")
    assert (await waiting).code == 0


async def test_resources_version_and_health(kubectl: Kubectl) -> None:
    names = [row[0] for row in (await kubectl("api-resources", "--no-headers")).rows]
    assert sorted(names) == ["endpoints", "endpointslices", "namespaces", "nodes", "pods", "services"]
    assert '"gitVersion": "v1.32.0"' in (await kubectl("version", "-o", "json")).out
    assert (await kubectl("get", "--raw", "/readyz")).out == "ok"


async def test_a_token_in_the_kubeconfig(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    # kubectl sends no credentials over plain HTTP.
    async with ApiServer(ssl_context=context, certificate_authority=authority.cert_pem.bytes()) as server:
        server.require_token(lambda token: token == "right")
        right = Kubectl(tmp_path, server.kubeconfig(tmp_path / "right", token="right"))
        assert (await right("get", "svc")).code == 0
        wrong = Kubectl(tmp_path, server.kubeconfig(tmp_path / "wrong", token="wrong"))
        refused = await wrong.tried("get", "svc")
        assert refused.code == 1
        assert "You must be logged in to the server" in refused.errors

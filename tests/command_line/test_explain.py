"""``userproxy explain``: from files and from a cluster, as text and as JSON; exit codes."""

from __future__ import annotations

import json
from asyncio import to_thread
from pathlib import Path

import yaml

from tests.command_line.process import userproxy
from userproxy.testing import ApiServer
from userproxy.testing.objects import endpoint_slice, service

FIELDS = [
    "namespace", "service", "port_name", "protocol", "family", "service_port", "listen_address",
    "listen_port", "ignored", "cluster_ip", "node_port", "external_ips", "load_balancer_ips",
    "source_ranges", "session_affinity_seconds", "internal_traffic_policy", "external_traffic_policy",
    "health_check_node_port", "cluster", "local", "endpoints", "unreachable",
]  # fmt: skip


def write(folder: Path, *objects: dict[str, object]) -> Path:
    path = folder / "objects.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    return path


def test_json_has_every_field_in_order(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        service("web", "http:80", internalTrafficPolicy="Local"),
        endpoint_slice("web", ["10.0.0.1:8080"], port_name="http", nodeName="here"),
        endpoint_slice("web", ["10.0.0.2:8080"], port_name="http", nodeName="there", name="web-2"),
    )
    done = userproxy(tmp_path, "explain", "-f", file, "-o", "json", "--node-name", "here")
    assert done.returncode == 0
    [row] = json.loads(done.stdout)
    assert list(row) == FIELDS
    assert row["local"] == ["10.0.0.1:8080"]
    assert row["cluster"] is None
    assert row["endpoints"] == [
        {"endpoint": "10.0.0.1:8080", "ready": True, "serving": True, "terminating": False, "local": True,
         "reason": None, "reached": "direct"},
        {"endpoint": "10.0.0.2:8080", "ready": True, "serving": True, "terminating": False, "local": False,
         "reason": "not on this node (policy Local)", "reached": "direct"},
    ]  # fmt: skip


def test_text_says_where_and_why(tmp_path: Path) -> None:
    file = write(
        tmp_path, service("web", 80), endpoint_slice("web", ["10.0.0.1:8080", "10.0.0.2:8080"], ready=False)
    )
    done = userproxy(tmp_path, "explain", "-f", file)
    assert done.returncode == 0
    assert "default/web 80/TCP IPv4  at 127.117.209.100:80" in done.stdout
    assert done.stdout.count("not ready") >= 2
    assert "\x1b[" not in done.stdout


def test_one_service_by_name(tmp_path: Path) -> None:
    file = write(tmp_path, service("web", 80), service("db", 5432, namespace="shop"))
    done = userproxy(tmp_path, "explain", "shop/db", "-f", file, "-o", "json")
    assert [row["service"] for row in json.loads(done.stdout)] == ["db"]
    done = userproxy(tmp_path, "explain", "db", "-n", "shop", "-f", file, "-o", "json")
    assert [row["service"] for row in json.loads(done.stdout)] == ["db"]
    done = userproxy(tmp_path, "explain", "nope", "-f", file)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "userproxy: there is no Service default/nope\n"


def test_S1_ignored_services_show_with_the_reason(tmp_path: Path) -> None:
    file = write(tmp_path, service("headless", 80, clusterIP="None"), service("web", 80))
    done = userproxy(tmp_path, "explain", "-f", file, "-o", "json")
    ignored = {row["service"]: row["ignored"] for row in json.loads(done.stdout)}
    assert ignored["web"] is None
    assert "None" in ignored["headless"]


async def test_S1_from_a_cluster_it_lists_without_selectors(tmp_path: Path) -> None:
    async with ApiServer() as server:
        await server.apply(service("web", 80))
        await server.apply(service("headless", 80, clusterIP="None"))
        labels = {"service.kubernetes.io/service-proxy-name": "other"}
        await server.apply(service("foreign", 80, labels=labels))
        done = await to_thread(userproxy, tmp_path, "explain", "--server", server.url, "-o", "json")
    assert done.returncode == 0
    rows = {row["service"]: row for row in json.loads(done.stdout)}
    assert set(rows) == {"web", "headless", "foreign"}
    assert rows["web"]["ignored"] is None
    assert rows["web"]["cluster_ip"].startswith("10.96.")
    assert rows["headless"]["ignored"]
    assert rows["foreign"]["ignored"]


def test_an_unparsable_file_is_exit_code_1_and_the_rest_is_explained(tmp_path: Path) -> None:
    write(tmp_path, service("web", 80))
    (tmp_path / "bad.yaml").write_text("{")
    done = userproxy(tmp_path, "explain", "-f", tmp_path)
    assert done.returncode == 1
    assert "default/web" in done.stdout
    assert "bad.yaml" in done.stdout


def test_an_unreachable_server_is_exit_code_1_and_one_line(tmp_path: Path) -> None:
    done = userproxy(tmp_path, "explain", "--server", "http://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "127.0.0.1:1" in done.stderr


async def test_a_server_that_is_no_kubernetes_is_said_so(tmp_path: Path) -> None:
    from userproxy.testing.backends.http import HttpBackend

    async with HttpBackend("nginx") as other:
        url = f"http://{other.endpoint}"
        done = await to_thread(userproxy, tmp_path, "explain", "--server", url)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "Kubernetes" in done.stderr


def test_the_order_of_services_is_by_name(tmp_path: Path) -> None:
    file = write(tmp_path, *(service(name, 80) for name in ("c", "a", "b")))
    done = userproxy(tmp_path, "explain", "-f", file, "-o", "json")
    assert [row["service"] for row in json.loads(done.stdout)] == ["a", "b", "c"]

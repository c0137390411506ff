"""``userproxy hosts`` and ``userproxy env`` from a source: what would be served, by name."""

from __future__ import annotations

import json
import subprocess
from asyncio import to_thread
from pathlib import Path

import pytest

from tests.command_line.process import running, userproxy, wrong_usage
from tests.command_line.test_run import manifest
from userproxy.testing.objects import endpoint_slice, service

WEB = "127.145.179.210"
"""Where shop/web is, by its name (rule L1)."""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(
        manifest(
            service("web", "http:8080", "dns:1053/UDP", namespace="shop"),
            endpoint_slice("web", ["10.0.0.1:80"], namespace="shop", port_name="http"),
            service("web", 81, namespace="bank"),
            service("mail", namespace="bank", type="ExternalName", externalName="mail.example.com"),
        )
    )
    return path


def test_hosts_prints_lines_and_says_what_is_missing(tmp_path: Path, shop: Path) -> None:
    options = ("-f", shop, "-n", "shop", "-n", "bank", "--cluster-domain", "K8s.example.")
    done = userproxy(tmp_path, "hosts", *options)
    assert done.returncode == 0
    assert done.stdout.splitlines()[1] == f"{WEB}\tweb.shop.svc.k8s.example web.shop.svc web.shop web"
    assert done.stderr.splitlines() == [
        "userproxy: web: is the name of Service shop/web; for Service bank/web use web.bank.svc.k8s.example",
        "userproxy: mail.bank: stands for mail.example.com, and a hosts file has no aliases; --dns answers"
        " with it",
    ]


def test_env_is_what_a_shell_reads(tmp_path: Path, shop: Path) -> None:
    done = userproxy(tmp_path, "env", "-f", shop, "-n", "shop")
    script = f'set -eu\n{done.stdout}\necho "$WEB_SERVICE_HOST:$WEB_SERVICE_PORT_DNS $WEB_PORT_8080_TCP"'
    told = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout == f"{WEB}:1053 tcp://{WEB}:8080\n"
    assert done.stdout.startswith("export WEB_SERVICE_HOST=")


def test_env_as_a_file_and_as_an_object(tmp_path: Path, shop: Path) -> None:
    lines = userproxy(tmp_path, "env", "-f", shop, "-n", "shop", "-o", "dotenv").stdout.splitlines()
    found = json.loads(userproxy(tmp_path, "env", "-f", shop, "-n", "shop", "-o", "json").stdout)
    assert [line.split("=", 1) for line in lines] == [[name, value] for name, value in found.items()]
    assert found["WEB_SERVICE_PORT"] == "8080"


def test_env_without_a_namespace_is_that_of_default(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(manifest(service("api", 9000), service("web", 80, namespace="shop")))
    done = userproxy(tmp_path, "env", "-f", tmp_path / "m.yaml", "-o", "json")
    assert {name.split("_")[0] for name in json.loads(done.stdout)} == {"API"}


def test_a_name_that_no_shell_has_is_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(manifest(service("8ball", 9000)))
    done = userproxy(tmp_path, "env", "-f", tmp_path / "m.yaml")
    assert (done.returncode, done.stdout) == (0, "")
    assert "8BALL_SERVICE_HOST: no shell has variables of such a name" in done.stderr
    as_object = userproxy(tmp_path, "env", "-f", tmp_path / "m.yaml", "-o", "json")
    assert json.loads(as_object.stdout)["8BALL_SERVICE_PORT"] == "9000"


def test_what_cannot_be_read_is_exit_code_1(tmp_path: Path, shop: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("kind: [")
    for command in ("hosts", "env"):
        done = userproxy(tmp_path, command, "-f", shop, "-f", broken)
        assert done.returncode == 1


@pytest.mark.parametrize("domain", ["", ".", "a_b", "-x", "a..b", "a" * 58])
def test_a_cluster_domain_of_a_wrong_form_is_refused(tmp_path: Path, shop: Path, domain: str) -> None:
    said = wrong_usage(tmp_path, "hosts", "-f", shop, f"--cluster-domain={domain}")
    assert "cluster domain" in said


@pytest.mark.parametrize("command", ["hosts", "env"])
def test_numbers_that_the_kernel_chooses_are_not_known(tmp_path: Path, shop: Path, command: str) -> None:
    said = wrong_usage(tmp_path, command, "-f", shop, "--addresses", "ephemeral")
    assert "the kernel chooses numbers" in said


@pytest.mark.proxied
async def test_a_running_proxy_tells_what_it_serves_and_where(tmp_path: Path, shop: Path) -> None:
    options = ("-f", shop, "--addresses", "ephemeral")
    async with running(tmp_path, "run", *options) as run:
        rows = await run.rows(lambda rows: len(rows) == 3)
        [number] = [row["listen_port"] for row in rows if row["port_name"] == "http"]
        hosts = await to_thread(userproxy, tmp_path, "hosts", "-n", "shop")
        assert f" web.shop web  # 8080/TCP is at port {number}," in hosts.stdout
        assert "127.0.0.1\tweb.shop.svc.cluster.local " in hosts.stdout
        assert "mail.bank: stands for mail.example.com" in hosts.stderr
        env = await to_thread(userproxy, tmp_path, "env", "-n", "shop", "--pid", str(run.process.pid))
        assert f"export WEB_SERVICE_PORT_HTTP={number}\n" in env.stdout
        assert env.stderr == ""


@pytest.mark.parametrize("command", ["hosts", "env"])
def test_without_a_running_proxy_it_is_one_line(tmp_path: Path, command: str) -> None:
    done = userproxy(tmp_path, command)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "userproxy: no userproxy runs as this user; start one with: userproxy run\n"


def test_a_source_and_a_running_proxy_cannot_be_meant_both(tmp_path: Path, shop: Path) -> None:
    assert "one of them" in wrong_usage(tmp_path, "hosts", "-f", shop, "--pid", "1")
    assert "must be the number of a process" in wrong_usage(tmp_path, "env", "--pid", "x")


@pytest.mark.parametrize(
    "option", [("-l", "a=b"), ("--node-name", "x"), ("--addresses", "loopback"), ("--loopback-range", "x")]
)
def test_an_option_that_a_running_proxy_cannot_heed_is_refused(
    tmp_path: Path, option: tuple[str, str]
) -> None:
    assert f"{option[0]} is for a source" in wrong_usage(tmp_path, "hosts", *option)

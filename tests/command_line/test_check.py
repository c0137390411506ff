"""``userproxy check``: every problem by file, document, object, field and value; exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line.process import LIMIT_S, environment, userproxy

GOOD = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ports: [{port: 80}]
"""

SLICE = """
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: web-1, labels: {{kubernetes.io/service-name: web}}}}
addressType: IPv4
ports: [{{port: {port}}}]
endpoints: [{{addresses: [{address}]}}]
"""


def test_good_manifests_are_exit_code_0(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(GOOD)
    done = userproxy(tmp_path, "check", "-f", tmp_path / "web.yaml")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 Service; 0 problems\n", "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            GOOD.replace("[{port: 80}]", "[{name: a, port: 80}, {name: a, port: 81}]"),
            ["document 1", "Service default/web", "spec.ports[1].name", "= a", "[D5]"],
            id="two ports of one name",
        ),
        pytest.param(
            SLICE.format(port=80, address="db.example"),
            ["EndpointSlice default/web-1", "endpoints[0].addresses[0]", "db.example", "[D7]"],
            id="a host name in an IPv4 slice",
        ),
        pytest.param(
            SLICE.format(port=70000, address="10.0.0.1"),
            ["EndpointSlice default/web-1", "ports[0].port", "70000", "[D7]"],
            id="port 70000",
        ),
        pytest.param("- 1\n- 2\n", ["document 1"], id="a list where an object belongs"),
        pytest.param("42\n", ["document 1", "42"], id="a number where an object belongs"),
        pytest.param("{kind: Service, apiVersion: v1}\n", ["metadata"], id="no metadata"),
        pytest.param(
            "apiVersion: v9\nkind: Service\nmetadata: {name: x}\n", ["apiVersion", "v9"], id="version"
        ),
        pytest.param("a: [\n", ["line 2", "column 1"], id="no YAML"),
        pytest.param(
            "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
            + "\n".join(
                f"{name}: &{name} [{', '.join([f'*{last}'] * 10)}]"
                for last, name in zip("abcdefgh", "bcdefghi", strict=True)
            ),
            ["alias"],
            id="anchors that explode",
        ),
        pytest.param(GOOD.replace("port: 80", "port: http"), ["spec.ports[0].port", "http"], id="port http"),
        pytest.param(
            GOOD.replace("{name: web}", "{name: web, annotations: {userproxy.dev/balanser: x}}"),
            ["userproxy.dev/balanser", "userproxy.dev/balancer"],
            id="an unknown annotation names the nearest one",
        ),
    ],
)
def test_D7_each_problem_is_one_line_that_names_it(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    done = userproxy(tmp_path, "check", "-f", tmp_path)
    assert done.returncode == 1
    assert done.stderr == ""
    told = [line for line in done.stdout.splitlines() if line.startswith(("error: ", "warning: "))]
    assert any(all(word in line for word in ["bad.yaml", *words]) for line in told), done.stdout
    assert "problem" in done.stdout.splitlines()[-1]


def test_D7_twenty_thousand_endpoints_are_read_and_reported(tmp_path: Path) -> None:
    addresses = ", ".join(f'{{addresses: ["10.{n >> 16}.{n >> 8 & 255}.{n & 255}"]}}' for n in range(20_000))
    text = SLICE.format(port=80, address="10.0.0.1").replace("{addresses: [10.0.0.1]}", addresses)
    (tmp_path / "big.yaml").write_text(text)
    done = userproxy(tmp_path, "check", "-f", tmp_path)
    assert done.returncode == 1
    assert "20000" in done.stdout


def test_a_hundred_megabytes_are_refused_without_being_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(100_000_000)
    done = userproxy(tmp_path, "check", "-f", tmp_path)
    assert done.returncode == 1
    assert "huge.yaml" in done.stdout
    assert "16 MiB" in done.stdout


def test_D3_other_kinds_are_skipped_and_counted(tmp_path: Path) -> None:
    deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n---\n"
    (tmp_path / "all.yaml").write_text(deployment * 2 + GOOD)
    done = userproxy(tmp_path, "check", "-f", tmp_path)
    assert done.returncode == 0
    assert "2 Deployment" in done.stdout


def test_standard_input(tmp_path: Path) -> None:
    done = userproxy(tmp_path, "check", "-f", "-", stdin=GOOD)
    assert (done.returncode, done.stdout) == (0, "1 Service; 0 problems\n")


def test_a_person_at_a_terminal_is_told_that_it_waits(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(ours, "wb", buffering=0) as keyboard, os.fdopen(theirs, "rb") as terminal:
        keyboard.write(GOOD.encode() + b"\x04")
        done = subprocess.run(
            [sys.executable, "-m", "userproxy", "check", "-f", "-"],
            stdin=terminal, capture_output=True, text=True, timeout=LIMIT_S, env=environment(tmp_path),
            check=False,
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "1 Service; 0 problems\n")
    assert done.stderr == "userproxy: reading standard input\n"


def test_an_unreadable_file_is_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").mkdir()
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    done = userproxy(tmp_path, "check", "-f", tmp_path)
    assert done.returncode == 1
    assert "loop.yaml" in done.stdout

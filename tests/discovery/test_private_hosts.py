"""The hosts file of one command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.discovery.objects import served_port
from userproxy.discovery import Served
from userproxy.discovery.hosts_block import with_block
from userproxy.discovery.hosts_file import HostsFileError
from userproxy.discovery.private_hosts import PrivateHosts
from userproxy.discovery.run_mark import RunMark

BASE = b"127.0.0.1 localhost\n10.0.0.1 mine.shop\n"


@pytest.fixture
def system(tmp_path: Path) -> Path:
    path = tmp_path / "hosts"
    path.write_bytes(with_block(BASE, RunMark.own(), ["127.9.9.9\tweb.shop"]))
    return path


def test_it_is_the_systems_file_without_blocks_and_then_the_names(system: Path) -> None:
    with PrivateHosts(("shop",), "cluster.local", system) as hosts:
        found = hosts.write(Served((served_port("shop/mine", address="127.1.0.2"), served_port("shop/web"))))
        content = Path(hosts.path).read_bytes()
        assert content.startswith(BASE + b"# BEGIN userproxy ")
        assert b"127.1.0.1\tweb.shop.svc.cluster.local web.shop.svc web.shop web\n" in content
        assert b"127.9.9.9" not in content
        assert [problem.partition(":")[0] for problem in found.problems] == ["mine.shop"]
        assert os.stat(hosts.path).st_mode & 0o777 == 0o644
    assert not os.path.exists(hosts.path)


def test_it_is_written_in_place_also_without_a_name(system: Path) -> None:
    with PrivateHosts((), "cluster.local", system) as hosts, open(hosts.path, "rb") as mounted:
        hosts.write(Served((served_port("shop/web"), served_port("shop/api", address="127.1.0.3"))))
        hosts.unname()
        assert not os.path.exists(hosts.path)
        hosts.write(Served((served_port("shop/db", address="127.1.0.2"),)))
        content = mounted.read()
        assert b"db.shop" in content
        assert b"web.shop" not in content
        assert content.startswith(BASE)
        assert content.endswith(b"\n")


def test_a_system_file_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(HostsFileError, match="No such file"):
        PrivateHosts((), "cluster.local", tmp_path / "missing")
    broken = tmp_path / "hosts"
    broken.write_bytes(b"# END userproxy 1-2-3-01234567\n")
    with pytest.raises(HostsFileError, match="line 1 ends a block of userproxy"):
        PrivateHosts((), "cluster.local", broken)

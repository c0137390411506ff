"""A real PostgreSQL of the test's own: with TLS, passwords, and an address of its own."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.command_line.process import LIMIT_S, environment

PROGRAMS = Path(max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), default=Path("postgres"))).parent
"""Of the newest release that Debian's packages have installed."""
needs_postgres = pytest.mark.skipif(
    not (PROGRAMS / "initdb").exists() or shutil.which("psql") is None, reason="no PostgreSQL here"
)
USER, PASSWORD = "app", "open sesame"
"""Proves who it is by SCRAM, bound to the TLS connection: nobody in between could have another one."""
PLAIN_USER = "plain"
"""Sends the password as it is: for clients that are small."""

SETTINGS = """
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
ssl = on
fsync = off
max_connections = 200
shared_buffers = 16MB
"""
ACCESS = f"""
hostssl all {USER} all scram-sha-256
hostssl all {PLAIN_USER} all password
"""


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """One that runs."""

    place: str
    """Its "ip:port", which takes TLS only."""
    authority: Path
    """The certificate authority to trust, as a file."""

    def conninfo(self, name: str, **more: str | int) -> str:
        """How libpq reaches it by ``name``, which its certificate has to have."""
        stated = {
            "host": name, "user": USER, "dbname": "postgres", "sslmode": "verify-full",
            "sslrootcert": self.authority, "channel_binding": "require", "connect_timeout": 50, **more,
        }  # fmt: skip
        return " ".join(f"{key}={value}" for key, value in stated.items())


@contextlib.contextmanager
def postgres_server(home: Path, names: tuple[str, ...], port: int) -> Iterator[PostgresServer]:
    """Run one whose certificate is for ``names``; ``home`` gets what clients need, and has its log."""
    user = _unprivileged()
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        # The parents of a test's folder are its user's alone.
        data = Path(folder, "data")
        data.mkdir(mode=0o700)
        if user is not None:
            for path in (Path(folder), data):
                os.chown(path, user.pw_uid, user.pw_gid)
        _run(user, "initdb", "--pgdata", str(data), "--username", "root", "--auth", "reject", "--no-sync")
        authority = trustme.CA()
        certificate = authority.issue_cert(*names)
        _write(data / "server.key", certificate.private_key_pem.bytes(), user)
        _write(data / "server.crt", certificate.cert_chain_pems[0].bytes(), user)
        _write(data / "pg_hba.conf", ACCESS.encode(), user)
        with (data / "postgresql.conf").open("a") as file:
            file.write(SETTINGS.format(host="127.0.0.1", port=port))
        roles = "".join(f"create role {name} login password '{PASSWORD}';" for name in (USER, PLAIN_USER))
        _run(user, "postgres", "--single", "-D", str(data), "postgres", stdin=f"{roles}\n")
        authority.cert_pem.write_to_path(str(home / "authority.pem"))
        log = data / "log"
        try:
            _run(user, "pg_ctl", "start", "--wait", "--silent", "--pgdata", str(data), "--log", str(log))
            yield PostgresServer(f"127.0.0.1:{port}", home / "authority.pem")
        finally:
            _run(user, "pg_ctl", "stop", "--wait", "--silent", "--mode", "immediate", "--pgdata", str(data))


def _unprivileged() -> pwd.struct_passwd | None:
    """Who runs it, as it refuses to be run by root; None: whoever runs the tests."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _run(user: pwd.struct_passwd | None, program: str, *arguments: str, stdin: str = "") -> None:
    done = subprocess.run(
        [str(PROGRAMS / program), *arguments],
        input=stdin, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        cwd="/", env=environment(Path("/")), timeout=LIMIT_S, check=False,
        user=None if user is None else user.pw_uid,
        group=None if user is None else user.pw_gid,
        extra_groups=None if user is None else (),
    )  # fmt: skip
    assert done.returncode == 0, f"{program}: {done.stdout}"


def _write(path: Path, content: bytes, user: pwd.struct_passwd | None) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)

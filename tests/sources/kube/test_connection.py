"""``--server`` without credentials."""

from __future__ import annotations

import ssl
import subprocess
import sys

from userproxy.sources.kube.connection import AnonymousConnection, Connection


async def test_an_anonymous_connection_proves_nothing() -> None:
    connection: Connection = AnonymousConnection("https://k", proxy_url="http://me:s3cr3t@p")
    assert dict(await connection.headers()) == {}
    assert "s3cr3t" not in repr(connection)
    connection.refused()


def test_its_context_is_the_systems_made_once() -> None:
    connection = AnonymousConnection("https://k")
    context = connection.ssl_context()
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert connection.ssl_context() is context
    connection.reload()
    assert connection.ssl_context() is not context


def test_plain_http_has_none() -> None:
    assert AnonymousConnection("http://k").ssl_context() is None


def test_no_context_is_made_by_importing() -> None:
    script = (
        "import ssl\nmade = []\n"
        "class Watched(ssl.SSLContext):\n    def __new__(cls, *a, **k):\n        made.append(a)\n"
        "        return super().__new__(cls, *a, **k)\n"
        "ssl.SSLContext = Watched\nimport userproxy.sources.kube.lookup\nprint(made)\n"
    )
    output = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=True, text=True)
    assert output.stdout == "[]\n"

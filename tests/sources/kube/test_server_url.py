"""Base URLs as kubectl reads them."""

from __future__ import annotations

import re

import pytest

from userproxy.sources.kube.server_url import is_loopback, server_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        pytest.param("https://k.example:6443", "https://k.example:6443", id="as it is"),
        pytest.param("https://k.example/", "https://k.example", id="a trailing slash goes"),
        pytest.param(
            "https://k.example/k8s/clusters/c-1/", "https://k.example/k8s/clusters/c-1", id="a path stays"
        ),
        pytest.param("HTTPS://k.example", "https://k.example", id="the scheme in lower case"),
        pytest.param("k.example:8080", "http://k.example:8080", id="no scheme is http"),
        pytest.param("localhost", "http://localhost", id="no scheme and no port"),
        pytest.param("https://[fd00::1]:6443", "https://[fd00::1]:6443", id="IPv6"),
        pytest.param("https://k.example/a?b=c#d", "https://k.example/a", id="query and fragment go"),
    ],
)
def test_a_server_is_read_as_kubectl_reads_it(text: str, url: str) -> None:
    assert server_url(text) == url


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("ftp://k.example", "must be an http:// or https:// URL", id="another scheme"),
        pytest.param(
            "https://me:hunter2@k.example", "must not hold a user name or password", id="a password"
        ),
        pytest.param("https://", "names no host", id="no host"),
        pytest.param("", "names no host", id="nothing"),
        pytest.param("https://k.example:hunter2", "is no URL", id="a port that is no number"),
        pytest.param("https://k.example:99999", "is no URL", id="a port that is too large"),
        pytest.param("https://[fd00::1", "is no URL", id="half an IPv6 address"),
        pytest.param("https://k example", "is no URL", id="a blank"),
        pytest.param("https://k.example\nX: y", "is no URL", id="a line break"),
    ],
)
def test_what_is_no_server_is_refused_without_being_quoted(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)) as caught:
        server_url(text)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_loopback_hosts(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "10.0.0.1", "localhost.example", "::2", "128.0.0.1", "127.0.0.1.nip.io"]
)
def test_other_hosts(host: str) -> None:
    assert not is_loopback(host)

"""Which proxy leads to the server; ``test_proxies_against_kubectl`` asks kubectl the same rows."""

from __future__ import annotations

import pytest

from userproxy.errors import ConfigError
from userproxy.sources.kube.proxies import check_proxy_url, environment_proxy

row = pytest.param

SERVER = "https://kube.example:6443"
PROXY = "http://proxy.example:3128"


ENVIRONMENT_ROWS = [
    row(SERVER, {}, None, id="no variables"),
    row(SERVER, {"HTTPS_PROXY": PROXY}, PROXY, id="HTTPS_PROXY"),
    row(SERVER, {"https_proxy": PROXY}, PROXY, id="https_proxy"),
    row(SERVER, {"HTTPS_PROXY": PROXY, "https_proxy": "http://other"}, PROXY, id="upper case first"),
    row(SERVER, {"HTTPS_PROXY": "", "https_proxy": PROXY}, PROXY, id="empty is unset"),
    row(SERVER, {"HTTP_PROXY": PROXY, "ALL_PROXY": PROXY}, None, id="other schemes' variables"),
    row("http://kube.example", {"HTTP_PROXY": PROXY}, PROXY, id="HTTP_PROXY for http"),
    row("http://kube.example", {"HTTPS_PROXY": PROXY}, None, id="HTTPS_PROXY not for http"),
    row(SERVER, {"HTTPS_PROXY": "proxy.example:3128"}, PROXY, id="host and port are http"),
    row(SERVER, {"HTTPS_PROXY": "https://p.example"}, "https://p.example", id="TLS to the proxy"),
    row("https://localhost:6443", {"HTTPS_PROXY": PROXY}, None, id="localhost"),
    row("https://127.0.0.9:6443", {"HTTPS_PROXY": PROXY}, None, id="127/8"),
    row("https://[::1]:6443", {"HTTPS_PROXY": PROXY}, None, id="::1"),
]


@pytest.mark.parametrize(("server", "environ", "proxy"), ENVIRONMENT_ROWS)
def test_the_environment_names_a_proxy(server: str, environ: dict[str, str], proxy: str | None) -> None:
    assert environment_proxy(server, environ) == proxy


NO_PROXY_ROWS = [
    row(SERVER, "kube.example", True, id="the name"),
    row(SERVER, "KUBE.Example", True, id="the name in capitals"),
    row("https://KUBE.example:6443", "kube.example", True, id="the host in capitals"),
    row(SERVER, "example", True, id="a domain above"),
    row(SERVER, ".example", True, id="a domain with a dot"),
    row(SERVER, "*.example", True, id="a domain with a star"),
    row(SERVER, ".kube.example", False, id="a dot excludes the name itself"),
    row(SERVER, "be.example", False, id="half a label"),
    row(SERVER, "a, kube.example ,b", True, id="among others, with blanks"),
    row(SERVER, "*", True, id="everything"),
    row(SERVER, "a.example,*", True, id="everything, last"),
    row(SERVER, "kube.example:6443", True, id="name and port"),
    row(SERVER, "kube.example:443", False, id="another port"),
    row("https://kube.example", "kube.example:443", True, id="the scheme's port"),
    row(SERVER, ":6443", False, id="a port alone"),
    row(SERVER, "", False, id="nothing"),
    row("https://10.1.2.3:6443", "10.1.2.3", True, id="an address"),
    row("https://10.1.2.3:6443", "10.1.2.3:6443", True, id="an address and port"),
    row("https://10.1.2.3:6443", "10.1.2.3:1", False, id="an address and another port"),
    row("https://10.1.2.3:6443", "10.0.0.0/8", True, id="a CIDR"),
    row("https://10.1.2.3:6443", "10.1.2.9/24", True, id="a CIDR with host bits"),
    row("https://10.1.2.3:6443", "11.0.0.0/8", False, id="another CIDR"),
    row("https://10.1.2.3:6443", "10.0.0.0/33", False, id="no CIDR"),
    row("https://10.1.2.3:6443", "10.0.0.0/255.0.0.0", False, id="a mask is no CIDR"),
    row("https://10.1.2.3:6443", "10.1.2", False, id="half an address"),
    row("https://10.1.2.3:6443", "1.2.3", False, id="an address is under no domain"),
    row("https://[fd00::1]:6443", "fd00::1", True, id="IPv6"),
    row("https://[fd00::1]:6443", "FD00:0::1", True, id="IPv6, another spelling"),
    row("https://[fd00::1]:6443", "[fd00::1]:6443", True, id="IPv6 and port"),
    row("https://[fd00::1]:6443", "[fd00::1]", False, id="brackets without a port"),
    row("https://[fd00::1]:6443", "fd00::/8", True, id="an IPv6 CIDR"),
    row("https://[fd00::1]:6443", "0.0.0.0/0", False, id="a CIDR of the other family"),
    row("https://[::ffff:10.1.2.3]:6443", "10.0.0.0/8", True, id="an IPv4-mapped address"),
]


@pytest.mark.parametrize(("server", "no_proxy", "direct"), NO_PROXY_ROWS)
def test_no_proxy(server: str, no_proxy: str, direct: bool) -> None:
    environ = {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}
    assert environment_proxy(server, environ) == (None if direct else PROXY)
    assert environment_proxy(server, {"HTTPS_PROXY": PROXY, "no_proxy": no_proxy}) == (
        None if direct else PROXY
    )


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        row("socks5://me:hunter2@p:1080", "socks5 proxies are not supported", id="socks5"),
        row("ftp://me:hunter2@p", "must be an http:// or https:// URL", id="ftp"),
        row("p.example:3128", "must be an http:// or https:// URL", id="no scheme"),
        row("http://", "names no host", id="no host"),
        row("http://me:hun/ter2@p", "is no URL", id="a slash in the password"),
        row("http://p:hunter2", "is no URL", id="a port that is no number"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_without_being_quoted(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        check_proxy_url(url)
    assert caught.value.__context__ is None
    assert "ter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://p", "https://p:3128", "http://me:secret@p:3128/"])
def test_proxies_that_can_be_used(url: str) -> None:
    check_proxy_url(url)


def test_a_bad_proxy_of_the_environment_is_named_by_its_variable() -> None:
    with pytest.raises(ConfigError, match="https_proxy: socks5 proxies are not supported"):
        environment_proxy(SERVER, {"https_proxy": "socks5://me:hunter2@p"})
    assert environment_proxy(SERVER, {"https_proxy": "socks5://p", "NO_PROXY": "kube.example"}) is None

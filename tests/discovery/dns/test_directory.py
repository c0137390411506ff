"""The index follows what is served, and is the same whatever way led there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.discovery.dns.served import EXTERNAL, PORTS, by_key, directory
from tests.discovery.objects import snapshot
from userproxy.dataplane.snapshot import PortSnapshot
from userproxy.discovery.dns.directory import Directory, Owner, reverse_labels
from userproxy.model.names import NamespacedName


def test_it_says_whether_anything_differs_and_counts_what_did() -> None:
    index = Directory(2**32 - 1)
    assert index.update(by_key(PORTS), {}, {})
    assert index.serial == 0
    assert not index.update(by_key(PORTS), {}, {})
    assert index.update({}, {}, EXTERNAL)
    assert index.update({PORTS[0].key: ()}, {}, EXTERNAL)
    assert index.serial == 2


def test_a_namespace_goes_with_its_last_name() -> None:
    port = snapshot("bank/web")
    alias = {NamespacedName("bank", "mail"): "mail.example.com"}
    index = directory([port], alias)
    index.update({port.key: ()}, {}, alias)
    assert index.has_namespace("bank")
    index.update({}, {}, {})
    assert not index.has_namespace("bank")


def test_an_address_may_have_several_owners() -> None:
    index = directory([snapshot("a/x"), snapshot("a/x-0.y", 81), snapshot("a/x", 82, port_name="b")])
    labels = reverse_labels("127.1.0.1")
    assert index.owners(labels) == (Owner("a", "x", ""), Owner("a", "y", "x-0"))
    assert index.is_above_addresses(labels[1:])
    index.update(dict.fromkeys(by_key([snapshot("a/x-0.y", 81)]), ()), {}, {})
    assert index.owners(labels) == (Owner("a", "x", ""),)


SMALL = [
    snapshot(f"{ns}/{name}", address=f"127.1.0.{ip}") for ns in "ab" for name in ("x", "h.x") for ip in (1, 2)
]


@given(st.lists(st.sampled_from(SMALL)))
def test_what_was_there_before_leaves_nothing(ports: list[PortSnapshot]) -> None:
    index = Directory()
    for port in ports:
        index.update({port.key: (port,)}, {}, {})
    for key in {port.key for port in ports}:
        index.update({key: ()}, {}, {})
    for namespace in "ab":
        assert not index.has_namespace(namespace)
        assert index.ports(NamespacedName(namespace, "x")) == ()
    assert not index.is_above_addresses(("in-addr", "arpa"))
    assert index.owners(reverse_labels("127.1.0.1")) == ()

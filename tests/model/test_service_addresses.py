"""Cluster addresses and families, external IPs, VIPs and source ranges (rules S1-S5)."""

from __future__ import annotations

import pytest

from tests.model.raw import decoded_service, places, refusal, service
from userproxy.model.decode import decode_service
from userproxy.model.names import Family
from userproxy.model.problems import Severity

V4, V6 = Family.IPV4, Family.IPV6
A4, A6 = "10.96.0.1", "fd00::1"
NO_TEXT = [0, 7, True, 1.5, [], ["10.0.0.1"], {}, {"ip": "10.0.0.1"}]


def cluster(**spec: object) -> dict[str, object]:
    return service({"clusterIP": None, **spec})


@pytest.mark.parametrize(
    ("spec", "families", "ips"),
    [
        pytest.param({}, (V4,), (), id="S2 nothing stated: IPv4, no address"),
        pytest.param({"clusterIP": ""}, (V4,), (), id="S1 empty is kept as none"),
        pytest.param({"clusterIP": A4}, (V4,), ((V4, A4),), id="S2 clusterIP alone"),
        pytest.param({"clusterIP": A6}, (V6,), ((V6, A6),), id="S2 clusterIP alone, IPv6"),
        pytest.param({"clusterIPs": [A6]}, (V6,), ((V6, A6),), id="D1 first of clusterIPs stands in"),
        pytest.param(
            {"clusterIP": A4, "ipFamilies": ["IPv4"]}, (V4,), ((V4, A4),), id="D1 clusterIP stands in"
        ),
        pytest.param({"ipFamilies": ["IPv6"]}, (V6,), (), id="S2 families without addresses"),
        pytest.param({"ipFamilies": ["IPv6", "IPv4"]}, (V6, V4), (), id="S2 families in their order"),
        pytest.param(
            {"clusterIP": A4, "clusterIPs": [A4, A6], "ipFamilies": ["IPv4", "IPv6"]},
            (V4, V6),
            ((V4, A4), (V6, A6)),
            id="S2 same index",
        ),
        pytest.param(
            {"clusterIP": A6, "clusterIPs": [A6, A4], "ipFamilies": ["IPv6", "IPv4"]},
            (V6, V4),
            ((V6, A6), (V4, A4)),
            id="S2 same index, IPv6 first",
        ),
        pytest.param(
            {"clusterIP": A4, "clusterIPs": [A4], "ipFamilies": ["IPv4", "IPv6"]},
            (V4, V6),
            ((V4, A4),),
            id="S2 no address at the second index",
        ),
        pytest.param(
            {"clusterIP": A4, "clusterIPs": [A4, A6], "ipFamilies": ["IPv4"]},
            (V4,),
            ((V4, A4),),
            id="S2 an address without a family is not served",
        ),
        pytest.param(
            {"clusterIP": A4, "clusterIPs": [A4, A6]},
            (V4, V6),
            ((V4, A4),),
            id="S2 without ipFamilies only clusterIP is an address",
        ),
        pytest.param(
            {"clusterIP": "010.096.000.001", "clusterIPs": ["10.96.0.1"], "ipFamilies": ["IPv4"]},
            (V4,),
            ((V4, A4),),
            id="D8 canonical",
        ),
        pytest.param({"clusterIP": "::ffff:10.96.0.1"}, (V4,), ((V4, A4),), id="D8 mapped is IPv4"),
    ],
)
@pytest.mark.spec("S1", "S2", "D1", "D8")
def test_S2_cluster_addresses(
    spec: dict[str, object], families: tuple[Family, ...], ips: tuple[tuple[Family, str], ...]
) -> None:
    decoded, problems = decoded_service(cluster(**spec))
    assert (decoded.families, decoded.cluster_ips, decoded.headless) == (families, ips, False)
    assert {family: decoded.cluster_ip(family) for family, _ in ips} == dict(ips)
    assert problems == ()


@pytest.mark.parametrize(
    ("spec", "stated"),
    [
        ({"ipFamilies": ["IPv4"]}, True),
        ({"ipFamilies": ["IPv6"], "clusterIP": "None"}, True),
        ({"ipFamilies": ["IPv5"]}, False),
        ({"ipFamilies": []}, False),
        ({"clusterIP": A4, "clusterIPs": [A4, A6]}, False),
        ({"clusterIP": "None"}, False),
        ({}, False),
    ],
    ids=repr,
)
@pytest.mark.spec("S2")
def test_S2_families_are_stated_by_ip_families_alone(spec: dict[str, object], stated: bool) -> None:
    assert decoded_service(cluster(**spec))[0].families_stated is stated


@pytest.mark.parametrize(
    ("spec", "families"),
    [
        pytest.param({"clusterIP": "None"}, (V4,), id="clusterIP"),
        pytest.param({"clusterIPs": ["None"]}, (V4,), id="D1 clusterIPs alone"),
        pytest.param({"clusterIP": "None", "clusterIPs": ["None"], "ipFamilies": ["IPv6"]}, (V6,), id="both"),
    ],
)
@pytest.mark.spec("S1")
def test_S1_headless(spec: dict[str, object], families: tuple[Family, ...]) -> None:
    decoded, problems = decoded_service(cluster(**spec))
    assert (decoded.headless, decoded.cluster_ips, decoded.families) == (True, (), families)
    assert problems == ()


@pytest.mark.parametrize("value", ["none", "NONE", " None"])
@pytest.mark.spec("S1")
def test_S1_only_the_word_itself_is_headless(value: str) -> None:
    decoded, problems = decoded_service(cluster(clusterIP=value))
    assert decoded.headless is False
    assert places(problems) == [("spec.clusterIP", value, "S2")]


@pytest.mark.parametrize(
    ("spec", "families", "ips", "expected"),
    [
        pytest.param(
            {"clusterIP": "10.96.0.300"},
            (V4,),
            (),
            [("spec.clusterIP", "10.96.0.300", "S2")],
            id="bad clusterIP",
        ),
        pytest.param({"clusterIP": 5}, (V4,), (), [("spec.clusterIP", "5", "S2")], id="clusterIP no text"),
        pytest.param(
            {"clusterIP": A4, "clusterIPs": [A4, "x"], "ipFamilies": ["IPv4", "IPv6"]},
            (V4, V6),
            ((V4, A4),),
            [("spec.clusterIPs[1]", "x", "S2")],
            id="second address bad",
        ),
        pytest.param(
            {"clusterIPs": [None, A6], "ipFamilies": ["IPv4", "IPv6"]},
            (V4, V6),
            ((V6, A6),),
            [("spec.clusterIPs[0]", "null", "S2")],
            id="first address null",
        ),
        pytest.param(
            {"clusterIP": A4, "clusterIPs": [A4, A6], "ipFamilies": ["IPv6", "IPv4"]},
            (V6, V4),
            (),
            [("spec.clusterIPs[0]", A4, "S2"), ("spec.clusterIPs[1]", A6, "S2")],
            id="families of the other index",
        ),
        pytest.param(
            {"clusterIP": A4, "ipFamilies": ["IPv5", "IPv4"], "clusterIPs": [A4, "10.96.0.2"]},
            (V4,),
            ((V4, "10.96.0.2"),),
            [("spec.ipFamilies[0]", "IPv5", "S2")],
            id="a bad family keeps the index of the next",
        ),
        pytest.param(
            {"clusterIP": A4, "ipFamilies": ["IPv4", "IPv4"]},
            (V4,),
            ((V4, A4),),
            [("spec.ipFamilies[1]", "IPv4", "S2")],
            id="a family twice",
        ),
        pytest.param(
            {"clusterIP": A6, "ipFamilies": [7, None]},
            (V6,),
            ((V6, A6),),
            [("spec.ipFamilies[0]", "7", "S2"), ("spec.ipFamilies[1]", "null", "S2")],
            id="no good family: those of the addresses",
        ),
        pytest.param(
            {"clusterIP": A4, "clusterIPs": ["10.96.0.2"], "ipFamilies": ["IPv4"]},
            (V4,),
            ((V4, "10.96.0.2"),),
            [("spec.clusterIP", A4, "S2")],
            id="clusterIP is not the first of clusterIPs",
        ),
    ],
)
@pytest.mark.spec("S2")
def test_S2_bad_cluster_addresses_are_left_out_alone(
    spec: dict[str, object],
    families: tuple[Family, ...],
    ips: tuple[tuple[Family, str], ...],
    expected: list[tuple[str, str, str]],
) -> None:
    decoded, problems = decoded_service(cluster(**spec))
    assert (decoded.families, decoded.cluster_ips) == (families, ips)
    assert places(problems) == expected


@pytest.mark.parametrize("field", ["clusterIPs", "ipFamilies", "externalIPs", "loadBalancerSourceRanges"])
@pytest.mark.parametrize("value", [7, True, "10.0.0.1", "", {}, {"0": "10.0.0.1"}], ids=repr)
@pytest.mark.spec("D7")
def test_D7_a_list_that_is_no_list_refuses_the_service(field: str, value: object) -> None:
    problems = refusal(decode_service(service({field: value})))
    assert [problem.field for problem in problems] == [f"spec.{field}"]


@pytest.mark.parametrize(
    ("entries", "expected", "bad"),
    [
        pytest.param(None, (), [], id="null"),
        pytest.param([], (), [], id="none"),
        pytest.param(["192.0.2.1", "fd00::1"], ("192.0.2.1", "fd00::1"), [], id="both families, in order"),
        pytest.param(["", "192.0.2.1"], ("192.0.2.1",), [], id="S3 empty silently"),
        pytest.param(["192.0.2.001", "192.0.2.1"], ("192.0.2.1",), [], id="D8 canonical, each once"),
        pytest.param(
            [" 1.2.3.4", "192.0.2.1", "1.2.3.4 "], ("192.0.2.1",), [0, 2], id="S3 blanks are not stripped"
        ),
        pytest.param(
            ["x", None, 7, ["1.2.3.4"], "192.0.2.1"], ("192.0.2.1",), [0, 1, 2, 3], id="S3 bad ones"
        ),
        pytest.param(["1.2.3.4/32", "::g", "1.2.3.4:80"], (), [0, 1, 2], id="S3 nothing but addresses"),
    ],
)
@pytest.mark.spec("S3", "D8")
def test_S3_external_ips(entries: object, expected: tuple[str, ...], bad: list[int]) -> None:
    decoded, problems = decoded_service(service(externalIPs=entries))
    assert decoded.external_ips == expected
    assert [(problem.field, problem.rule) for problem in problems] == [
        (f"spec.externalIPs[{index}]", "S3") for index in bad
    ]
    assert all(problem.severity is Severity.ERROR for problem in problems)


@pytest.mark.parametrize(
    ("ingress", "expected", "bad"),
    [
        pytest.param(None, (), [], id="null"),
        pytest.param([{"ip": "192.0.2.1"}], ("192.0.2.1",), [], id="ipMode missing"),
        pytest.param([{"ip": "192.0.2.1", "ipMode": None}], ("192.0.2.1",), [], id="ipMode null"),
        pytest.param([{"ip": "192.0.2.1", "ipMode": "VIP"}], ("192.0.2.1",), [], id="VIP"),
        pytest.param([{"ip": "192.0.2.1", "ipMode": "Proxy"}], (), [], id="Proxy"),
        pytest.param([{"hostname": "lb.example.com"}], (), [], id="host name"),
        pytest.param([{"hostname": "lb.example.com", "ip": "fd00::1"}], ("fd00::1",), [], id="both"),
        pytest.param([{"ip": ""}, {"ip": None}, {}], (), [], id="S3 empty silently"),
        pytest.param(
            [{"ip": "192.0.2.1", "ipMode": "Proxy"}, {"ip": "192.0.2.2"}, {"ip": "fd00::2"}],
            ("192.0.2.2", "fd00::2"),
            [],
            id="each by itself",
        ),
        pytest.param([{"ip": "192.0.2.1", "ipMode": "vip"}], (), ["[0].ipMode"], id="another ipMode"),
        pytest.param([{"ip": "192.0.2.1", "ipMode": 7}], (), ["[0].ipMode"], id="ipMode no text"),
        pytest.param(
            [{"ip": " 192.0.2.1"}, {"ip": 7}, {"ip": "192.0.2.3"}],
            ("192.0.2.3",),
            ["[0].ip", "[1].ip"],
            id="S3 bad addresses",
        ),
        pytest.param(
            [None, "192.0.2.1", [], {"ip": "192.0.2.3"}],
            ("192.0.2.3",),
            ["[0]", "[1]", "[2]"],
            id="S3 entries that are no objects",
        ),
    ],
)
@pytest.mark.spec("S3", "S4")
def test_S4_load_balancer_vips(ingress: object, expected: tuple[str, ...], bad: list[str]) -> None:
    raw = service(type="LoadBalancer", status={"loadBalancer": {"ingress": ingress}})
    decoded, problems = decoded_service(raw)
    assert decoded.load_balancer_ips == expected
    assert [problem.field for problem in problems] == [f"status.loadBalancer.ingress{path}" for path in bad]


@pytest.mark.parametrize("value", NO_TEXT[:4], ids=repr)
@pytest.mark.spec("S4")
def test_S4_a_status_that_is_no_object_is_left_out(value: object) -> None:
    for raw, field in (
        (service(status=value), "status"),
        (service(status={"loadBalancer": value}), "status.loadBalancer"),
    ):
        decoded, problems = decoded_service(raw)
        assert decoded.load_balancer_ips == ()
        assert [problem.field for problem in problems] == [field]


@pytest.mark.spec("D7")
def test_D7_an_ingress_that_is_no_list_refuses_the_service() -> None:
    event = decode_service(service(status={"loadBalancer": {"ingress": {"ip": "192.0.2.1"}}}))
    assert [problem.field for problem in refusal(event)] == ["status.loadBalancer.ingress"]


@pytest.mark.parametrize(
    ("entries", "expected", "bad"),
    [
        pytest.param(None, (), [], id="null: unlimited"),
        pytest.param(["10.0.0.0/8", "fd00::/8"], ("10.0.0.0/8", "fd00::/8"), [], id="both families"),
        pytest.param(
            [" 10.0.0.0/8\n", "\tfd00::/8 "], ("10.0.0.0/8", "fd00::/8"), [], id="S3 blanks are stripped"
        ),
        pytest.param(["010.1.2.3/8", "10.0.0.0/8"], ("10.0.0.0/8",), [], id="D8 canonical, each once"),
        pytest.param(["0.0.0.0/0", "::/0"], ("0.0.0.0/0", "::/0"), [], id="S5 a range of everything is kept"),
        pytest.param(["", "  "], (), [], id="S3 empty silently"),
        pytest.param(["10.0.0.0", "fd00::/8"], ("fd00::/8",), [0], id="S5 IPv4 has no valid range"),
        pytest.param(
            ["10.0.0.0/33", "x", None, 7, ["10.0.0.0/8"]], (), [0, 1, 2, 3, 4], id="S5 none is valid"
        ),
    ],
)
@pytest.mark.spec("S3", "S5", "D8")
def test_S5_source_ranges(entries: object, expected: tuple[str, ...], bad: list[int]) -> None:
    decoded, problems = decoded_service(service(type="LoadBalancer", loadBalancerSourceRanges=entries))
    assert decoded.source_ranges == expected
    assert [(problem.field, problem.rule) for problem in problems] == [
        (f"spec.loadBalancerSourceRanges[{index}]", "S3") for index in bad
    ]

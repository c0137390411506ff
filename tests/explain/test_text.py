"""The text form: what a person sees."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import IPv6Network
from pathlib import Path

import pytest

from tests.explain.scenario import scenario
from tests.routing.objects import (
    IPV6,
    NODE,
    draining,
    endpoint_slice,
    fold,
    name,
    ready,
    service,
    state,
    unready,
)
from userproxy.explain import explain, notes, render
from userproxy.model.endpoints import SliceEndpoint
from userproxy.model.events import SourceProblems
from userproxy.model.names import ObjectRef
from userproxy.model.problems import Problem
from userproxy.model.service import TrafficPolicy
from userproxy.routing import EphemeralAddresses, LoopbackAddresses, ReachPolicy, State

GOLDEN = Path(__file__).with_name("text.txt")
LOCAL = replace(service(), internal_traffic_policy=TrafficPolicy.LOCAL)


def shown(one: State) -> list[str]:
    one.take()
    return render(explain(one)).splitlines()


def test_golden_text() -> None:
    one = scenario()
    assert render(explain(one), notes=notes(one)) == GOLDEN.read_text()


@pytest.mark.parametrize(
    ("entries", "lines"),
    [
        pytest.param(
            [ready("10.0.0.1", NODE)._replace(pod="web-0"), ready("127.0.0.1")],
            [
                "2 of 2 endpoints in use",
                "  + 10.0.0.1:8080   on this node, through pod web-0",
                "  + 127.0.0.1:8080",
            ],
            id="through a pod, and directly",
        ),
        pytest.param(
            [ready("10.0.0.1")],
            [
                "refused: no Pod behind this address: port-forward cannot reach it",
                "  - 10.0.0.1:8080  no Pod behind this address: port-forward cannot reach it",
            ],
            id="T8 none can be reached",
        ),
    ],
)
def test_T8_how_endpoints_are_reached(entries: list[SliceEndpoint], lines: list[str]) -> None:
    outside = state(service(), endpoint_slice("web-1", entries), reach=ReachPolicy(remote=True))
    title, *rest = shown(outside)
    assert [title.removeprefix("default/web http 80/TCP IPv4  at 127.117.209.100:80, "), *rest] == lines


@pytest.mark.parametrize(
    ("policy_local", "entries", "outcome"),
    [
        pytest.param(False, [], "refused: there is no endpoint", id="T8 none"),
        pytest.param(False, [unready("10.0.0.1")], "refused: no endpoint is usable", id="T8 none usable"),
        pytest.param(
            True, [unready("10.0.0.1", NODE)], "refused: no endpoint is usable", id="T8 none, Local"
        ),
        pytest.param(
            True,
            [ready("10.0.0.1", "there")],
            "refused: endpoints are usable, but none on this node (policy Local)",
            id="T8 elsewhere",
        ),
        pytest.param(True, [ready("10.0.0.1", NODE)], "1 of 1 endpoints in use", id="T8 usable"),
    ],
)
def test_T8_the_two_ways_to_be_refused_are_told_apart(
    policy_local: bool, entries: list[SliceEndpoint], outcome: str
) -> None:
    one = state(LOCAL if policy_local else service(), endpoint_slice("web-1", entries))
    assert shown(one)[0] == f"default/web http 80/TCP IPv4  at 127.117.209.100:80, {outcome}"


def test_T8_elsewhere_is_seen_also_when_external_traffic_may_go_there() -> None:
    one = state(replace(LOCAL, external_ips=("192.0.2.1",)), endpoint_slice("web-1", [ready("10.0.0.1")]))
    assert shown(one)[0].endswith("none on this node (policy Local)")


def test_endpoints_that_are_special_say_so() -> None:
    serving = endpoint_slice("web-1", [draining("10.0.0.1", NODE)])
    assert (
        shown(state(service(), serving))[-1] == "  + 10.0.0.1:8080  on this node, terminating, still serving"
    )
    published = endpoint_slice("web-1", [ready("10.0.0.1")._replace(terminating=True)])
    assert shown(state(service(), published))[-1] == "  + 10.0.0.1:8080  terminating, still ready"


def test_addresses_of_every_kind() -> None:
    six = replace(service(), families=(IPV6,))
    plan = LoopbackAddresses(ipv6=IPv6Network("fd00::/64"))
    assert " at [fd00::" in shown(state(six, addresses=plan))[0]
    assert " at 127.0.0.1:(any port), " in shown(state(service(), addresses=EphemeralAddresses()))[0]
    assert " on no address yet, " in render(explain(state(service())))


def test_problems_of_no_service_come_last_whichever_service_is_shown() -> None:
    one = scenario()
    source = ObjectRef("file", "", "web.yaml")
    fold(one, SourceProblems(source, (Problem(source, "", "", "", "is unreadable"),)))
    text = render(explain(one, name("phone")), notes=notes(one))
    assert text.splitlines()[-1] == "! error: file web.yaml: is unreadable"
    assert "default/six" not in text


def test_nothing_at_all() -> None:
    assert render(()) == "no Services\n"


def test_colour_adds_nothing_but_colour() -> None:
    one = scenario()
    rows, more = explain(one), notes(one)
    coloured = render(rows, colour=True, notes=more)
    assert "\x1b[32m+\x1b[0m" in coloured
    assert re.sub("\x1b\\[[0-9]*m", "", coloured) == render(rows, notes=more)

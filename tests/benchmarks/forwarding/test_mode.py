"""What a command line asks for."""

from __future__ import annotations

import argparse

import pytest

from benchmarks.forwarding.mode import QUICK, add_arguments, plan
from benchmarks.peers.all import PEERS

WINDOW_COST_S = 0.35
"""Of a window beside its own second: start and end of the load, and the check of the first round."""


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(arguments)


def test_everything_by_default() -> None:
    asked = plan(options())
    assert (asked.rounds, asked.timing.seconds) == (5, 2.0)
    assert {peer.name for peer in asked.peers} == set(PEERS)
    assert all(names == case.peers for case, names in asked.cases.items())


def test_quick_takes_the_main_cases_within_a_minute() -> None:
    asked = plan(options("--quick"))
    rounds, timing = QUICK
    windows = rounds * sum(map(len, asked.cases.values()))
    assert windows * (timing.seconds + WINDOW_COST_S) < 60
    assert {"requests-64", "connections", "bulk-1"} < {case.name for case in asked.cases}
    assert {peer.name for peer in asked.peers} == {"userproxy", "haproxy", "nginx"}


@pytest.mark.parametrize("quick", [[], ["--quick"]])
def test_a_named_case_has_all_its_peers(quick: list[str]) -> None:
    asked = plan(options("--case", "bulk-4", *quick))
    [(case, names)] = asked.cases.items()
    assert (case.name, names) == ("bulk-4", case.peers)
    assert {peer.name for peer in asked.peers} == set(case.peers)


def test_a_named_peer_leaves_out_cases_that_do_not_know_it() -> None:
    asked = plan(options("--peer", "streams", "--peer", "haproxy"))
    assert "udp-64-1" not in {case.name for case in asked.cases}
    assert {name for names in asked.cases.values() for name in names} == {"streams", "haproxy"}


def test_short_windows_have_short_warm_ups() -> None:
    asked = plan(options("--seconds", "0.1", "--rounds", "7"))
    assert (asked.rounds, asked.timing.warm_up_s, asked.timing.seconds) == (7, 0.1, 0.1)

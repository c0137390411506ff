"""Rounds: who is measured when, what is checked before, and what is left out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from benchmarks.forwarding.cases import Case
from benchmarks.forwarding.loads.base import LoadSource, Reading, Timing
from benchmarks.forwarding.rounds import CHECK, Plan, take
from benchmarks.peers.base import RunningPeer
from tests.benchmarks.windows import window

TIMING = Timing(0.0, 0.5)


@dataclass(frozen=True)
class Scripted:
    """A load that notes who was asked, and finds ``failed`` faults at the peers named in ``bad``."""

    name: str
    asked: list[tuple[str, str, Timing]]
    bad: tuple[str, ...] = ()
    tool: str = "scripted"
    kind: str = "http"
    how_to_install: str = ""

    def __hash__(self) -> int:
        return hash(self.name)

    def missing(self) -> str:
        return self.how_to_install

    def version(self) -> str:
        return "1"

    async def read(self, address: str, pids: Mapping[str, int], timing: Timing) -> Reading:
        self.asked.append((self.name, address, timing))
        return Reading(window(), int(address in self.bad), "wrong" if address in self.bad else "")


@dataclass(frozen=True)
class ScriptedPeer:
    """Its address is its name."""

    name: str
    how_to_install: str = ""
    kinds: tuple[str, ...] = ("http", "transfer", "iperf", "udp")

    def missing(self) -> str:
        return self.how_to_install

    @asynccontextmanager
    async def start(self, endpoints: Mapping[str, str]) -> AsyncIterator[RunningPeer]:
        yield RunningPeer(self.name, "1.0", dict.fromkeys(self.kinds, self.name), None)


def case(name: str, *loads: LoadSource, check: LoadSource | None = None) -> Case:
    return Case(name, name, loads, "request", (), check=check)


async def test_every_round_has_every_case_and_another_peer_begins() -> None:
    asked: list[tuple[str, str, Timing]] = []
    cases = {case(name, Scripted(name, asked)): ("one", "two", "three") for name in ("a", "b")}
    peers = [ScriptedPeer(name) for name in ("one", "two", "three")]
    taken = await take(Plan(cases, peers, 2, TIMING))
    first, second = ["one", "two", "three"], ["two", "three", "one"]
    assert [peer for _, peer, _ in asked] == [*first, *first, *second, *second]
    assert [name for name, _, _ in asked] == [*"aaabbb"] * 2
    assert {timing for _, _, timing in asked} == {TIMING}
    assert [(one.case.name, one.peer, one.round) for one in taken.measurements[6:9]] == [
        ("a", "two", 1), ("a", "three", 1), ("a", "one", 1),
    ]  # fmt: skip
    assert taken.versions == {"one": "1.0", "two": "1.0", "three": "1.0"}


async def test_a_case_takes_only_its_peers_and_those_that_forward_its_kind() -> None:
    asked: list[tuple[str, str, Timing]] = []
    udp = replace(Scripted("a", asked), kind="udp")
    peers = [ScriptedPeer("one"), ScriptedPeer("two"), ScriptedPeer("three", kinds=("http",))]
    await take(Plan({case("a", udp): ("two", "three")}, peers, 1, TIMING))
    assert [peer for _, peer, _ in asked] == ["two"]


async def test_bytes_are_checked_in_the_first_round_before_the_load() -> None:
    asked: list[tuple[str, str, Timing]] = []
    one = case("a", Scripted("load", asked), check=Scripted("check", asked, bad=("two",)))
    peers = [ScriptedPeer("one"), ScriptedPeer("two")]
    taken = await take(Plan({one: ("one", "two")}, peers, 2, TIMING))
    assert [(name, peer) for name, peer, _ in asked] == [
        ("check", "one"), ("load", "one"), ("check", "two"), ("load", "two"), ("load", "one"),
    ]  # fmt: skip
    assert asked[0][2] == CHECK
    assert [(each.peer, each.good) for each in taken.measurements] == [
        ("one", True), ("two", False), ("two", True), ("one", True),
    ]  # fmt: skip


async def test_a_load_that_compares_everything_is_not_checked_before() -> None:
    asked: list[tuple[str, str, Timing]] = []
    same = Scripted("same", asked)
    await take(Plan({case("a", same, check=same): ("one",)}, [ScriptedPeer("one")], 1, TIMING))
    assert [name for name, _, _ in asked] == ["same"]


async def test_what_is_missing_is_named_with_how_to_install_it(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[tuple[str, str, Timing]] = []
    wanted = replace(Scripted("wanted", asked), tool="wrk", how_to_install="apt-get it")
    peers = [ScriptedPeer("one"), ScriptedPeer("two", how_to_install="pip install it")]
    taken = await take(
        Plan({case("a", wanted, Scripted("bundled", asked)): ("one", "two")}, peers, 1, TIMING)
    )
    said = capsys.readouterr().err
    assert "two is left out: pip install it\n" in said
    assert "wrk is replaced by a bundled load: apt-get it\n" in said
    assert "round 1 of 1: window 1 of 1, 0:00 left: a" in said
    assert taken.missing == {"two": "pip install it"}
    assert [(name, peer) for name, peer, _ in asked] == [("bundled", "one")]

"""When what is seen counts: tables of looks, without a disk or a clock."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from userproxy.model.names import ObjectRef
from userproxy.sources.stability import GONE_S, RESTLESS_S, STABLE_S, Stability

WEB = ObjectRef("file", "", "web.yaml")
DB = ObjectRef("file", "", "db.yaml")


@dataclass(frozen=True)
class Look:
    """``text`` "" is what an emptied, missing or unreadable file looks like; ``touched``: its times."""

    at_ms: int
    text: str
    touched: int = 0
    took_ms: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Sight:
    text: str
    touched: int

    @property
    def identity(self) -> str:
        return self.text

    @property
    def fleeting(self) -> bool:
        return not self.text


def in_ms() -> Stability[Sight]:
    """With milliseconds for seconds: whole numbers compare exactly."""
    return Stability(stable_s=STABLE_S * 1000, gone_s=GONE_S * 1000, restless_s=RESTLESS_S * 1000)


def counts(stability: Stability[Sight], looks: list[Look]) -> list[tuple[int, str]]:
    """At which looks something came to count, and what."""
    found = []
    for look in looks:
        sight = Sight(look.text, look.touched)
        if stability.see(WEB, sight, began_s=look.at_ms, ended_s=look.at_ms + look.took_ms):
            found.append((look.at_ms, look.text))
    return found


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        pytest.param([Look(0, "a")], [], id="once is not enough"),
        pytest.param([Look(0, "a"), Look(49, "a")], [], id="49 ms apart is not enough"),
        pytest.param([Look(0, "a"), Look(50, "a")], [(50, "a")], id="the same twice, 50 ms apart"),
        pytest.param([Look(0, "a"), Look(50, "a"), Look(100, "a")], [(50, "a")], id="it counts once"),
        pytest.param(
            [Look(0, "a"), Look(20, "a"), Look(40, "a"), Look(60, "a")], [(60, "a")], id="looks in between"
        ),
        pytest.param([Look(0, "a", took_ms=20), Look(60, "a")], [], id="a look that takes long"),
        pytest.param(
            [Look(0, "a", took_ms=20), Look(70, "a", took_ms=20)],
            [(70, "a")],
            id="from its end to a beginning",
        ),
        pytest.param(
            [Look(0, "a"), Look(40, "b"), Look(60, "b"), Look(90, "b")],
            [(90, "b")],
            id="each change begins anew",
        ),
        pytest.param([Look(0, "a", 1), Look(60, "a", 2)], [], id="the same text with other times is no rest"),
        pytest.param(
            [Look(0, "a", 1), Look(60, "a", 2), Look(110, "a", 2)], [(110, "a")], id="until they rest too"
        ),
        pytest.param([Look(0, ""), Look(50, ""), Look(499, "")], [], id="emptied for less than 500 ms"),
        pytest.param([Look(0, ""), Look(500, "")], [(500, "")], id="emptied for 500 ms"),
        pytest.param(
            [Look(0, "a"), Look(50, "a"), Look(60, ""), Look(400, ""), Look(410, "a"), Look(1000, "a")],
            [(50, "a")],
            id="emptied and back again is no change",
        ),
        pytest.param(
            [Look(0, "a"), Look(50, "a"), Look(100, ""), Look(500, "b"), Look(550, "b")],
            [(50, "a"), (550, "b")],
            id="emptied, then another text",
        ),
        pytest.param(
            [Look(0, "a"), Look(50, "a"), Look(100, ""), Look(600, "")],
            [(50, "a"), (600, "")],
            id="a text, then nothing",
        ),
        pytest.param(
            [Look(0, "a"), Look(50, "a"), Look(60, "b"), Look(90, "a"), Look(100, "b"), Look(140, "b")],
            [(50, "a")],
            id="back in between begins anew",
        ),
        pytest.param(
            [Look(0, "a", 1), Look(50, "a", 1), Look(100, "a", 2), Look(200, "a", 2)],
            [(50, "a")],
            id="a touch is no change",
        ),
        pytest.param(
            [Look(0, "a"), Look(50, "a"), Look(100, "b"), Look(150, "b"), Look(200, "a"), Look(250, "a")],
            [(50, "a"), (150, "b"), (250, "a")],
            id="there and back",
        ),
    ],
)
def test_what_counts_when(looks: list[Look], expected: list[tuple[int, str]]) -> None:
    assert counts(in_ms(), looks) == expected


def test_what_counts_is_known_with_its_newest_times() -> None:
    stability = in_ms()
    counts(stability, [Look(0, "a", 1)])
    assert stability.resting == {}
    assert stability.counts(WEB) is None
    assert stability.known == {WEB}
    counts(stability, [Look(50, "a", 1), Look(100, "a", 2)])
    assert stability.resting == {WEB: Sight("a", 2)}
    counts(stability, [Look(150, "b", 3)])
    assert stability.resting == {}, "it must be looked at again"
    assert stability.counts(WEB) == Sight("a", 2)


def test_what_is_forgotten_begins_anew() -> None:
    stability = in_ms()
    counts(stability, [Look(0, "a"), Look(50, "a")])
    stability.forget(WEB)
    stability.forget(DB)
    assert stability.known == frozenset()
    assert counts(stability, [Look(60, "a"), Look(110, "a")]) == [(110, "a")]


@pytest.mark.parametrize(
    ("looks", "now_ms", "due_ms"),
    [
        pytest.param([], 0, None, id="nothing was seen"),
        pytest.param([Look(0, "a"), Look(50, "a")], 50, None, id="all counts"),
        pytest.param([Look(0, "a")], 20, 30, id="a text"),
        pytest.param([Look(0, "")], 20, 480, id="nothing there"),
        pytest.param([Look(0, "a", took_ms=10)], 20, 40, id="from the end of the look"),
        pytest.param([Look(0, "a")], 90, 0, id="overdue"),
    ],
)
def test_when_the_next_look_is_due(looks: list[Look], now_ms: int, due_ms: int | None) -> None:
    stability = in_ms()
    counts(stability, looks)
    assert stability.due_s(now_ms) == due_ms


def test_the_next_look_is_due_for_what_comes_first() -> None:
    stability = in_ms()
    stability.see(DB, Sight("", 0), began_s=0, ended_s=0)
    stability.see(WEB, Sight("a", 0), began_s=100, ended_s=100)
    assert stability.due_s(100) == 50


def test_what_keeps_changing_is_restless_after_two_seconds_and_waited_for_no_longer() -> None:
    stability = in_ms()
    for at_ms in range(0, 2000, 40):
        counts(stability, [Look(at_ms, str(at_ms))])
        assert not stability.settled(at_ms)
    assert stability.restless(1999) == frozenset()
    assert stability.restless(2000) == {WEB}
    assert stability.settled(2000)
    stability.see(DB, Sight("a", 0), began_s=2000, ended_s=2000)
    assert not stability.settled(2000), "another one is waited for"
    assert counts(stability, [Look(2100, "end"), Look(2150, "end")]) == [(2150, "end")]
    assert stability.restless(2150) == frozenset()


def test_what_comes_back_to_what_counts_is_not_restless() -> None:
    stability = in_ms()
    counts(stability, [Look(0, "a"), Look(50, "a")])
    assert stability.settled(50)
    for at_ms in range(100, 4000, 40):
        counts(stability, [Look(at_ms, "a" if at_ms % 200 == 100 else "b")])
    assert stability.restless(4000) == frozenset()

"""Shares and the verdict on made-up counts; callgrind's files; what happens without valgrind."""

from __future__ import annotations

import argparse

import pytest

from benchmarks.costs import mode
from benchmarks.costs.counted import total_of
from benchmarks.costs.run import Count

WHOLE = [Count("whole", 0, 10_000.0, 100_000.0), Count("whole", 1, 20_000.0, 100_000.0)]


def test_a_share_is_taken_within_each_round() -> None:
    text = mode.render(
        [*WHOLE, Count("limits", 0, 9_900.0, 99_000.0), Count("limits", 1, 19_800.0, 98_000.0)]
    )
    assert "a request: 15,000 (10,000-20,000)" in text
    assert "limits: 1.0% (1.0% to 1.0%): most connections" in text
    assert "limits: 1.5% (1.0% to 2.0%): most connections" in text
    assert text.endswith("verdict: good")


def test_more_than_two_per_cent_is_named() -> None:
    text = mode.render([*WHOLE[:1], Count("times", 0, 9_790.0, 98_100.0)])
    assert text.endswith("verdict: over 2%: times for each request")


def test_a_feature_may_seem_to_cost_less_than_nothing() -> None:
    """Another layout of the code: a few instructions either way."""
    text = mode.render([*WHOLE[:1], Count("times", 0, 10_010.0, 100_000.0)])
    assert "times: -0.1%" in text
    assert text.endswith("verdict: good")


@pytest.mark.parametrize("line", ["totals: 12345", "summary: 12345", "summary: 12345 7"])
def test_the_total_of_a_dump(line: str) -> None:
    assert total_of(f"version: 1\nevents: Ir\n{line}\n") == 12345


def test_a_dump_without_a_total() -> None:
    with pytest.raises(ValueError, match="no totals"):
        total_of("version: 1\n")


def test_without_valgrind_it_is_skipped_and_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mode, "missing", lambda: "valgrind is not installed")
    outcome = mode.run(argparse.Namespace())
    assert outcome.good
    assert outcome.values == {"skipped": "valgrind is not installed"}
    assert capsys.readouterr().err == "skipped: valgrind is not installed\n"

"""``userproxy demo``: everything is served, nothing is left, and a failure is told."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.command_line.process import LIMIT_S, environment, running, userproxy
from userproxy.cli.demo.story import Latencies, Report, ServiceStory, Story
from userproxy.cli.demo.view import live, plain, summary


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_it_ends_by_itself_with_nothing_failed(tmp_path: Path, loop: str) -> None:
    done = userproxy(tmp_path, "demo", "--seconds", "3", "--loop", loop)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    *_, web, dns, verdict = done.stdout.splitlines()
    assert web.startswith("web: ")
    assert dns.startswith("dns: ")
    assert ", 0 failed, " in web
    assert ", 0 failed, " in dns
    assert verdict.endswith("endpoints replaced under load: all good")
    assert int(verdict.split()[0]) >= 1


async def test_ctrl_c_ends_it_with_its_summary(tmp_path: Path) -> None:
    async with running(tmp_path, "demo", table=False) as demo:
        await demo.line("replaced by")
        children = _children(demo.process.pid)
        assert len(children) >= 7, "five backends, two load generators"
        assert await demo.stop(signal.SIGINT) == 0
        assert "all good" in await demo.rest()
        assert demo.errors.read_text() == ""
        assert _alive(children) == []


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


BROKEN_SWAPS = """
import sys
from userproxy.cli.demo.scene import Scene, _Cast
async def replace(self):
    raise RuntimeError("no more actors")
_Cast.replace = replace
from userproxy.cli import main
raise SystemExit(main(sys.argv[1:]))
"""


def test_a_demo_that_cannot_replace_endpoints_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BROKEN_SWAPS, "demo", "--seconds", "30"],
        capture_output=True, text=True, timeout=LIMIT_S, env=environment(tmp_path), check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert done.stdout.endswith("endpoints could not be replaced: RuntimeError('no more actors')\n")


def report(ok: int = 10, failed: int = 0, error: str = "") -> Report:
    latencies = Latencies()
    for _ in range(ok):
        latencies.add(0.001)
    return Report(0.25, ok, failed, Counter({"web-1": ok}), latencies, error)


def story() -> Story:
    return Story(
        (ServiceStory("web", "requests", "127.0.0.1:80"), ServiceStory("dns", "datagrams", "127.0.0.1:53"))
    )


def test_the_verdict_needs_answers_from_every_service_and_no_failure() -> None:
    told = story()
    verdicts = [told.good]
    told.services[0].take(report())
    verdicts.append(told.good)
    told.services[1].take(report())
    verdicts.append(told.good)
    told.services[1].take(report(failed=1, error="timed out"))
    verdicts.append(told.good)
    assert verdicts == [False, False, True, False]
    assert "1 failed" in summary(told)
    assert "timed out" in summary(told)
    assert summary(told).endswith("something failed")


def test_all_good_needs_a_swap_once_there_was_time_for_one() -> None:
    told = story()
    for service in told.services:
        service.take(report())
    verdicts = []
    for told.seconds, told.swaps in ((2.9, 0), (3.0, 0), (3.0, 1)):
        verdicts.append(told.good)
    assert verdicts == [True, False, True]


def test_rates_shares_and_percentiles_are_those_of_the_last_second() -> None:
    service = story().services[0]
    for _ in range(8):
        service.take(report(ok=100))
    assert service.rate == pytest.approx(400)
    assert service.shares() == {"web-1": 1.0}
    assert service.ok == 800
    assert service.recent_latency_ms(50) == pytest.approx(1.0, rel=0.06)


@pytest.mark.parametrize("percent", [50, 99, 100])
def test_a_percentile_is_at_most_five_percent_too_high(percent: int) -> None:
    latencies = Latencies()
    for microseconds in range(1, 1001):
        latencies.add(microseconds / 1e6)
    exact_ms = percent * 10 / 1000
    found = latencies.percentile_ms(percent)
    assert found is not None
    assert exact_ms <= found * 1.0001
    assert found <= exact_ms * 1.05 + 0.001
    assert Latencies().percentile_ms(50) is None


def test_both_views_show_a_story(capsys: pytest.CaptureFixture[str]) -> None:
    told = story()
    told.services[0].take(report())
    told.swaps = 1
    told.tell("web: web-1 replaced by web-4")
    for view in (plain(told, print), live(told)):
        with view as refresh:
            refresh()
        shown = capsys.readouterr().out
        assert "web-1" in shown
        assert "replaced by web-4" in shown

"""The real process: wrong usage, a tiny run of each mode, and signals that leave nothing behind."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.costs.counted import missing
from benchmarks.forwarding.measurement import Measurement
from benchmarks.processes import ROOT
from tests.benchmarks.windows import document_of, measurement

LIMIT_S = 60.0


def benchmarks(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def tiny_run(folder: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], dict[str, object]]:
    """What it said, and its raw values."""
    file = folder / "result.json"
    done = benchmarks(*arguments, "--json", file)
    assert done.returncode in (0, 1), done.stderr
    raw: dict[str, object] = json.loads(file.read_text())
    return done, raw


def chosen(peers: tuple[str, ...], cases: tuple[str, ...]) -> list[str]:
    return [*(f"--peer={name}" for name in peers), *(f"--case={name}" for name in cases)]


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        pytest.param(["--rounds", "0"], "--rounds", id="no round"),
        pytest.param(["--seconds", "nan"], "--seconds", id="no number"),
        pytest.param(["--case", "speed"], "speed", id="unknown case"),
        pytest.param(["--peer", "nobody"], "nobody", id="unknown peer"),
        pytest.param(["--quic"], "--quic", id="unknown flag"),
        pytest.param(["speed"], "speed", id="unknown mode"),
        pytest.param(["--json", "/nonexistent/folder/x.json"], "no folder", id="no such folder"),
        pytest.param(["soak", "--seconds", "-1"], "--seconds", id="negative time"),
        pytest.param(["soak", "--loop", "trio"], "trio", id="unknown loop"),
        pytest.param(["leaks", "--flows", "1.5"], "--flows", id="no whole number"),
        pytest.param(["latency-of-change", "--changes", "0"], "--changes", id="no change"),
        pytest.param(["profile", "speed"], "speed", id="unknown load"),
        pytest.param(["profile", "--flame-graph", "/nonexistent/x.svg"], "no folder", id="no folder for it"),
        pytest.param(["report"], "name a result FILE", id="nothing to report"),
        pytest.param(["report", "none.json"], "none.json: No such file", id="no such result"),
        pytest.param(["report", "--write", "LICENSE"], "LICENSE: has no markers", id="no markers"),
        pytest.param(["report", "pyproject.toml"], "pyproject.toml: is no JSON", id="no JSON"),
        pytest.param(["report", "a.json", "b.json", "--svg", "x.svg"], "exactly one", id="two pictures"),
        pytest.param(["compare", "a.json"], "B", id="one file to compare"),
        pytest.param(["compare", "a.json", "b.json"], "a.json: No such file", id="no such results"),
        pytest.param(["pure", "--part", "speed"], "speed", id="unknown part"),
        pytest.param(["pure", "--seconds", "0"], "--seconds", id="no time"),
        pytest.param(["costs", "--without", "speed"], "speed", id="unknown feature"),
        pytest.param(["costs", "--rounds", "0"], "--rounds", id="no round of counting"),
        pytest.param(["idle", "--connections", "0"], "--connections", id="no connection"),
        pytest.param(["idle", "--peer", "direct"], "direct", id="no proxy"),
        pytest.param(["scale", "--services", "many"], "--services", id="no number of Services"),
        pytest.param(["start", "--loop", "trio"], "trio", id="unknown loop to start on"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str], wrong: str) -> None:
    done = benchmarks(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert wrong in line


def test_a_peer_that_does_not_start_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    program = tmp_path / "haproxy"
    program.write_text("#!/bin/sh\necho 'this is not a proxy' >&2\nexit 4\n")
    program.chmod(0o755)
    done = benchmarks("--peer", "haproxy", "--rounds", "1", "--seconds", "0.1", PATH=str(tmp_path))
    assert done.returncode == 1
    # Before that it says which load takes the place of a tool that this PATH does not have.
    *said, last = done.stderr.splitlines()
    assert last == "benchmarks: haproxy did not start: this is not a proxy"
    assert all("is replaced by a bundled load" in line for line in said)


def test_forwarding(tmp_path: Path) -> None:
    peers, cases = ("direct", "userproxy", "streams"), ("requests-64", "bulk-1", "udp-64-1")
    done, raw = tiny_run(tmp_path, *chosen(peers, cases), "--rounds", "1", "--seconds", "0.15")
    assert done.returncode == 0, done.stdout
    measurements = raw["measurements"]
    assert isinstance(measurements, list)
    taken = {(each["peer"], each["case"]) for each in measurements}
    every = {(peer, case) for peer in peers for case in cases}
    assert taken == every - {("streams", "udp-64-1")}
    for each in measurements:
        assert each["tool"] in ("wrk", "iperf3", "bundled")
        assert each["failed"] == 0
        assert each["answered"] or each["bytes"]
        assert ("proxy" in each["cpu_s"]) is (each["peer"] != "direct")
    assert all(f"{case}: " in done.stdout for case in cases)
    assert "round 1 of 1: window 1 of 8" in done.stderr
    assert "/" not in json.dumps(raw["plan"])


def test_two_runs_are_reported_and_compared(tmp_path: Path) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    taken = [measurement("userproxy", number, 0.5, done=40_000) for number in range(5)]
    before.write_text(json.dumps(document_of(taken)))
    after.write_text(json.dumps(document_of([replace_cost(one, 0.75) for one in taken])))
    reported = benchmarks("report", before, "--svg", tmp_path / "ratios.svg")
    assert (reported.returncode, reported.stderr) == (0, "")
    assert "| userproxy | 40,000 (40,000-40,000) | 12.50 (12.50-12.50) | - |" in reported.stdout
    assert (tmp_path / "ratios.svg").read_text().startswith("<svg ")
    same = benchmarks("compare", before, before)
    assert (same.returncode, same.stderr) == (0, "")
    worse = benchmarks("compare", before, after)
    assert (worse.returncode, worse.stderr) == (1, "")
    assert worse.stdout.splitlines()[-1] == "Worse: userproxy in requests-64."


def replace_cost(one: Measurement, proxy_s: float) -> Measurement:
    return measurement(one.peer, one.round, proxy_s, done=one.window.report.done)


def test_soak(tmp_path: Path) -> None:
    done, raw = tiny_run(tmp_path, "soak", "--seconds", "1.5", "--swap-every", "0.1", "--loop", "asyncio")
    assert raw["swaps"] == 15
    loads = raw["loads"]
    assert isinstance(loads, dict)
    assert len(loads) == 3
    for load in loads.values():
        assert load["answered"] > 0
        assert load["failed"] == 0
    assert raw["exit_code"] == 0
    # In its first seconds a process grows.
    assert raw["faults"] in ([], ["memory is not flat"])
    assert done.returncode == (1 if raw["faults"] else 0)


def test_leaks(tmp_path: Path) -> None:
    done, raw = tiny_run(tmp_path, "leaks", "--connections", "300", "--flows", "1500", "--loop", "uvloop")
    assert done.returncode == 0, done.stdout
    loops = raw["loops"]
    assert isinstance(loops, dict)
    assert list(loops) == ["uvloop"]
    assert "1,500 flows, 0 failed; at most 1,024 open at once" in done.stdout


def test_idle(tmp_path: Path) -> None:
    options = ("--connections", "100", "--rounds", "1", "--peer", "userproxy", "--peer", "streams")
    done, raw = tiny_run(tmp_path, "idle", *options)
    measurements = raw["measurements"]
    assert isinstance(measurements, list)
    assert [(each["peer"], each["connections"]) for each in measurements] == [
        ("userproxy", 100),
        ("streams", 100),
    ]
    assert all(each["before_bytes"] > 5_000_000 for each in measurements)
    assert "resident bytes of the proxy for each idle connection" in done.stdout


@pytest.mark.skipif(bool(missing()), reason=missing() or "valgrind is there")
def test_costs(tmp_path: Path) -> None:
    done, raw = tiny_run(tmp_path, "costs", "--rounds", "1", "--times", "1", "--without", "times")
    counts = raw["counts"]
    assert isinstance(counts, list)
    assert [each["without"] for each in counts] == ["whole", "times"]
    # Many more are for loading shared code; fewer would not be Python.
    assert all(2_000 < each["instructions_per_request"] < 100_000 for each in counts)
    assert all(20_000 < each["instructions_per_connection"] < 1_000_000 for each in counts)
    assert "user-space instructions of userproxy, by callgrind" in done.stdout


def test_latency_of_change(tmp_path: Path) -> None:
    done, raw = tiny_run(tmp_path, "latency-of-change", "--changes", "2")
    by_change = raw["milliseconds"]
    assert isinstance(by_change, dict)
    assert all(len(values) == 2 for values in by_change.values())
    assert "HTTP PATCH" in by_change
    assert "HTTP PATCH: 2 changes" in done.stdout


def test_profile(tmp_path: Path) -> None:
    picture = tmp_path / "flames.svg"
    options = ("--seconds", "0.7", "--flame-graph", str(picture))
    done, raw = tiny_run(tmp_path, "profile", "connections", *options)
    assert raw["case"] == "connections"
    assert isinstance(raw["answered"], int)
    assert raw["answered"] > 0
    assert "processor time of the proxy: " in done.stdout
    assert picture.is_file() is bool(raw["samples"])
    assert done.returncode == (0 if picture.is_file() else 1)
    assert str(tmp_path) not in json.dumps(raw)


def test_pure(tmp_path: Path) -> None:
    done, raw = tiny_run(tmp_path, "pure", "--quick", "--seconds", "0.0001", "--part", "decode")
    assert done.returncode == 0, done.stderr
    measured = raw["measured"]
    assert isinstance(measured, list)
    assert {each["size"] for each in measured} == {1, 10, 100, 1000}
    assert all(len(each["per_second"]) == 5 for each in measured)
    assert "objects per second" in done.stdout
    assert done.stderr.splitlines() == [f"decode: round {number} of 5" for number in range(1, 6)]


def test_scale(tmp_path: Path) -> None:
    sizes = ("--services", "30", "--rounds", "1", "--changes", "3")
    done, raw = tiny_run(tmp_path, "scale", *sizes, "--loop", "asyncio")
    rounds = raw["rounds"]
    assert isinstance(rounds, list)
    [one] = rounds
    assert one["paged"]["routes"] == one["whole"]["routes"] == one["listeners"]["listening"] == 30
    assert len(one["changes"]["milliseconds"]) == 3
    assert {"sync", "change_cpu"} <= one["ratios"].keys()
    assert "30 Services of 10 endpoints" in done.stdout


def test_start(tmp_path: Path) -> None:
    done, raw = tiny_run(tmp_path, "start", "--rounds", "1")
    loops = raw["loops"]
    assert isinstance(loops, dict)
    assert loops.keys() == {"uvloop", "asyncio"}
    assert all(0 < one["first_byte_s"] <= one["all_s"] for [one] in loops.values())
    assert "asyncio, 1 starts: first byte forwarded after" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("arguments", "progress"),
    [
        pytest.param(["--seconds", "0.1", "--rounds", "1000"], "round 1 of 1000", id="forwarding"),
        pytest.param(["latency-of-change", "--changes", "10000"], "change 1 of", id="latency-of-change"),
    ],
)
def test_a_signal_stops_everything(number: signal.Signals, arguments: list[str], progress: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stderr is not None
        assert any(progress in line for line in process.stderr)
        children = _children_of(process.pid)
        process.send_signal(number)
        rest = process.stderr.read()
        assert process.wait(LIMIT_S) == 128 + number
    assert len(children) >= 3
    assert rest.splitlines()[-1] == "benchmarks: interrupted"
    assert not [pid for pid in children if Path("/proc", str(pid)).exists()]


def test_what_was_started_does_not_outlive_a_kill(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks", "--seconds", "0.1", "--rounds", "1000"],
        cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)},  # nobody is left to remove what is in it
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stderr is not None
        assert any("round 1 of 1000" in line for line in process.stderr)
        watched = [os.pidfd_open(pid) for pid in _children_of(process.pid)]
        process.kill()
        process.stderr.read()  # which they have too: its end is theirs
    assert len(watched) >= 3
    for descriptor in watched:
        ended, _, _ = select.select([descriptor], [], [], LIMIT_S)  # readable once it has ended
        os.close(descriptor)
        assert ended


def _children_of(parent: int) -> list[int]:
    found: list[int] = []
    for task in Path("/proc", str(parent), "task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found

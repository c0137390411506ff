"""``python -m benchmarks scale``: options in, a report and raw values out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.arguments import whole
from benchmarks.measuring.spread import Spread
from benchmarks.outcome import Outcome
from benchmarks.running import LOOPS
from benchmarks.running import run as run_on_loop
from benchmarks.scale.cluster import ENDPOINTS
from benchmarks.scale.rounds import FEW_SERVICES, Round, measure_rounds

__all__ = ["add_arguments", "faults", "render", "run"]

MOST_SYNC_RATIO = 3.0
MOST_CHANGE_MS = 5.0
MOST_CHANGE_RATIO = 1.5
MOST_LISTENERS_S = 5.0
QUICK = {"services": 1000, "rounds": 3, "changes": 100}
FULL = {"services": 10_000, "rounds": 5, "changes": 300}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    quick = ", ".join(f"{value:,} {name}" for name, value in QUICK.items())
    parser.add_argument("--quick", action="store_true", help=f"{quick}; under a minute")
    parser.add_argument("--services", type=whole, metavar="N", help="default: 10000")
    parser.add_argument("--rounds", type=whole, metavar="N", help="default: 5")
    parser.add_argument("--changes", type=whole, metavar="N", help="of slices, a round; default: 300")
    parser.add_argument("--loop", choices=LOOPS, default="uvloop", help="of the proxy; default: uvloop")


def run(options: argparse.Namespace) -> Outcome:
    usual = QUICK if options.quick else FULL
    services, rounds, changes = (getattr(options, name) or usual[name] for name in usual)
    measured = run_on_loop(lambda: measure_rounds(services, rounds, changes, options.loop))
    print(render(services, measured), flush=True)
    return Outcome(
        good=not faults(services, measured),
        values={
            "services": services,
            "loop": options.loop,
            "rounds": [{**asdict(one), "ratios": one.ratios} for one in measured],
        },
    )


def render(services: int, rounds: Sequence[Round]) -> str:
    """Medians, and the spread in brackets."""
    size = rounds[0].loads["bytes"]
    lines = [
        f"{services:,} Services of {ENDPOINTS} endpoints, {size / 1e6:.1f} MB of JSON;"
        f" medians of {len(rounds)} rounds [least to greatest]:",
        f"  one orjson.loads of it: {_seconds(rounds, 'loads', 'loads_s')};"
        f" without the collector {_seconds(rounds, 'loads', 'loads_uncollected_s')}",
        f"  first sync to derived routes: in pages {_seconds(rounds, 'paged', 'first_sync_s')},"
        f" in one answer {_seconds(rounds, 'whole', 'first_sync_s')}",
        f"    the slower to orjson.loads: {_spread([one.ratios['sync'] for one in rounds])};"
        f" in processor time {_spread([one.ratios['sync_cpu'] for one in rounds])},"
        f" without the collector {_spread([one.ratios['sync_cpu_uncollected'] for one in rounds])}",
        f"    steps by themselves: parse {_seconds(rounds, 'parts', 'parse_s')}, with decoding"
        f" {_seconds(rounds, 'parts', 'parse_and_decode_s')}, derive"
        f" {_seconds(rounds, 'parts', 'fold_and_derive_s')}",
        f"    longest step on the loop, processor time: in pages"
        f" {_milliseconds(rounds, 'paged', 'longest_step_s')}, in one answer"
        f" {_milliseconds(rounds, 'whole', 'longest_step_s')}",
        f"  first sync to everything in force: {_seconds(rounds, 'proxy', 'all_in_force_s')},"
        f" longest step {_milliseconds(rounds, 'proxy', 'longest_step_s')}",
        f"  {services:,} listeners: {_seconds(rounds, 'listeners', 'listeners_s')}",
        f"  resident memory for each Service: routes {_each(services, rounds, 'paged')},"
        f" with listeners {_each(services, rounds, 'proxy')}",
        *_changes(services, rounds),
    ]
    return "\n".join([*lines, f"verdict: {'; '.join(faults(services, rounds)) or 'good'}"])


def faults(services: int, rounds: Sequence[Round]) -> tuple[str, ...]:
    """Which targets are missed, by the medians."""
    ratio = Spread.of([one.ratios["sync"] for one in rounds]).median
    change_ratio = Spread.of([one.ratios["change_cpu"] for one in rounds]).median
    slow_ms = Spread.of([_percentile(one.changes.milliseconds) for one in rounds]).median
    listeners_s = Spread.of([one.listeners["listeners_s"] for one in rounds]).median
    found = [
        (ratio > MOST_SYNC_RATIO, f"the first sync takes {ratio:.2f} of an orjson.loads"),
        (slow_ms > MOST_CHANGE_MS, f"a change takes {slow_ms:.1f} ms at the 99th percentile"),
        (change_ratio > MOST_CHANGE_RATIO, f"a change costs {change_ratio:.2f} of one in a small cluster"),
        (listeners_s > MOST_LISTENERS_S, f"the listeners take {listeners_s:.1f} s"),
    ]
    found += [
        (True, f"only {one.listeners['listening']:,.0f} of {services:,} listen")
        for one in rounds
        if one.listeners["listening"] < services
    ]
    return tuple(text for missed, text in found if missed)


def _changes(services: int, rounds: Sequence[Round]) -> list[str]:
    lines = ["  one slice changed, from its first byte to whoever follows the changes of the proxy:"]
    for count, changes in (
        (services, [one.changes for one in rounds]),
        (min(FEW_SERVICES, services), [one.changes_of_few for one in rounds]),
    ):
        middle = _spread([_percentile(one.milliseconds, 0.5) for one in changes])
        slow = _spread([_percentile(one.milliseconds) for one in changes])
        cpu = _spread([one.cpu_ms for one in changes])
        lines.append(f"    among {count:,}: median {middle} ms, p99 {slow} ms, processor time {cpu} ms")
    return [*lines, f"    processor time, ratio: {_spread([one.ratios['change_cpu'] for one in rounds])}"]


def _percentile(values: Sequence[float], share: float = 0.99) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _seconds(rounds: Sequence[Round], of: str, name: str) -> str:
    return f"{_spread([getattr(one, of)[name] for one in rounds])} s"


def _milliseconds(rounds: Sequence[Round], of: str, name: str) -> str:
    return f"{_spread([getattr(one, of)[name] * 1000 for one in rounds])} ms"


def _each(services: int, rounds: Sequence[Round], of: str) -> str:
    return f"{_spread([getattr(one, of)['resident_bytes'] / services / 1000 for one in rounds])} kB"


def _spread(values: Sequence[float]) -> str:
    spread = Spread.of(values)
    return f"{spread.median:.2f} [{spread.low:.2f} to {spread.high:.2f}]"

"""A live userproxy under the bundled load, looked at by one tool after the other."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.actors.remote import Backend, Load, Report
from benchmarks.errors import BenchmarkError
from benchmarks.forwarding.loads.bundled import Bundled
from benchmarks.measuring.window import Window, measure
from benchmarks.peers.userproxy import manifests
from benchmarks.profile.attached import Target
from benchmarks.profile.counts import Counts, count_calls, count_instructions
from benchmarks.profile.sampling import MAPS, Samples, names_python, sample
from benchmarks.profile.tools import PERF, perf_refusal
from benchmarks.userproxy_process import UserproxyProcess

__all__ = ["RECIPES", "Profile", "Recipe", "profile"]

WARM_UP_S = 0.5


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which load, and what is one operation."""

    load: Bundled
    per: str
    per_gigabyte: bool = False

    def amount(self, report: Report) -> float:
        return report.bytes / 1e9 if self.per_gigabyte else float(report.done)


RECIPES: Mapping[str, Recipe] = {
    "requests": Recipe(Bundled("requests", 64), "request"),
    "connections": Recipe(Bundled("connections", 64), "connection"),
    "bulk": Recipe(Bundled("push", 1), "GB", per_gigabyte=True),
    "datagrams": Recipe(Bundled("datagrams", 64), "datagram answered"),
}


@dataclass(frozen=True, slots=True)
class Profile:
    """What was seen of one recipe."""

    name: str
    recipe: Recipe
    window: Window
    """Before any tool looked."""
    calls: Counts
    instructions: Counts
    samples: Sequence[Samples]
    refused: Mapping[str, str]
    """Why samplers saw nothing."""
    failed: int
    """Operations, until the end."""
    error: str


async def profile(name: str, loop: str, seconds: float) -> Profile:
    """Raises BenchmarkError when a process does not start or ends, or when nothing was done."""
    recipe = RECIPES[name]
    refusal = perf_refusal() if PERF.path else ""
    perf = bool(PERF.path) and not refusal
    async with AsyncExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="userproxy-profile-")))
        backend = await exits.enter_async_context(Backend())
        kind = recipe.load.kind
        file = folder / "services.json"
        file.write_text(json.dumps(manifests({kind: await backend.open(kind)})))
        proxy = UserproxyProcess("-f", file, loop=loop, folder=folder, names_for_perf=perf and names_python())
        await exits.enter_async_context(proxy)
        exits.callback(MAPS.joinpath(f"perf-{proxy.pid}.map").unlink, missing_ok=True)
        address = (await proxy.addresses([kind]))[kind]
        async with Load(recipe.load.load, address, at_once=recipe.load.at_once) as load:
            target = Target(proxy.pid, load, recipe.amount)
            _progress(f"{name}: processor time, {seconds:g} s")
            pids = {"load": load.pid, "backend": backend.pid, "proxy": proxy.pid}
            window = await measure(load, pids, warm_up_s=WARM_UP_S, seconds=seconds)
            if not recipe.amount(window.report):
                raise BenchmarkError(f"nothing was done: {window.report.error or 'no answer'}")
            _progress(f"{name}: system calls, {seconds:g} s")
            calls = await count_calls(target, seconds, folder)
            _progress(f"{name}: instructions, {seconds:g} s")
            instructions = await count_instructions(target, seconds, folder)
            _progress(f"{name}: stacks, {seconds:g} s")
            samples, refused = await sample(target, seconds, folder, perf=perf)
            if refusal:
                refused["perf record"] = refusal
            last = await load.end()
        proxy.check()
    return Profile(name, recipe, window, calls, instructions, samples, refused, last.failed, last.error)


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)

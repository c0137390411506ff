"""A profile for people."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.profile.counts import Counts
from benchmarks.profile.run import Profile
from benchmarks.profile.sampling import HOTTEST, Samples, names_python
from benchmarks.profile.stacks import hottest
from benchmarks.profile.tools import TOOLS

__all__ = ["render"]


def render(profile: Profile) -> str:
    """What could be seen, and for the rest what would show it."""
    lines = [*_times(profile), *_calls(profile.calls, profile.recipe.per), *_instructions(profile)]
    for samples in profile.samples:
        lines += _hottest(samples)
    if not profile.samples:
        lines.append("hottest functions, flame graph: neither perf nor py-spy could look")
    lines += [f"{tool} did not look: {why}" for tool, why in profile.refused.items()]
    lines += [f"{tool.name} is not installed ({tool.how})" for tool in TOOLS if not tool.path]
    if profile.failed:
        lines.append(f"{profile.failed} operations failed: {profile.error}")
    return "\n".join(lines)


def _times(profile: Profile) -> list[str]:
    recipe, report, cpu = profile.recipe, profile.window.report, profile.window.cpu["proxy"]
    done = recipe.amount(report)
    unit, scale = ("s", 1.0) if recipe.per_gigabyte else ("us", 1e6)
    user, kernel = (scale * seconds / done for seconds in (cpu.user_s, cpu.system_s))
    return [
        f"profile of {profile.name}: {done / report.seconds:,.2f} a second, no tool attached",
        f"  processor time of the proxy: {user + kernel:.2f} {unit} a {recipe.per}, of which user {user:.2f},"
        f" kernel {kernel:.2f}; {profile.window.share('proxy'):.0%} of one core",
    ]


def _calls(calls: Counts, per: str) -> list[str]:
    if not calls.by_name:
        return ["system calls: no tool could count them", *_refused(calls)]
    lines = [f"system calls for one {per}, by {calls.tool} ({calls.per_second:,.0f} a second under it):"]
    ordered = sorted(calls.by_name.items(), key=lambda item: -item[1])
    lines += [f"  {count:10.3f} {name}" for name, count in ordered if count >= 0.0005]
    return [*lines, f"  {calls.total:10.3f} in all", *_refused(calls)]


def _instructions(profile: Profile) -> list[str]:
    found = profile.instructions
    if not found.by_name:
        return [
            "instructions: not counted (perf may not, or the processor lets nobody count)",
            *_refused(found),
        ]
    counts = ", ".join(f"{name} {count:,.0f}" for name, count in found.by_name.items())
    return [f"for one {profile.recipe.per}: {counts}"]


def _refused(counts: Counts) -> list[str]:
    return [f"  {tool} did not count: {why}" for tool, why in counts.refused.items()]


def _hottest(samples: Samples) -> Sequence[str]:
    nameless = samples.tool == "perf record" and not names_python()
    names = "; for names of Python: py-spy, or Python 3.12 built with frame pointers" if nameless else ""
    head = f"hottest functions by {samples.tool} ({sum(samples.stacks.values()):,} samples{names}):"
    return [head, *(f"  {share:6.1%} {name}" for name, share in hottest(samples.stacks, HOTTEST))]

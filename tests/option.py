"""Variants that pytest can be asked for: ``--workers N``, ``--udp plain`` and ``--loop KIND``.

The first two choose what a whole proxy consists of, so only tests with traffic, or tables, of a whole proxy
run then: those of the folders `PROXIED`, and those with the mark ``proxied``. All others would say again what
they say without the option: pure parts, one data plane, messages of a takeover, wrong usage, benchmarks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from userproxy import Settings

__all__ = [
    "OPTION",
    "PROXIED",
    "asked_loops",
    "asked_numbers",
    "in_one_process_only",
    "run_arguments",
    "with_workers",
]

PROXIED = frozenset({"integration"})


@dataclass
class _Option:
    workers: int = 1
    udp: str = "mmsg"
    loop: str | None = None
    """None: both, where a test runs on both, and else the default."""

    @property
    def proxied_only(self) -> bool:
        return self.workers > 1 or self.udp == "plain"


OPTION = _Option()
"""Set before any module of tests is imported."""


def asked_loops() -> tuple[str, ...]:
    """For tests that say themselves on which loop ``userproxy run`` is."""
    return ("uvloop", "asyncio") if OPTION.loop is None else (OPTION.loop,)


def asked_numbers() -> tuple[str, ...]:
    """For tests that say themselves how many workers ``userproxy run`` has: one and two, unless asked for."""
    return ("1", "2") if OPTION.workers == 1 else (str(OPTION.workers),)


def with_workers(settings: Settings) -> Settings:
    """``settings`` with the number of workers that was asked for."""
    return replace(settings, workers=OPTION.workers)


def run_arguments(*given: object) -> list[str]:
    """What makes ``userproxy run`` the variant that was asked for, where ``given`` does not say it."""
    several = OPTION.workers > 1
    wanted = {
        "--workers": str(OPTION.workers) if several else None,
        "--dial": "direct" if several else None,  # workers cannot reach pods, so that they must be told
        "--loop": OPTION.loop,
    }
    return [part for name, value in wanted.items() if value and name not in given for part in (name, value)]


def in_one_process_only(why: str) -> pytest.MarkDecorator:
    """Skip a test of what differs with workers (docs/workers.md), or is out of the test's sight there."""
    return pytest.mark.skipif(OPTION.workers > 1, reason=f"with workers: {why}")

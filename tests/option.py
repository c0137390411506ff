"""``pytest --workers N``: the proxies of tests/integration and tests/test_proxy.py have so many workers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from userproxy import Settings

__all__ = ["OPTION", "in_one_process_only", "with_workers"]


@dataclass
class _Option:
    workers: int = 1


OPTION = _Option()
"""Set before any module of tests is imported."""


def with_workers(settings: Settings) -> Settings:
    """``settings`` with the number of workers that was asked for."""
    return replace(settings, workers=OPTION.workers)


def in_one_process_only(why: str) -> pytest.MarkDecorator:
    """Skip a test that would say nothing of workers."""
    return pytest.mark.skipif(OPTION.workers > 1, reason=f"with workers: {why}")

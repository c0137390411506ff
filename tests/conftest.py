"""What every test gets: a marker for rows, a choice of event loops, and descriptors enough for crowds."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Callable, Mapping

import pytest
import uvloop
from hypothesis import strategies

from tests.option import OPTION
from userproxy.dataplane.udp_batching import Batching
from userproxy.dataplane.udp_mmsg import mmsg
from userproxy.dataplane.udp_plain import PLAIN

BOTH_LOOPS = frozenset({"dataplane", "integration"})
"""Folders whose asynchronous tests run on asyncio and on uvloop; elsewhere a test asks with the marker."""

DESCRIPTORS = 8192
"""Crowds of clients take hundreds of them on both sides of a proxy; a shell often allows 1,024."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--workers", type=int, default=1, help="processes of the proxies in tests/integration")


def pytest_configure(config: pytest.Config) -> None:
    OPTION.workers = config.getoption("--workers")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    config.addinivalue_line("markers", "spec(*rows): rows of docs/semantics.md that this test holds")
    config.addinivalue_line("markers", "both_loops: run on asyncio and on uvloop")
    # A shell that runs the tests in the background has SIGINT ignored, and every child would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Load what Hypothesis imports when it is first used: pytest compiles it then, and deep in a test, with
    the recursion limit moved, CPython 3.11 may fail at that ("recursion depth mismatch")."""
    strategies.randoms().validate()


@pytest.fixture(params=["mmsg", "plain"])
def batching(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Batching:
    """Every way of reading and sending datagrams that this platform has, for all data planes of the test."""
    way = mmsg() if request.param == "mmsg" else PLAIN
    if way is None:
        pytest.skip("this platform has no recvmmsg")
    monkeypatch.setattr("userproxy.dataplane.runtime.best_batching", lambda: way)
    return way


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    if BOTH_LOOPS.intersection(item.path.parts) or item.get_closest_marker("both_loops"):
        factories["uvloop"] = uvloop.new_event_loop
    return factories

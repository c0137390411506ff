"""What every test gets: a marker for rows, a choice of event loops, and descriptors enough for crowds."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Callable, Mapping

import pytest
import uvloop
from hypothesis import strategies

from tests.option import OPTION, PROXIED
from tests.without_mmsg import refuse_mmsg
from userproxy.dataplane.udp_batching import Batching
from userproxy.dataplane.udp_mmsg import mmsg
from userproxy.dataplane.udp_plain import PLAIN

BOTH_LOOPS = frozenset({"dataplane", "integration", "portforward"})
"""Folders whose asynchronous tests run on asyncio and on uvloop; elsewhere a test asks with the marker."""

DESCRIPTORS = 8192
"""Crowds of clients take hundreds of them on both sides of a proxy; a shell often allows 1,024."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("userproxy", "variants of userproxy (tests/option.py)")
    group.addoption("--workers", type=int, default=1, help="processes of each proxy that carry the traffic")
    group.addoption(
        "--udp", choices=["mmsg", "plain"], default="mmsg",
        help="plain: refuse recvmmsg and sendmmsg to all processes, so that datagrams go one by one",
    )  # fmt: skip
    group.addoption("--loop", choices=["asyncio", "uvloop"], help="default: tests of both loops run on both")


def pytest_configure(config: pytest.Config) -> None:
    OPTION.workers = config.getoption("--workers")
    OPTION.udp = config.getoption("--udp")
    OPTION.loop = config.getoption("--loop")
    if OPTION.udp == "plain":
        try:
            refuse_mmsg()
        except OSError as error:
            raise pytest.UsageError(f"--udp plain: no filter of system calls here: {error}") from error
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    config.addinivalue_line("markers", "spec(*rows): rows of docs/semantics.md that this test holds")
    config.addinivalue_line("markers", "both_loops: run on asyncio and on uvloop")
    config.addinivalue_line("markers", "proxied: run with --workers and --udp too (tests/option.py)")
    # A shell that runs the tests in the background has SIGINT ignored, and every child would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str | None:
    if not OPTION.proxied_only:
        return None
    return f"userproxy: workers {OPTION.workers}, udp {OPTION.udp}; what has no whole proxy is deselected"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The rule of tests/option.py."""
    if not OPTION.proxied_only:
        return
    others = [item for item in items if not is_proxied(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if is_proxied(item)]


def is_proxied(item: pytest.Item) -> bool:
    return bool(PROXIED.intersection(item.path.parts) or item.get_closest_marker("proxied"))


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
    if OPTION.workers > 1 and request.param != OPTION.udp:
        pytest.skip("with workers: the way is that of --udp")
    monkeypatch.setattr("userproxy.dataplane.runtime.best_batching", lambda: way)
    return way


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
        "asyncio": asyncio.new_event_loop,
        "uvloop": uvloop.new_event_loop,
    }
    if BOTH_LOOPS.intersection(item.path.parts) or item.get_closest_marker("both_loops"):
        return {name: loop for name, loop in factories.items() if OPTION.loop in (None, name)}
    return {"asyncio": asyncio.new_event_loop}

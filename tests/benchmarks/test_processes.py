"""Processes that talk, fail, and do not want to end."""

from __future__ import annotations

import signal
import sys

import pytest

from benchmarks import processes
from benchmarks.errors import BenchmarkError
from benchmarks.processes import Child


def running(code: str, *, talks: bool = True) -> Child:
    return Child("the child", (sys.executable, "-c", code), talks=talks)


async def test_a_child_that_talks() -> None:
    async with running("print(input().upper(), flush=True); input()") as child:
        child.tell("hello")
        assert await child.line() == "HELLO"
        assert not child.ended
        child.check()


async def test_one_that_ends_by_itself_says_why() -> None:
    async with running("raise SystemExit('no such thing')") as child:
        with pytest.raises(BenchmarkError, match=r"^the child ended: no such thing$"):
            await child.line()
        with pytest.raises(BenchmarkError, match="is gone: no such thing"):
            child.check()
        assert await child.stop() == 1


async def test_one_that_ends_without_a_word() -> None:
    async with running("raise SystemExit(3)") as child:
        with pytest.raises(BenchmarkError, match="exit code 3, without a word"):
            await child.line()


async def test_one_that_says_nothing() -> None:
    async with running("input()") as child:
        with pytest.raises(BenchmarkError, match=r"the child said nothing for 0\.01 s"):
            await child.line(0.01)


async def test_one_that_is_not_there() -> None:
    with pytest.raises(BenchmarkError, match=r"^the child did not start: No such file or directory$"):
        async with Child("the child", ("/nonexistent/program",)):
            pytest.fail("it started")


async def test_one_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_LIMIT_S", 0.05)
    ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); "
    async with running(ignore + "signal.pause()") as child:
        assert await child.line() == "ready"
        assert await child.stop() == -signal.SIGKILL


async def test_what_one_says_without_talking_can_be_read() -> None:
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr, flush=True)"
    async with running(code, talks=False) as child:
        assert await child.stop() in (0, -signal.SIGTERM)
        said = child.said
    assert set(said) <= {"out", "err"}


def test_outside_of_its_block_it_does_not_run() -> None:
    with pytest.raises(RuntimeError, match="use it inside 'async with'"):
        _ = running("pass").pid


async def test_all_that_one_says_until_it_ends() -> None:
    async with running("print('one'); print('two')") as child:
        assert await child.all_it_says(20) == "one\ntwo\n"
        assert child.ended


async def test_one_that_does_not_come_to_its_end() -> None:
    async with running("print('one', flush=True); input()") as child:
        with pytest.raises(BenchmarkError, match=r"^the child did not end within 0\.05 s$"):
            await child.all_it_says(0.05)

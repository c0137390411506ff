"""Running a plugin: bounded, killed with its children, reaped, and quiet about what it printed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from userproxy.errors import CredentialsError
from userproxy.sources.kube.exec_process import Limits, run_plugin
from userproxy.sources.kube.secret import Secret

pytestmark = pytest.mark.both_loops

BRIEF = Limits(timeout_s=0.3, linger_s=0.05, output_bytes=1000)
PATIENT = Limits(timeout_s=60, linger_s=60, output_bytes=1000)


async def _run(script: str, limits: Limits = PATIENT, *secrets: str, interactive: bool = False) -> str:
    printed = await run_plugin(
        ["/bin/sh", "-c", script],
        origin="exec plugin",
        environ={**os.environ, "MARK": "here"},
        interactive=interactive,
        secrets=[Secret(secret) for secret in secrets],
        limits=limits,
    )
    return printed.reveal()


def _children() -> set[int]:
    """Our children, running or not yet reaped."""
    lists = [task / "children" for task in Path("/proc/self/task").iterdir()]
    return {int(pid) for one in lists if one.exists() for pid in one.read_text().split()}


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    children, descriptors = _children(), len(os.listdir("/proc/self/fd"))
    yield
    assert _children() <= children
    # The loop of the test itself is still there: some descriptors more, the same for every test.
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 8


def _state(pid: int) -> str:
    """The state that the kernel gives for ``pid``; "" when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


async def _ended(pid: int) -> bool:
    """True as soon as ``pid``, a grandchild, is gone or waits for its new parent; a kill takes its time."""
    while _state(pid) not in ("", "Z"):
        await asyncio.sleep(0.005)
    return True


def _number(path: Path) -> int | None:
    """What a plugin has written into ``path``, once the line is whole."""
    text = path.read_text() if path.exists() else ""
    return int(text) if text.endswith("\n") else None


async def _pid_in(path: Path) -> int:
    """The number that a plugin writes into ``path``, as soon as it is there."""
    while (pid := _number(path)) is None:
        await asyncio.sleep(0.005)
    return pid


async def test_what_a_plugin_prints_comes_back_as_a_secret() -> None:
    assert await _run("echo $MARK") == "here\n"
    printed = await run_plugin(
        ["/bin/echo", "s3cr3t"], origin="p", environ={}, interactive=False, limits=PATIENT
    )
    assert "s3cr3t" not in repr(printed)


@pytest.fixture
def our_input() -> Iterator[str]:
    """Something to read on our own standard input, for this test."""
    before = os.dup(0)
    read_end, write_end = os.pipe()
    os.write(write_end, b"typed")
    os.close(write_end)
    os.dup2(read_end, 0)
    os.close(read_end)
    yield "typed"
    os.dup2(before, 0)
    os.close(before)


async def test_standard_input_is_empty(our_input: str) -> None:
    assert await _run("cat") == ""
    assert await _run("cat", interactive=True) == our_input


async def test_the_process_leads_a_group() -> None:
    group = await _run("echo $$; cut -d' ' -f5 /proc/$$/stat")
    leader, of_group = group.split()
    assert leader == of_group


async def test_output_at_the_limit_is_whole_and_standard_error_never_blocks() -> None:
    script = "head -c 1000 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero >&2"
    assert await _run(script) == "x" * 1000


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        pytest.param("exit 3", "exec plugin: exit code 3", id="exit code"),
        pytest.param("echo log in first >&2; exit 1", "exit code 1: log in first", id="a line of stderr"),
        pytest.param("printf '\\n one\\ntwo' >&2; exit 1", "exit code 1: one", id="only the first line"),
        pytest.param("echo s3cr3t; exit 1", "exec plugin: exit code 1", id="nothing of stdout"),
        pytest.param("echo token=s3cr3t >&2; exit 1", r"exit code 1: token=\*\*\*", id="masked"),
        pytest.param("echo the s3cr3t >&2; exit 1", r"exit code 1: the \*\*\*", id="a known secret"),
        pytest.param("kill -9 $$", "exec plugin: ended by SIGKILL", id="a signal"),
        pytest.param("head -c 1001 /dev/zero; sleep 600", "printed more than 1000 bytes", id="too much"),
    ],
)
async def test_a_failure_is_told_without_what_was_printed(script: str, complaint: str) -> None:
    with pytest.raises(CredentialsError, match=f"{complaint}$") as caught:
        await _run(script, PATIENT, "s3cr3t")
    assert "s3cr3t" not in str(caught.value)


async def test_a_plugin_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    for argv, complaint in (
        ([str(broken)], "cannot be started: No such file or directory"),
        ([str(tmp_path)], "cannot be started: Permission denied"),
    ):
        with pytest.raises(CredentialsError, match=f"p: {complaint}"):
            await run_plugin(argv, origin="p", environ={}, interactive=False)


async def test_a_slow_plugin_is_killed_with_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"
    with pytest.raises(CredentialsError, match=r"was killed after 0.3 s: asking$"):
        await _run(f"echo asking >&2; sleep 600 & echo $! > {child}; wait", BRIEF)
    assert await _ended(await _pid_in(child))


async def test_a_cancelled_run_is_killed_and_reaped(tmp_path: Path) -> None:
    plugin, child = tmp_path / "plugin", tmp_path / "child"
    run = asyncio.create_task(_run(f"sleep 600 & echo $! > {child}; echo $$ > {plugin}; wait"))
    pid = await _pid_in(plugin)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert await _ended(await _pid_in(child))
    assert not _state(pid)


@pytest.mark.parametrize("turns", range(6))
async def test_a_run_that_is_cancelled_while_it_starts_leaves_nothing(turns: int, tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    run = asyncio.create_task(_run(f"echo $$ > {noted}; sleep 600"))
    for _ in range(turns):
        await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    pid = _number(noted)
    assert pid is None or not _state(pid)


async def test_two_cancellations_still_reap(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    run = asyncio.create_task(_run(f"echo $$ > {noted}; sleep 600"))
    pid = await _pid_in(noted)
    run.cancel()
    await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert not _state(pid)


async def test_a_child_that_stays_behind_with_the_pipe_is_not_waited_for(tmp_path: Path) -> None:
    child = tmp_path / "child"
    limits = Limits(timeout_s=60, linger_s=0.05)
    try:
        assert await _run(f"sleep 600 & echo $! > {child}; echo done", limits) == "done\n"
    finally:
        os.kill(await _pid_in(child), signal.SIGKILL)


async def test_an_interactive_plugin_stays_in_our_group() -> None:
    assert await _run("cut -d' ' -f5 /proc/$$/stat", interactive=True) == f"{os.getpgrp()}\n"


async def test_an_interactive_plugin_is_killed_alone() -> None:
    limits = Limits(interactive_timeout_s=0.3)
    with pytest.raises(CredentialsError, match=r"was killed after 0.3 s$"):
        await _run("exec sleep 600", limits, interactive=True)
